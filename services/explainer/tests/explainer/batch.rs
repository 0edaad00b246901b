//! The lane explain: what a job leaves is what single requests answer.

use crate::kit::{IMAGES, Kit, VECTORS, bits, question};
use crate::mapless::mapless;
use assay_api::explain::{
    ExplainCamRequest, ExplainShapRequest, ShapOptions, ShapOver, explain_shap_response::Part,
    shap_options::HiddenPixels,
};
use assay_core::{Digest, ErrorKind};
use assay_jobs::{BatchJob, JobRecord, JobState, Lane, NewJob};
use assay_pipeline::{Bundle, SpectrumList, fixture};
use bytes::Bytes;
use ndarray::Array2;
use ndarray_npy::ReadNpyExt;
use serde_json::json;
use std::time::Duration;

async fn explained(kit: &Kit, bundle: &Bundle, dataset: Digest) -> JobRecord {
    explained_as(kit, bundle, dataset, None).await
}

async fn explained_as(
    kit: &Kit,
    bundle: &Bundle,
    dataset: Digest,
    explanation: Option<serde_json::Value>,
) -> JobRecord {
    let job = BatchJob {
        explanation,
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

async fn table(kit: &Kit, record: &JobRecord, name: &str) -> Vec<Vec<String>> {
    let digest = record.result.as_ref().unwrap().artefacts[name];
    let bytes = kit.stores.blobs.get(digest).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let lines = text.lines();
    lines
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_hides_ranges_and_pixels_as_requests_do() {
    let mut kit = Kit::start(&[("images", &IMAGES)]).await;
    let (dataset, list) = dataset(&kit).await;
    let bytes = kit.stores.blobs.get(list.rows()[0].spectrum).await.unwrap();
    for (over, name, first) in [
        (
            ShapOver::Energies,
            "energies",
            "spectrum,class,base,logit,from_kev",
        ),
        (
            ShapOver::Image,
            "image",
            "spectrum,class,base,logit,row_from_kev",
        ),
    ] {
        let asked = json!({"method": "shap", "shap": {
            "over": name, "max_evals": 30, "segments": 12, "top_classes": 2, "pixels": {"blur": 8},
        }});
        let record = explained_as(&kit, &IMAGES, dataset, Some(asked)).await;
        assert_eq!(record.state, JobState::Succeeded, "{:?}", record.failure);
        assert_eq!(record.progress.done, 8 * 30);
        let lines = table(&kit, &record, "shapley.csv").await;
        assert!(lines[0].join(",").starts_with(first), "{:?}", lines[0]);
        let request = ExplainShapRequest {
            request: Some(question("images", &bytes)),
            options: Some(ShapOptions {
                over: over.into(),
                max_evals: 30,
                segments: 12,
                top_classes: 2,
                hidden_pixels: Some(HiddenPixels::Blur(8)),
                ..ShapOptions::default()
            }),
            ..ExplainShapRequest::default()
        };
        let mut parts = kit
            .explainer
            .explain_shap(request)
            .await
            .unwrap()
            .into_inner();
        let mut values = None;
        while let Some(part) = parts.message().await.unwrap() {
            if let Some(Part::Values(found)) = part.part {
                values = Some(found);
            }
        }
        let values = values.unwrap();
        let spectrum = list.rows()[0].spectrum.to_string();
        let own: Vec<_> = lines.iter().filter(|line| line[0] == spectrum).collect();
        let each = values.classes[0].values.len();
        assert_eq!(own.len(), 2 * each);
        for (class, lines) in values.classes.iter().zip(own.chunks(each)) {
            let size: f64 = class.values.iter().map(|value| value.abs()).sum();
            for (value, line) in class.values.iter().zip(lines) {
                assert_eq!(
                    line[1].trim_matches('"'),
                    class.label.split(',').next().unwrap()
                );
                let found: f64 = line.last().unwrap().parse().unwrap();
                // A request remembers crops of other masks, a job does not: rounding differs.
                let allowed = if over == ShapOver::Image {
                    1e-4 * size
                } else {
                    0.0
                };
                assert!((found - value).abs() <= allowed, "{found} {value}");
            }
        }
        let results = table(&kit, &record, "results.csv").await;
        assert_eq!(results.len(), 9);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_explains_the_class_and_by_the_style_that_it_is_asked_for() {
    let kit = Kit::start(&[("images", &IMAGES)]).await;
    let (dataset, _) = dataset(&kit).await;
    let label = IMAGES.contents().classes[1].to_string();
    let mut importances = Vec::new();
    let mut last = None;
    for cam in [json!({}), json!({"method": "grad", "reduction": "max"})] {
        let asked = json!({"label": label, "cam": cam});
        let record = explained_as(&kit, &IMAGES, dataset, Some(asked)).await;
        assert_eq!(record.state, JobState::Succeeded, "{:?}", record.failure);
        let artefacts = record.result.unwrap().artefacts;
        importances.push(artefacts["importances.npy"]);
        last = Some(artefacts["results.jsonl"]);
    }
    assert_ne!(
        importances[0], importances[1],
        "mean and largest are two things"
    );
    let digest = last.unwrap();
    let lines = kit.stores.blobs.get(digest).await.unwrap();
    let lines = String::from_utf8(lines.to_vec()).unwrap();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["explanation"]["label"], label);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_row_can_be_asked_for_fails_the_job_in_words() {
    let kit = Kit::start(&[("vectors", &VECTORS)]).await;
    let (dataset, _) = dataset(&kit).await;
    for (asked, kind, words) in [
        (
            json!({"label": "Gold"}),
            ErrorKind::InvalidArgument,
            "Coal, hard",
        ),
        (
            json!({"method": "shap", "shap": {"over": "image"}}),
            ErrorKind::FailedPrecondition,
            "makes no image",
        ),
        (
            json!({"method": "shap", "shap": {"hidden": "training_mean"}}),
            ErrorKind::FailedPrecondition,
            "train the model again",
        ),
        (
            json!({"method": "shap", "shap": {"segments": 100_000}}),
            ErrorKind::InvalidArgument,
            "segments: is 100000, but the model has 2631 bins",
        ),
        (
            json!({"method": "lime"}),
            ErrorKind::InvalidArgument,
            "lime",
        ),
    ] {
        let record = explained_as(&kit, &VECTORS, dataset, Some(asked)).await;
        let failure = record.failure.unwrap();
        assert_eq!(
            (record.state, failure.kind),
            (JobState::Failed, kind),
            "{failure:?}"
        );
        assert!(failure.message.contains(words), "{failure:?}");
    }
}
