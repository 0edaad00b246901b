//! What a training or an explanation is asked to do is checked when it is submitted, field by field.

use crate::{
    jobs::batch,
    serving::{Serving, fields, row, training},
};
use assay_api::{
    datasets::{CreateDatasetRequest, Role},
    jobs::{Lane, SubmitRequest},
};
use assay_control::ControlConfig;
use assay_jobs::BatchJob;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

fn asking(dataset: &str, specification: &Value) -> SubmitRequest {
    SubmitRequest {
        specification_json: specification.to_string(),
        ..training(dataset.to_owned())
    }
}

async fn refusal(serving: &mut Serving, dataset: &str, specification: &Value) -> Status {
    let answer = serving.jobs.submit(asking(dataset, specification)).await;
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{specification}");
    status
}

#[tokio::test]
async fn a_field_that_cannot_be_used_is_named_with_its_value_and_what_is_allowed() {
    let mut serving = Serving::start().await;
    let dataset = serving.dataset().await;
    for (specification, field, words) in [
        (json!({"epoch": 3}), "epoch", "unknown field"),
        (json!({"epochs": 0}), "epochs", "is 0: at least 1"),
        (json!({"epochs": 2.5}), "epochs", "is 2.5: a whole number"),
        (json!({"model": {"cnn1d": {}}}), "model", "kind"),
        (
            json!({"model": {"kind": "cnn3d"}}),
            "model.kind",
            "\"cnn1d\" or \"cnn2d\"",
        ),
        (
            json!({"model": {"kind": "cnn2d", "base": "resnet"}}),
            "model.base",
            "control.foreign_bases",
        ),
        (
            json!({"model": {"kind": "cnn2d", "imaging": {"size": 100_000}}}),
            "model.imaging",
            "100000",
        ),
        (
            json!({"model": {"kind": "cnn1d", "dropout": 1.0}}),
            "model.dropout",
            "is 1: [0, 1)",
        ),
        (
            json!({"validation": {"fraction": 1.5}}),
            "validation.fraction",
            "(0, 1)",
        ),
        (
            json!({"finder": {"updates": 1, "skip": 0}}),
            "finder.updates",
            "is 1: at least 10",
        ),
        (json!({"gate": {"alpha": 1}}), "gate.alpha", "is 1: (0, 1)"),
        (
            json!({"gate": {"k": 6}}),
            "gate.k",
            "6 known spectra, so that 1 to 5",
        ),
        (
            json!({"gate": {"candidates": [10, 20]}}),
            "gate.candidates",
            "[10, 20]",
        ),
        (
            json!({"gate": {"candidates": []}}),
            "gate.candidates",
            "one or more",
        ),
        (
            json!({"execution": {"threads": 2}}),
            "execution",
            "leave it out",
        ),
    ] {
        let status = refusal(&mut serving, &dataset, &specification).await;
        let expected = format!("specification_json.{field}");
        assert_eq!(fields(&status), [expected], "{specification}");
        assert!(
            status.message().contains(words),
            "{specification}: {status}"
        );
        let details = status.get_details_bad_request().unwrap();
        let said = &details.field_violations[0].description;
        assert!(said.contains(words), "{specification}: {said}");
    }
    serving.end().await;
}

#[tokio::test]
async fn all_faults_of_a_specification_and_of_the_request_are_told_at_once() {
    let mut serving = Serving::start().await;
    let request = SubmitRequest {
        max_attempts: 21,
        ..asking(
            "xyz",
            &json!({"epochs": 0, "gate": {"folds": 1, "colour": "red"}}),
        )
    };
    let status = serving.jobs.submit(request).await.unwrap_err();
    let mut found = fields(&status);
    found.sort();
    let expected = [
        "dataset",
        "max_attempts",
        "specification_json.epochs",
        "specification_json.gate.colour",
        "specification_json.gate.folds",
    ];
    assert_eq!(found, expected);
    serving.end().await;
}

#[tokio::test]
async fn a_base_that_the_operator_names_is_taken() {
    let mut serving = Serving::start_with(ControlConfig {
        foreign_bases: vec!["ours".to_owned()],
        ..ControlConfig::default()
    })
    .await;
    let dataset = serving.dataset().await;
    let model = |base: &str| json!({"model": {"kind": "cnn2d", "base": base}});
    let taken = serving.jobs.submit(asking(&dataset, &model("ours"))).await;
    assert!(taken.unwrap().into_inner().created);
    let status = refusal(&mut serving, &dataset, &model("theirs")).await;
    assert_eq!(fields(&status), ["specification_json.model.base"]);
    serving.end().await;
}

#[tokio::test]
async fn a_batch_of_no_spectra_is_refused() {
    let mut serving = Serving::start().await;
    serving.model("default", "1").await;
    let dataset = serving.spectrum("spectrum,label,role,group\n").await;
    let status = serving
        .jobs
        .submit(batch(dataset.to_string(), ""))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["dataset"]);
    assert!(status.message().contains("no rows"), "{status}");
    serving.end().await;
}

