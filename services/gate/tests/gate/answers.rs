//! One answer, to the last bit, whichever way it is asked for.

use crate::kit::{BUNDLE, Kit};
use assay_answering::batch::{ResultLine, RowAnswer};
use assay_api::{
    answer,
    gate::{DescribeGateRequest, IdentifyRequest, IdentifyStreamRequest},
};
use assay_jobs::{BatchJob, JobRecord, JobState, Lane, NewJob};
use assay_pipeline::{Answer, Dataset, Identifier, SpectrumList, Verdict, fixture};
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};

/// Two spectra each of three known materials and an unknown one.
fn spectra() -> Dataset {
    fixture::dataset(2, 400)
}

/// What of an answer is the same for everybody, as text: every number to the last bit.
fn exact(answer: impl Into<RowAnswer>) -> String {
    let answer: RowAnswer = answer.into();
    let bits = answer.class_probabilities.iter();
    let bits: Vec<_> = bits.map(|class| class.probability.to_bits()).collect();
    let gate = [
        answer.gate.score,
        answer.gate.threshold,
        answer.gate.p_value,
    ];
    format!(
        "{} {bits:?} {:?}",
        serde_json::to_string(&answer).unwrap(),
        gate.map(f64::to_bits)
    )
}

fn in_process(dataset: &Dataset) -> Vec<Answer> {
    let identifier = Identifier::new(BUNDLE.clone(), &fixture::options()).unwrap();
    let rows = dataset.rows().iter();
    rows.map(|row| {
        let bytes = assay_formats::write_spe(&row.spectrum);
        identifier.identify(&bytes, "a.spe").unwrap()
    })
    .collect()
}

async fn batch(kit: &Kit, dataset: &Dataset) -> BTreeMap<String, String> {
    for row in dataset.rows() {
        let bytes = assay_formats::write_spe(&row.spectrum);
        kit.stores.blobs.put(Bytes::from(bytes)).await.unwrap();
    }
    let list = Bytes::from(SpectrumList::of(dataset).to_csv());
    let job = BatchJob {
        explanation: None,
        dataset: kit.stores.blobs.put(list).await.unwrap(),
        model: "default".to_owned(),
        bundle: BUNDLE.id(),
    };
    let job = NewJob {
        lane: Lane::Identify,
        specification: serde_json::to_value(job).unwrap(),
        principal: "test".to_owned(),
        idempotency_key: None,
        max_attempts: 1,
        trace_parent: None,
    };
    let submitted = assay_jobs::submit(&*kit.jobs.store, &*kit.jobs.queue, job, 10).await;
    let record = finished(kit, submitted.unwrap().record).await;
    assert_eq!(record.state, JobState::Succeeded, "{:?}", record.failure);
    let lines = record.result.unwrap().artefacts["results.jsonl"];
    let lines = kit.stores.blobs.get(lines).await.unwrap();
    let lines = lines
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let line: ResultLine = serde_json::from_slice(line).unwrap();
            (line.spectrum.to_string(), exact(line.answer.unwrap()))
        })
        .collect()
}

async fn finished(kit: &Kit, mut record: JobRecord) -> JobRecord {
    let mut seen = 0;
    while !record.state.is_final() {
        let wait = Duration::from_secs(10);
        let events = kit.jobs.store.events(record.id, seen, wait).await.unwrap();
        seen = events.last().map_or(seen, |event| event.sequence);
        record = kit.jobs.store.get(record.id).await.unwrap();
    }
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn request_stream_batch_and_command_line_give_the_same_bits() {
    let mut kit = Kit::start().await;
    let dataset = spectra();
    let expected = in_process(&dataset);
    let verdicts: Vec<_> = expected.iter().map(|answer| answer.verdict).collect();
    assert!(verdicts.contains(&Verdict::Known) && verdicts.contains(&Verdict::Unknown));
    let batch = batch(&kit, &dataset).await;
    let requests: Vec<_> = dataset
        .rows()
        .iter()
        .map(|row| IdentifyRequest {
            content: assay_formats::write_spe(&row.spectrum),
            file_name: "a.spe".to_owned(),
            ..IdentifyRequest::default()
        })
        .collect();
    let stream = requests
        .iter()
        .enumerate()
        .map(|(at, request)| IdentifyStreamRequest {
            request_id: at.to_string(),
            request: Some(request.clone()),
        });
    let stream: Vec<_> = stream.collect();
    let answers = kit.gate.identify_stream(tokio_stream::iter(stream)).await;
    let mut answers = answers.unwrap().into_inner();
    for (request, expected) in requests.into_iter().zip(expected) {
        let one = kit.gate.identify(request).await.unwrap().into_inner();
        assert!(one.features_s > 0.0 && one.decide_s > 0.0, "{one:?}");
        let one = answer::from_wire(&one).unwrap();
        let streamed = answers.message().await.unwrap().unwrap().response.unwrap();
        let streamed = answer::from_wire(&streamed).unwrap();
        assert_eq!(one.spectrum, expected.spectrum);
        assert_eq!(streamed.spectrum, expected.spectrum);
        let spectrum = expected.spectrum.to_string();
        let expected = exact(expected);
        assert_eq!(exact(one), expected);
        assert_eq!(exact(streamed), expected);
        assert_eq!(batch[&spectrum], expected);
    }
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spectrum_unlike_all_others_is_unknown_and_no_error() {
    let mut kit = Kit::start().await;
    let question = kit.stored(3, 77).await;
    let answer = kit.gate.identify(question).await.unwrap().into_inner();
    assert_eq!(answer.verdict, assay_api::gate::Verdict::Unknown as i32);
    assert_eq!(answer.label, "");
    assert!(answer.class_labels.contains(&answer.closed_set_label));
    assert!(answer.gate_score < answer.gate_threshold, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_is_described_as_its_bundle_has_it() {
    let mut kit = Kit::start().await;
    for model in [
        "",
        "default",
        "default@production",
        "default:1",
        &BUNDLE.id().to_string(),
    ] {
        let model = model.to_owned();
        let gate = kit.gate.describe_gate(DescribeGateRequest { model }).await;
        let gate = gate.unwrap().into_inner();
        let contents = BUNDLE.contents();
        assert_eq!(gate.bundle, BUNDLE.id().to_string());
        assert_eq!(gate.class_labels, ["Ash", "Coal, hard", "Öl"]);
        assert_eq!(gate.detector, "dime");
        let parameters: serde_json::Value = serde_json::from_str(&gate.parameters_json).unwrap();
        assert_eq!(
            parameters,
            serde_json::to_value(contents.gate.detector).unwrap()
        );
        assert_eq!(
            (gate.threshold, gate.alpha),
            (contents.gate.threshold, 0.02)
        );
        assert_eq!(gate.training_scores, BUNDLE.gate().calibration_scores());
        assert_eq!(gate.training_scores.len(), contents.gate.n);
        assert!(gate.training_scores.is_sorted());
        let range = (gate.energy_min_kev, gate.energy_max_kev);
        assert_eq!(range, contents.recipe.energy_range_kev());
    }
}
