//! Submitting, looking, listing, cancelling.

use crate::serving::{BUNDLE, Serving, fields, row, training};
use assay_api::{
    datasets::{CreateDatasetRequest, Role},
    jobs::{CancelRequest, GetRequest, JobState, Lane, SubmitRequest},
};
use assay_control::ControlConfig;
use assay_core::Digest;
use assay_jobs::{BatchJob, TrainJob};
use tonic::{Code, Request};
use tonic_types::StatusExt;

pub(crate) fn batch(dataset: String, model: &str) -> SubmitRequest {
    SubmitRequest {
        lane: Lane::Identify.into(),
        dataset,
        model: model.to_owned(),
        ..SubmitRequest::default()
    }
}

#[tokio::test]
async fn a_training_is_stored_as_it_was_asked_for() {
    let mut serving = Serving::start().await;
    let dataset = serving.dataset().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut request = Request::new(SubmitRequest {
        promote: true,
        max_attempts: 3,
        ..training(dataset.clone())
    });
    request
        .metadata_mut()
        .insert("traceparent", trace.parse().unwrap());
    let answer = serving.jobs.submit(request).await.unwrap().into_inner();
    assert!(answer.created);
    let job = answer.job.unwrap();
    assert_eq!((job.state(), job.lane()), (JobState::Queued, Lane::Train));
    assert_eq!((job.attempt, job.max_attempts), (0, 3));
    let stored: TrainJob = serde_json::from_str(&job.specification_json).unwrap();
    assert_eq!(stored.dataset.to_string(), dataset);
    assert_eq!((stored.model.as_str(), stored.promote), ("steels", true));
    assert_eq!(stored.specification, serde_json::json!({ "seed": 7 }));
    let got = serving
        .jobs
        .get(GetRequest { id: job.id.clone() })
        .await
        .unwrap();
    assert_eq!(got.into_inner().job.unwrap(), job);
    let record = serving
        .deps
        .store
        .get(job.id.parse().unwrap())
        .await
        .unwrap();
    assert_eq!(record.job.principal, "anonymous");
    let stored = record.job.trace_parent.unwrap();
    assert_eq!(
        stored[..35],
        trace[..35],
        "the trace, and the span of the request in it"
    );
    serving.end().await;
}

#[tokio::test]
async fn every_fault_of_a_submission_is_named() {
    let mut serving = Serving::start().await;
    let request = SubmitRequest {
        lane: Lane::Identify.into(),
        dataset: "xyz".to_owned(),
        model: "a/b".to_owned(),
        specification_json: "{}".to_owned(),
        idempotency_key: "é".to_owned(),
        max_attempts: 21,
        promote: true,
    };
    let status = serving.jobs.submit(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let mut found = fields(&status);
    found.sort();
    let expected = [
        "dataset",
        "idempotency_key",
        "max_attempts",
        "model",
        "promote",
        "specification_json",
    ];
    assert_eq!(found, expected);
    for specification in ["[1]", "{", "7"] {
        let request = SubmitRequest {
            specification_json: specification.to_owned(),
            ..training(Digest::of(b"x").to_string())
        };
        let status = serving.jobs.submit(request).await.unwrap_err();
        assert_eq!(fields(&status), ["specification_json"], "{specification}");
    }
    let status = serving
        .jobs
        .submit(SubmitRequest::default())
        .await
        .unwrap_err();
    assert_eq!(fields(&status), ["lane", "dataset"]);
    serving.end().await;
}

#[tokio::test]
async fn what_a_submission_names_must_be_there() {
    let mut serving = Serving::start().await;
    let nowhere = Digest::of(b"nowhere").to_string();
    let status = serving
        .jobs
        .submit(training(nowhere.clone()))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let dataset = serving.dataset().await;
    for model in ["", "nobody", "nobody@canary", &nowhere] {
        let status = serving
            .jobs
            .submit(batch(dataset.clone(), model))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{model}: {status}");
    }
    let rows = vec![
        row(serving.spectrum("1").await, "", Role::Known),
        row(serving.spectrum("2").await, "A", Role::Known),
    ];
    let created = serving
        .datasets
        .create_dataset(CreateDatasetRequest { rows })
        .await
        .unwrap();
    let status = serving
        .jobs
        .submit(training(created.into_inner().digest))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["dataset".into()])
    );
    assert!(
        status.message().contains("1 rows without a label"),
        "{status}"
    );
    let rows = vec![row(serving.spectrum("1").await, "A", Role::Unknown)];
    let created = serving
        .datasets
        .create_dataset(CreateDatasetRequest { rows })
        .await
        .unwrap();
    let status = serving
        .jobs
        .submit(training(created.into_inner().digest))
        .await
        .unwrap_err();
    assert_eq!(fields(&status), ["dataset"]);
    serving.end().await;
}

