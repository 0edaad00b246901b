//! Clients without a service to talk to.

use assay_answering::{AnswerError, FeatureSource};
use assay_api::{ClientOptions, RemoteFeatures, RemoteWork};
use assay_core::{Classified, Digest, ErrorKind};
use assay_jobs::{Beat, FencingToken, JobId, Lane, WorkSource};
use std::{
    io::Read,
    net::{Shutdown, TcpListener},
    thread,
    time::Duration,
};

/// An address at which nobody listens: the port was free a moment ago.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// An address where every connection breaks as soon as something was said on it.
fn breaking() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let heard = connection.read(&mut [0; 256]).unwrap();
            assert!(heard > 0, "the client says something first");
            // It may have broken already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    });
    url
}

#[tokio::test]
async fn addresses_are_checked_at_once() {
    let options = ClientOptions::default();
    for bad in ["", "localhost:1", "ftp://a", "http://", "a b"] {
        assert!(RemoteFeatures::new(bad, &options).is_err(), "{bad}");
        let message = RemoteWork::new(bad, &options).unwrap_err().to_string();
        assert!(message.contains("http://host:port"), "{message}");
    }
    for good in ["http://localhost:1", "https://a:1"] {
        assert!(RemoteFeatures::new(good, &options).is_ok(), "{good}");
    }
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

#[tokio::test]
async fn a_connection_that_breaks_is_unavailable_and_no_defect() {
    let url = breaking();
    let features = RemoteFeatures::new(&url, &ClientOptions::default()).unwrap();
    let work = RemoteWork::new(&url, &ClientOptions::default()).unwrap();
    for _ in 0..20 {
        let error = features.resolve("").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains("inference service"), "{error}");
        let status = assay_api::status::of(&error);
        assert!(assay_api::status::retry_after(&status).is_some());
        let next = work.next(Lane::Train, "w", Duration::ZERO).await;
        assert_eq!(next.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
