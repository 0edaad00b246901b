//! What jobs left, in pieces.

use crate::serving::Serving;
use assay_api::jobs::GetArtefactRequest;
use assay_core::Digest;
use assay_jobs::{JobResult, Lane, Outcome, WorkSource};
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};
use tonic::Code;

const WAIT: Duration = Duration::from_secs(30);

async fn fetch(serving: &mut Serving, id: &str, name: &str) -> Result<Vec<u8>, tonic::Status> {
    let request = GetArtefactRequest {
        id: id.to_owned(),
        name: name.to_owned(),
    };
    let mut parts = serving.jobs.get_artefact(request).await?.into_inner();
    let mut bytes = Vec::new();
    let mut total = None;
    while let Some(part) = parts.message().await? {
        assert!(part.chunk.len() <= 1 << 20);
        assert_eq!(*total.get_or_insert(part.total_bytes), part.total_bytes);
        bytes.extend(part.chunk);
    }
    assert_eq!(total, Some(bytes.len() as u64));
    Ok(bytes)
}

/// Ends the next training with these artefacts.
async fn succeeded(serving: &Serving, artefacts: BTreeMap<String, Digest>) {
    let claimed = serving.work.next(Lane::Train, "worker", WAIT).await;
    let claimed = claimed.unwrap().unwrap();
    let outcome = Outcome::Succeeded(JobResult {
        artefacts,
        summary: serde_json::json!({ "rows": 2 }),
    });
    let finished = serving
        .work
        .finish(claimed.record.id, claimed.token, outcome);
    finished.await.unwrap();
}

/// Two pieces and a half.
fn long() -> Vec<u8> {
    (0..2_500_000_u32).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn artefacts_come_back_whole() {
    let mut serving = Serving::start().await;
    let id = serving.training().await.id;
    let early = fetch(&mut serving, &id, "results.csv").await.unwrap_err();
    assert_eq!(early.code(), Code::NotFound);
    assert!(early.message().contains("queued"), "{early}");
    let mut artefacts = BTreeMap::new();
    let whole = long()[..2 << 20].to_vec();
    for (name, bytes) in [
        ("results.csv", long()),
        ("whole pieces", whole.clone()),
        ("empty", Vec::new()),
    ] {
        let digest = serving.deps.blobs.put(Bytes::from(bytes)).await.unwrap();
        artefacts.insert(name.to_owned(), digest);
    }
    succeeded(&serving, artefacts).await;
    let found = fetch(&mut serving, &id, "results.csv").await.unwrap();
    assert!(found == long());
    let found = fetch(&mut serving, &id, "whole pieces").await.unwrap();
    assert!(found == whole);
    assert_eq!(fetch(&mut serving, &id, "empty").await.unwrap(), b"");
    let other = fetch(&mut serving, &id, "results").await.unwrap_err();
    assert_eq!(other.code(), Code::NotFound);
    assert!(
        other.message().contains("empty, results.csv, whole pieces"),
        "{other}"
    );
    serving.end().await;
}

#[tokio::test]
async fn an_artefact_that_is_damaged_or_gone_never_ends_as_if_it_were_whole() {
    let mut serving = Serving::start().await;
    let id = serving.training().await.id;
    let digest = serving.deps.blobs.put(Bytes::from(long())).await.unwrap();
    let artefacts = BTreeMap::from([("results.csv".to_owned(), digest)]);
    succeeded(&serving, artefacts).await;
    let file = serving.file(digest);
    let mut changed = long();
    changed[2_499_999] ^= 1;
    let shorter = &long()[..2 << 20];
    for bytes in [&changed[..], shorter, b""] {
        std::fs::write(&file, bytes).unwrap();
        let damaged = fetch(&mut serving, &id, "results.csv").await.unwrap_err();
        assert_eq!(damaged.code(), Code::DataLoss, "{damaged}");
        assert!(damaged.message().contains(&digest.to_string()), "{damaged}");
    }
    std::fs::remove_file(&file).unwrap();
    let gone = fetch(&mut serving, &id, "results.csv").await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound, "{gone}");
    serving.end().await;
}
