//! The lane explain: what a job leaves is what single requests answer.

use crate::kit::{IMAGES, Kit, VECTORS, bits, question};
use crate::mapless::mapless;
use assay_api::explain::ExplainCamRequest;
use assay_core::{Digest, ErrorKind};
use assay_jobs::{BatchJob, JobRecord, JobState, Lane, NewJob};
use assay_pipeline::{Bundle, SpectrumList, fixture};
use bytes::Bytes;
use ndarray::Array2;
use ndarray_npy::ReadNpyExt;
use std::time::Duration;

async fn explained(kit: &Kit, bundle: &Bundle, dataset: Digest) -> JobRecord {
    let job = BatchJob {
        dataset,
        model: "images".to_owned(),
        bundle: bundle.id(),
    };
    let job = NewJob {
        lane: Lane::Explain,
        specification: serde_json::to_value(job).unwrap(),
        principal: "test".to_owned(),
        idempotency_key: None,
        max_attempts: 1,
        trace_parent: None,
    };
    let submitted = assay_jobs::submit(&*kit.jobs.store, &*kit.jobs.queue, job, 10).await;
    let mut record = submitted.unwrap().record;
    let mut seen = 0;
    while !record.state.is_final() {
        let wait = Duration::from_secs(10);
        let events = kit.jobs.store.events(record.id, seen, wait).await.unwrap();
        seen = events.last().map_or(seen, |event| event.sequence);
        record = kit.jobs.store.get(record.id).await.unwrap();
    }
    record
}

/// A stored data set of eight spectra.
async fn dataset(kit: &Kit) -> (Digest, SpectrumList) {
    let dataset = fixture::dataset(2, 650);
    for row in dataset.rows() {
        let bytes = Bytes::from(assay_formats::write_spe(&row.spectrum));
        kit.stores.blobs.put(bytes).await.unwrap();
    }
    let list = SpectrumList::of(&dataset);
    let text = Bytes::from(list.to_csv());
    (kit.stores.blobs.put(text).await.unwrap(), list)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_a_job_is_what_a_request_is_answered() {
    let mut kit = Kit::start(&[("images", &IMAGES)]).await;
    let (dataset, list) = dataset(&kit).await;
    let record = explained(&kit, &IMAGES, dataset).await;
    assert_eq!(record.state, JobState::Succeeded, "{:?}", record.failure);
    let artefacts = record.result.unwrap().artefacts;
    let names: Vec<_> = artefacts.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "energies.csv",
            "importances.npy",
            "results.csv",
            "results.jsonl"
        ]
    );
    let blobs = kit.stores.blobs.clone();
    let file = async |name: &str| blobs.get(artefacts[name]).await.unwrap();
    let matrix = Array2::<f32>::read_npy(file("importances.npy").await.as_ref()).unwrap();
    assert_eq!(matrix.dim(), (8, 2631));
    let lines = String::from_utf8(file("results.jsonl").await.to_vec()).unwrap();
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let energies = String::from_utf8(file("energies.csv").await.to_vec()).unwrap();
    let energies = energies.lines().skip(1);
    let energies: Vec<f64> = energies
        .map(|line| line.split_once(',').unwrap().1.parse().unwrap())
        .collect();
    let table = String::from_utf8(file("results.csv").await.to_vec()).unwrap();
    assert!(table.lines().next().unwrap().ends_with("region_10_share"));
    assert_eq!(table.lines().count(), 9);
    for (at, row) in list.rows().iter().enumerate() {
        let bytes = kit.stores.blobs.get(row.spectrum).await.unwrap();
        let request = ExplainCamRequest {
            request: Some(question("images", &bytes)),
            ..ExplainCamRequest::default()
        };
        let one = kit
            .explainer
            .explain_cam(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(bits(&matrix.row(at).to_vec()), bits(&one.importance));
        assert_eq!(energies, one.energy_kev);
        let line = &lines[at];
        assert_eq!(line["spectrum"], row.spectrum.to_string());
        let answer = one.answer.unwrap();
        let score = line["answer"]["gate"]["score"].as_f64().unwrap();
        assert_eq!(score.to_bits(), answer.gate_score.to_bits());
        assert_eq!(line["explanation"]["label"], one.label);
        let regions = line["explanation"]["regions"].as_array().unwrap();
        assert_eq!(regions.len(), one.regions.len());
        for (region, one) in regions.iter().zip(one.regions) {
            assert_eq!(region["peak_kev"].as_f64(), Some(one.peak_kev));
            assert_eq!(region["share"].as_f64(), Some(one.share));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_by_a_model_without_a_map_fails_in_words() {
    let mapless = mapless(&VECTORS);
    let kit = Kit::start(&[("mapless", &mapless)]).await;
    let (dataset, _) = dataset(&kit).await;
    let record = explained(&kit, &mapless, dataset).await;
    let failure = record.failure.unwrap();
    assert_eq!(
        (record.state, failure.kind),
        (JobState::Failed, ErrorKind::FailedPrecondition)
    );
    assert!(failure.message.contains("train it again"), "{failure:?}");
}
