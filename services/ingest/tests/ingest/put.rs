//! Spectra in and out again, and what is refused.

use crate::serving::{Serving, fields, spectrum};
use assay_api::ingest::{GetFileRequest, GetSpectrumRequest, PutFileRequest, PutSpectrumRequest};
use assay_core::Digest;
use tonic::Code;

const SPE: &str = "$SPEC_ID:\r\nProbe\r\n$MEAS_TIM:\r\n9 10\r\n$DATA:\r\n0 3\r\n1\r\n2\r\n3\r\n4\r\n\
                   $ENER_FIT:\r\n0.5 2.0 0.0\r\n$ENDRECORD:\r\n";

fn file(content: impl Into<Vec<u8>>) -> PutFileRequest {
    PutFileRequest {
        content: content.into(),
        file_name: "probe.Spe".to_owned(),
    }
}

#[tokio::test]
async fn a_file_is_kept_as_it_is() {
    let mut serving = Serving::start().await;
    let answer = serving
        .client
        .put_file(file(SPE))
        .await
        .unwrap()
        .into_inner();
    let summary = answer.spectrum.unwrap();
    assert_eq!(summary.digest, Digest::of(SPE.as_bytes()).to_string());
    assert_eq!((summary.channels, summary.total_counts), (4, 10));
    assert_eq!((summary.live_time_s, summary.real_time_s), (9.0, 10.0));
    assert_eq!(summary.calibration_kev, [0.5, 2.0]);
    assert_eq!(summary.format, "spe");
    let codes: Vec<_> = answer.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["date_missing"]);

    let digest = summary.digest.clone();
    let asked = GetFileRequest {
        digest: digest.clone(),
    };
    let again = serving.client.get_file(asked).await.unwrap().into_inner();
    assert_eq!(again.content, SPE.as_bytes());
    let asked = GetSpectrumRequest { digest };
    let again = serving
        .client
        .get_spectrum(asked)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again.spectrum, Some(summary));
    assert_eq!(again.warnings, answer.warnings);
    assert_eq!(again.counts, [1, 2, 3, 4]);
    serving.end().await;
}

#[tokio::test]
async fn the_content_tells_the_format_and_not_the_name() {
    let mut serving = Serving::start().await;
    let misnamed = PutFileRequest {
        file_name: "probe.csv".to_owned(),
        ..file(SPE)
    };
    let answer = serving
        .client
        .put_file(misnamed)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.spectrum.unwrap().format, "spe");
    let csv = file("channel,counts\n0,5\n1,6\n2,7\n");
    let answer = serving.client.put_file(csv).await.unwrap().into_inner();
    assert_eq!(answer.spectrum.unwrap().format, "csv");
    serving.end().await;
}

#[tokio::test]
async fn equal_numbers_are_one_spectrum() {
    let mut serving = Serving::start().await;
    let mut digests = Vec::new();
    for request in [spectrum(1), spectrum(1), spectrum(2)] {
        let answer = serving.client.put_spectrum(request).await.unwrap();
        digests.push(answer.into_inner().spectrum.unwrap().digest);
    }
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
    let asked = GetSpectrumRequest {
        digest: digests[2].clone(),
    };
    let found = serving
        .client
        .get_spectrum(asked)
        .await
        .unwrap()
        .into_inner();
    let (summary, sent) = (found.spectrum.unwrap(), spectrum(2));
    assert_eq!(found.counts, sent.counts);
    assert_eq!(summary.live_time_s.to_bits(), sent.live_time_s.to_bits());
    assert_eq!(summary.real_time_s.to_bits(), sent.real_time_s.to_bits());
    assert_eq!(summary.calibration_kev, sent.calibration_kev);
    assert_eq!(summary.start_time, sent.start_time);
    assert_eq!(summary.format, "spe");
    let asked = GetFileRequest {
        digest: digests[2].clone(),
    };
    let bytes = serving
        .client
        .get_file(asked)
        .await
        .unwrap()
        .into_inner()
        .content;
    assert_eq!(Digest::of(&bytes).to_string(), digests[2]);
    serving.end().await;
}

#[tokio::test]
async fn odd_spectra_are_taken_and_told() {
    let mut serving = Serving::start().await;
    let request = PutSpectrumRequest {
        live_time_s: 11.0,
        real_time_s: 10.0,
        ..spectrum(1)
    };
    let answer = serving
        .client
        .put_spectrum(request)
        .await
        .unwrap()
        .into_inner();
    let codes: Vec<_> = answer.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["live_exceeds_real"]);
    assert_eq!(answer.spectrum.unwrap().dead_time_fraction, -1.0);
    let one = PutSpectrumRequest {
        counts: vec![7],
        ..PutSpectrumRequest::default()
    };
    let answer = serving.client.put_spectrum(one).await.unwrap().into_inner();
    assert_eq!(answer.spectrum.unwrap().total_counts, 7);
    serving.end().await;
}

