//! Many spectra in one call.

use crate::serving::{Serving, fields, spectrum};
use assay_api::ingest::{PutSpectraRequest, PutSpectrumRequest};
use assay_ingest::IngestConfig;
use tokio_stream::StreamExt;
use tonic::Code;

fn row(spectrum: PutSpectrumRequest) -> PutSpectraRequest {
    PutSpectraRequest {
        spectrum: Some(spectrum),
    }
}

fn small(first: u64) -> PutSpectrumRequest {
    PutSpectrumRequest {
        counts: vec![first, 1, 2, 3],
        ..PutSpectrumRequest::default()
    }
}

#[tokio::test]
async fn one_bad_spectrum_does_not_stop_the_others() {
    let mut serving = Serving::start().await;
    let alone = serving
        .client
        .put_spectrum(spectrum(5))
        .await
        .unwrap()
        .into_inner();
    let rows = [
        row(spectrum(5)),
        PutSpectraRequest::default(),
        row(PutSpectrumRequest {
            live_time_s: f64::NAN,
            ..small(1)
        }),
        row(small(1)),
    ];
    let answer = serving
        .client
        .put_spectra(tokio_stream::iter(rows))
        .await
        .unwrap();
    let answer = answer.into_inner();
    assert_eq!((answer.accepted, answer.refused), (2, 2));
    assert_eq!((answer.digests.len(), answer.errors.len()), (4, 4));
    assert_eq!(answer.digests[0], alone.spectrum.unwrap().digest);
    assert_eq!(answer.errors[1], "spectrum: is missing");
    assert!(
        answer.errors[2].starts_with("live_time_s: is NaN"),
        "{answer:?}"
    );
    for (digest, error) in answer.digests.iter().zip(&answer.errors) {
        assert_ne!(digest.is_empty(), error.is_empty());
    }
    serving.end().await;
}

#[tokio::test]
async fn an_empty_stream_has_an_empty_answer() {
    let mut serving = Serving::start().await;
    let answer = serving
        .client
        .put_spectra(tokio_stream::empty())
        .await
        .unwrap();
    assert_eq!(answer.into_inner(), Default::default());
    serving.end().await;
}

#[tokio::test]
async fn a_hundred_thousand_spectra_are_one_stream() {
    const ROWS: u64 = 100_000;
    let mut serving = Serving::start().await;
    // Refused spectra are not written to the disk, so the whole length is quick.
    let rows = tokio_stream::iter(0..ROWS).map(|at| {
        row(match at {
            0 => small(at),
            _ => PutSpectrumRequest::default(),
        })
    });
    let answer = serving.client.put_spectra(rows).await.unwrap().into_inner();
    assert_eq!(u64::from(answer.accepted), 1);
    assert_eq!(u64::from(answer.refused), ROWS - 1);
    assert_eq!(answer.errors.len() as u64, ROWS);
    serving.end().await;
}

#[tokio::test]
async fn an_answer_that_no_message_holds_is_refused_before_it_grows() {
    let config = IngestConfig {
        max_message_bytes: Some(2000),
        ..IngestConfig::default()
    };
    let mut serving = Serving::start_with(config).await;
    let rows = (0..15).map(small).map(row);
    let status = serving
        .client
        .put_spectra(tokio_stream::iter(rows))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(fields(&status), ["spectrum"]);
    serving.end().await;
}

#[tokio::test]
async fn the_server_ends_although_a_stream_stays_open() {
    let serving = Serving::start().await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let rows = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut client = serving.client.clone();
    let answer = tokio::spawn(async move { client.put_spectra(rows).await });
    sender.send(row(small(1))).await.unwrap();
    // The stream is open once its first spectrum is kept.
    while serving.blobs().is_empty() {
        tokio::task::yield_now().await;
    }
    serving.shutdown.begin();
    let status = answer.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    drop(sender);
    serving.end().await;
}