#[tokio::test]
async fn a_data_set_without_enough_to_learn_from_is_refused() {
    let mut serving = Serving::start().await;
    for (labels, words) in [
        (&["A", "A", "A"][..], "1 label(s)"),
        (&["A", "A", "B"], "1 spectrum of B"),
    ] {
        let mut rows = Vec::new();
        for (at, label) in labels.iter().enumerate() {
            let spectrum = serving.spectrum(&at.to_string()).await;
            rows.push(row(spectrum, label, Role::Known));
        }
        let created = serving
            .datasets
            .create_dataset(CreateDatasetRequest { rows })
            .await;
        let dataset = created.unwrap().into_inner().digest;
        let status = refusal(&mut serving, &dataset, &json!({})).await;
        assert_eq!(fields(&status), ["dataset"]);
        assert!(status.message().contains(words), "{status}");
    }
    serving.end().await;
}

#[tokio::test]
async fn a_specification_too_long_is_refused() {
    let mut serving = Serving::start().await;
    let dataset = serving.dataset().await;
    let long = format!("{{{}}}", " ".repeat(64 << 10));
    let request = SubmitRequest {
        specification_json: long,
        ..training(dataset)
    };
    let status = serving.jobs.submit(request).await.unwrap_err();
    assert_eq!(fields(&status), ["specification_json"]);
    assert!(status.message().contains("at most 65536"), "{status}");
    serving.end().await;
}

#[tokio::test]
async fn a_data_set_whose_spectra_are_gone_is_refused() {
    let mut serving = Serving::start().await;
    let spectrum = serving.spectrum("gone").await;
    let rows = vec![row(spectrum, "", Role::Known)];
    let created = serving
        .datasets
        .create_dataset(CreateDatasetRequest { rows })
        .await;
    let dataset = created.unwrap().into_inner().digest;
    serving.deps.blobs.remove(spectrum).await.unwrap();
    let status = serving.jobs.submit(batch(dataset, "")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("1 of the 1 spectra"), "{status}");
    serving.end().await;
}

#[tokio::test]
async fn what_an_explanation_is_asked_for_is_checked_and_kept_as_it_was_asked() {
    let mut serving = Serving::start().await;
    serving.model("default", "1").await;
    let dataset = serving.dataset().await;
    let explaining = |specification: &Value| SubmitRequest {
        lane: Lane::Explain.into(),
        specification_json: specification.to_string(),
        ..batch(dataset.clone(), "")
    };
    let asked = json!({"method": "shap", "label": "Coal", "shap": {"max_evals": 40}});
    let answer = serving.jobs.submit(explaining(&asked)).await.unwrap();
    let job = answer.into_inner().job.unwrap();
    let stored: BatchJob = serde_json::from_str(&job.specification_json).unwrap();
    assert_eq!(stored.explanation, Some(asked.clone()));

    // The same key with another explanation is another request.
    let keyed = |specification: &Value| SubmitRequest {
        idempotency_key: "why".to_owned(),
        ..explaining(specification)
    };
    serving.jobs.submit(keyed(&asked)).await.unwrap();
    let again = serving.jobs.submit(keyed(&asked)).await.unwrap();
    assert!(!again.into_inner().created);
    let status = serving.jobs.submit(keyed(&json!({}))).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    // The usual is the same, whether it is written down or left out.
    let usual = |text: &str| SubmitRequest {
        idempotency_key: "usual".to_owned(),
        specification_json: text.to_owned(),
        ..explaining(&json!({}))
    };
    for (text, created) in [("", true), ("{}", false), (r#"{"method": "cam"}"#, false)] {
        let answer = serving.jobs.submit(usual(text)).await.unwrap();
        assert_eq!(answer.into_inner().created, created, "{text}");
    }

    for (specification, field, words) in [
        (json!({"method": "lime"}), "", "lime"),
        (json!({"methods": "shap"}), "", "unknown field"),
        (json!({"cam": {"reduction": "sum"}}), "", "sum"),
        (json!({"shap": {"max_evals": 3}}), ".shap.max_evals", "is 3"),
        (
            json!({"shap": {"top_classes": 9}}),
            ".shap.top_classes",
            "0 to 4",
        ),
        (
            json!({"method": "shap", "label": "Coal", "shap": {"top_classes": 2}}),
            ".label",
            "none beside top_classes",
        ),
        (
            json!({"shap": {"pixels": {"constant": 2.0}}}),
            ".shap.constant",
            "-1 to 1",
        ),
    ] {
        let status = serving.jobs.submit(explaining(&specification)).await;
        let status = status.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{specification}");
        assert_eq!(fields(&status), [format!("specification_json{field}")]);
        assert!(status.message().contains(words), "{status}");
    }
    serving.end().await;
}