#[tokio::test]
async fn a_batch_has_one_bundle_and_a_repeat_finds_it_whatever_became_of_the_name() {
    let mut serving = Serving::start().await;
    serving.model("default", "1").await;
    let dataset = serving.dataset().await;
    let request = SubmitRequest {
        idempotency_key: "batch 1".to_owned(),
        ..batch(dataset.clone(), "")
    };
    let first = serving
        .jobs
        .submit(request.clone())
        .await
        .unwrap()
        .into_inner();
    let job = first.job.unwrap();
    let stored: BatchJob = serde_json::from_str(&job.specification_json).unwrap();
    assert_eq!(stored.bundle, BUNDLE.id());
    let registry = &serving.deps.registry;
    let other = Digest::of(b"another bundle");
    let files = crate::serving::bundle_files();
    registry
        .put("default", "2", other, files, Default::default())
        .await
        .unwrap();
    registry
        .promote("default", "production", "2", None, "")
        .await
        .unwrap();
    let again = serving
        .jobs
        .submit(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert!(!again.created);
    assert_eq!(again.job.unwrap().id, job.id);
    let otherwise = SubmitRequest {
        model: "default:1".to_owned(),
        ..request.clone()
    };
    let status = serving.jobs.submit(otherwise).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    let cancel = CancelRequest {
        id: job.id.clone(),
        reason: String::new(),
    };
    serving.jobs.cancel(cancel).await.unwrap();
    let anew = serving.jobs.submit(request).await.unwrap().into_inner();
    assert!(anew.created, "never served from a job that was cancelled");
    let stored: BatchJob = serde_json::from_str(&anew.job.unwrap().specification_json).unwrap();
    assert_eq!(stored.bundle, other);
    serving.end().await;
}

#[tokio::test]
async fn a_full_lane_says_when_to_come_again() {
    let config = ControlConfig {
        max_queued: 1,
        ..ControlConfig::default()
    };
    let mut serving = Serving::start_with(config).await;
    let dataset = serving.dataset().await;
    serving
        .jobs
        .submit(training(dataset.clone()))
        .await
        .unwrap();
    let status = serving.jobs.submit(training(dataset)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_details_retry_info().is_some());
    serving.end().await;
}

#[tokio::test]
async fn cancelling_is_final_and_can_be_repeated() {
    let mut serving = Serving::start().await;
    let id = serving.training().await.id;
    let request = CancelRequest {
        id: id.clone(),
        reason: "wrong data".to_owned(),
    };
    for _ in 0..2 {
        let answer = serving
            .jobs
            .cancel(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.job.unwrap().state(), JobState::Cancelled);
    }
    for (id, code) in [
        ("xyz", Code::InvalidArgument),
        (&*uuid_of_nothing(), Code::NotFound),
    ] {
        let request = CancelRequest {
            id: id.to_owned(),
            ..CancelRequest::default()
        };
        assert_eq!(serving.jobs.cancel(request).await.unwrap_err().code(), code);
        let got = serving.jobs.get(GetRequest { id: id.to_owned() }).await;
        assert_eq!(got.unwrap_err().code(), code);
    }
    serving.end().await;
}

fn uuid_of_nothing() -> String {
    assay_jobs::JobId::new().to_string()
}
