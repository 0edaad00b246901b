//! Clients without a service to talk to.

use assay_answering::{AnswerError, FeatureSource};
use assay_api::{ClientOptions, RemoteFeatures, RemoteWork};
use assay_core::{Classified, Digest, ErrorKind};
use assay_jobs::{Beat, FencingToken, JobId, Lane, WorkSource};
use std::{net::TcpListener, time::Duration};

/// An address at which nobody listens: the port was free a moment ago.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn addresses_are_checked_at_once() {
    let options = ClientOptions::default();
    for bad in [
        "",
        "localhost:1",
        "https://a:1",
        "ftp://a",
        "http://",
        "a b",
    ] {
        assert!(RemoteFeatures::new(bad, &options).is_err(), "{bad}");
        let message = RemoteWork::new(bad, &options).unwrap_err().to_string();
        assert!(message.contains("http://host:port"), "{message}");
    }
    assert!(RemoteFeatures::new("http://localhost:1", &options).is_ok());
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable() {
    let features = RemoteFeatures::new(&nowhere(), &ClientOptions::default()).unwrap();
    let error = features.resolve("").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let rows = vec![vec![0.0; 3]];
    let bundle = Digest::of(b"bundle");
    let late = features.features(bundle, rows, Some(Duration::ZERO)).await;
    assert!(
        matches!(late, Err(AnswerError::Deadline { .. })),
        "{late:?}"
    );
    let work = RemoteWork::new(&nowhere(), &ClientOptions::default()).unwrap();
    let error = work
        .next(Lane::Train, "w", Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let beat = work
        .beat(JobId::new(), FencingToken(1), Beat::default())
        .await;
    assert_eq!(beat.unwrap_err().kind(), ErrorKind::Unavailable);
}
