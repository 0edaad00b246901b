//! What jobs left, in pieces.

use crate::serving::Serving;
use assay_api::jobs::GetArtefactRequest;
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

#[tokio::test]
async fn artefacts_come_back_whole() {
    let mut serving = Serving::start().await;
    let id = serving.training().await.id;
    let early = fetch(&mut serving, &id, "results.csv").await.unwrap_err();
    assert_eq!(early.code(), Code::NotFound);
    assert!(early.message().contains("queued"), "{early}");
    let long: Vec<u8> = (0..2_500_000_u32).map(|n| (n % 251) as u8).collect();
    let mut artefacts = BTreeMap::new();
    for (name, bytes) in [("results.csv", long.clone()), ("empty", Vec::new())] {
        let digest = serving.deps.blobs.put(Bytes::from(bytes)).await.unwrap();
        artefacts.insert(name.to_owned(), digest);
    }
    let claimed = serving
        .work
        .next(Lane::Train, "worker", WAIT)
        .await
        .unwrap()
        .unwrap();
    let outcome = Outcome::Succeeded(JobResult {
        artefacts,
        summary: serde_json::json!({ "rows": 2 }),
    });
    serving
        .work
        .finish(claimed.record.id, claimed.token, outcome)
        .await
        .unwrap();
    assert_eq!(fetch(&mut serving, &id, "results.csv").await.unwrap(), long);
    assert_eq!(fetch(&mut serving, &id, "empty").await.unwrap(), b"");
    let other = fetch(&mut serving, &id, "results").await.unwrap_err();
    assert_eq!(other.code(), Code::NotFound);
    assert!(other.message().contains("empty, results.csv"), "{other}");
    serving.end().await;
}