#[tokio::test]
async fn numbers_that_cannot_be_used_are_refused_field_by_field() {
    let mut serving = Serving::start().await;
    let bad = PutSpectrumRequest {
        counts: vec![u64::MAX],
        live_time_s: f64::NAN,
        real_time_s: -1.0,
        calibration_kev: vec![1.0, -1.0],
        start_time: "noon".to_owned(),
        title: "a\nb".to_owned(),
    };
    let status = serving.client.put_spectrum(bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let expected = [
        "counts[0]",
        "live_time_s",
        "real_time_s",
        "calibration_kev",
        "start_time",
        "title",
    ];
    assert_eq!(fields(&status), expected);
    let empty = PutSpectrumRequest::default();
    let status = serving.client.put_spectrum(empty).await.unwrap_err();
    assert_eq!(fields(&status), ["counts"]);
    let long = PutSpectrumRequest {
        counts: vec![0; (1 << 20) + 1],
        ..PutSpectrumRequest::default()
    };
    let status = serving.client.put_spectrum(long).await.unwrap_err();
    assert_eq!(fields(&status), ["counts"]);
    assert!(serving.blobs().is_empty());
    serving.end().await;
}

#[tokio::test]
async fn files_that_are_no_spectra_are_refused() {
    let mut serving = Serving::start().await;
    let truncated = &SPE[..SPE.find("3\r\n4").unwrap()];
    let bad: [&[u8]; 4] = [b"", b"hello", b"\x00\x01\x02\x03\xff", truncated.as_bytes()];
    for content in bad {
        let status = serving.client.put_file(file(content)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert_eq!(fields(&status), ["content"], "{status}");
    }
    let status = serving.client.put_file(file("hello")).await.unwrap_err();
    assert!(status.message().contains("probe.Spe: "), "{status}");
    let named = PutFileRequest {
        file_name: "a\u{0}b".to_owned(),
        ..file(SPE)
    };
    let status = serving.client.put_file(named).await.unwrap_err();
    assert_eq!(fields(&status), ["file_name"]);
    let large = file(vec![b'1'; (16 << 20) + 1]);
    let status = serving.client.put_file(large).await.unwrap_err();
    assert_eq!(fields(&status), ["content"]);
    assert!(serving.blobs().is_empty());
    serving.end().await;
}

#[tokio::test]
async fn what_is_not_there_or_damaged_is_told_apart() {
    let mut serving = Serving::start().await;
    let get = |digest: &str| GetSpectrumRequest {
        digest: digest.to_owned(),
    };
    for bad in ["", "abc", &"g".repeat(64)] {
        let status = serving.client.get_spectrum(get(bad)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(fields(&status), ["digest"]);
    }
    let nowhere = Digest::of(b"nowhere").to_string();
    let status = serving
        .client
        .get_spectrum(get(&nowhere))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let answer = serving
        .client
        .put_file(file(SPE))
        .await
        .unwrap()
        .into_inner();
    let digest = answer.spectrum.unwrap().digest;
    let blobs = serving.blobs();
    assert_eq!(blobs.len(), 1);
    let mut bytes = std::fs::read(&blobs[0]).unwrap();
    let at = bytes.iter().position(|&byte| byte == b'4').unwrap();
    bytes[at] = b'5';
    std::fs::write(&blobs[0], bytes).unwrap();
    let status = serving.client.get_spectrum(get(&digest)).await.unwrap_err();
    assert_eq!(status.code(), Code::DataLoss, "{status}");
    let asked = GetFileRequest { digest };
    let status = serving.client.get_file(asked).await.unwrap_err();
    assert_eq!(status.code(), Code::DataLoss, "{status}");
    serving.end().await;
}

/// Were it fetched, its other content would show instead of its size.
#[tokio::test]
async fn what_is_larger_than_any_spectrum_is_not_fetched() {
    let mut serving = Serving::start().await;
    let answer = serving.client.put_file(file(SPE)).await.unwrap();
    let digest = answer.into_inner().spectrum.unwrap().digest;
    let path = serving.blobs().pop().unwrap();
    let blob = std::fs::File::options().write(true).open(path).unwrap();
    blob.set_len((64 << 20) + 1).unwrap();
    let asked = GetFileRequest { digest };
    let status = serving.client.get_file(asked).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(fields(&status), ["digest"]);
    let named = ["67108865", "67108864"].map(|size| status.message().contains(size));
    assert_eq!(named, [true; 2], "{status}");
    serving.end().await;
}
