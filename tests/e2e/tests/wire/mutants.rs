//! Good messages with a few bytes changed, to every method: whatever comes of it, it is an answer
//! of gRPC and no defect.

use crate::{
    Target,
    case::{DATASETS, EXPLAIN, GATE, INFERENCE, INGEST, JOBS, REGISTRY, Stage, WORKERS, path},
    tensors::{self, OPEN_INFERENCE},
};
use assay_api::{
    explain::{ExplainCamRequest, ExplainPeaksRequest, RenderReportRequest, ReportFormat},
    gate::IdentifyRequest,
    inference::{FeaturesRequest, Vector},
    ingest::{PutFileRequest, PutSpectrumRequest, RenderImageRequest},
    jobs::{ClaimRequest, GetArtefactRequest, ListRequest, SubmitRequest, WatchRequest},
    openassay::{
        datasets::v1::{CreateDatasetRequest, DatasetRow},
        registry::v1::{PromoteRequest, PutBundleRequest},
    },
};
use assay_core::{KeyedRng, keyed_rng};
use assay_e2e::raw::{self, Call, framed};
use prost::Message as _;
use rand::RngExt as _;
use tokio::time::timeout;
use tonic::Code;

/// Variants of each message.
const VARIANTS: u64 = 40;

pub(crate) async fn all(target: &Target) {
    for (service, method, message) in messages(&target.stage) {
        for variant in 0..VARIANTS {
            let mut random = keyed_rng(variant, method, &[]);
            let call = Call::with(
                &path(service, method),
                framed(&changed(&message, &mut random)),
            );
            let answer = timeout(crate::GUARD, raw::send(&target.channel, &call)).await;
            let status = answer.unwrap().unwrap().status;
            let name = format!("variant {variant} of {method}: {status:?}");
            let unparsable = status.message().contains("decode");
            match status.code() {
                // The code of gRPC for what is no message is also that of a defect.
                Code::Internal => assert!(unparsable, "{name}"),
                Code::Unknown | Code::DataLoss | Code::Unavailable => panic!("{name}"),
                _ => {}
            }
        }
        target.still_answers(method).await;
    }
}

/// One to four bytes set, removed or put in.
fn changed(message: &[u8], random: &mut KeyedRng) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..random.random_range(1..=4) {
        // Mostly near the beginning, where the fields' names and lengths are.
        let reach = if random.random_bool(0.7) {
            bytes.len().min(80)
        } else {
            bytes.len()
        };
        let at = random.random_range(0..reach.max(1));
        match random.random_range(0..3) {
            0 if at < bytes.len() => bytes[at] = random.random(),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.insert(at.min(bytes.len()), random.random()),
        }
    }
    bytes
}

fn messages(stage: &Stage) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let question = IdentifyRequest {
        model: "default".to_owned(),
        spectrum_digest: stage.spectrum.clone(),
        ..IdentifyRequest::default()
    };
    let features = FeaturesRequest {
        model: "default".to_owned(),
        vectors: vec![Vector {
            values: vec![0.25; stage.bins],
        }],
    };
    let spectrum = PutSpectrumRequest {
        counts: vec![100; 64],
        live_time_s: 9.0,
        real_time_s: 10.0,
        calibration_kev: vec![0.0, 1.0],
        start_time: "2026-05-01T12:00:00Z".to_owned(),
        title: "probe".to_owned(),
    };
    let file = PutFileRequest {
        content: stage.file.clone(),
        file_name: "probe.spe".to_owned(),
    };
    let image = RenderImageRequest {
        digest: stage.spectrum.clone(),
        size: 64,
        ..RenderImageRequest::default()
    };
    let explanation = ExplainCamRequest {
        request: Some(question.clone()),
        regions: 5,
        ..ExplainCamRequest::default()
    };
    let peaks = ExplainPeaksRequest {
        request: explanation.request.clone(),
        most_peaks: 2,
        ..ExplainPeaksRequest::default()
    };
    let report = RenderReportRequest {
        request: explanation.request.clone(),
        format: ReportFormat::SpectrumSvg.into(),
        no_peaks: true,
        ..RenderReportRequest::default()
    };
    let dataset = CreateDatasetRequest {
        rows: vec![DatasetRow {
            spectrum_digest: stage.spectrum.clone(),
            label: "Steel".to_owned(),
            role: 1,
            group: "lot".to_owned(),
            file_name: "probe.spe".to_owned(),
        }],
    };
    // The model is not there, so that no variant begins a job.
    let job = SubmitRequest {
        lane: 2,
        dataset: stage.dataset.clone(),
        model: "nothing".to_owned(),
        idempotency_key: "key".to_owned(),
        ..SubmitRequest::default()
    };
    let watch = WatchRequest {
        id: stage.job.clone(),
        after_sequence: 1,
    };
    let list = ListRequest {
        lane: 2,
        states: vec![1, 3],
        page_size: 10,
        page_token: stage.job.clone(),
    };
    let artefact = GetArtefactRequest {
        id: stage.job.clone(),
        name: "results.csv".to_owned(),
    };
    let claim = ClaimRequest {
        lane: 1,
        worker: "worker".to_owned(),
        wait_ms: 1,
    };
    let promote = PromoteRequest {
        name: "other".to_owned(),
        alias: "canary".to_owned(),
        version: stage.bundle[..12].to_owned(),
        expected_version: String::new(),
    };
    let upload = PutBundleRequest {
        name: "upload".to_owned(),
        version: "1".to_owned(),
        file_name: "model.onnx".to_owned(),
        chunk: vec![7; 100],
    };
    vec![
        (GATE, "Identify", question.encode_to_vec()),
        (INFERENCE, "Features", features.encode_to_vec()),
        (INFERENCE, "Classify", features.encode_to_vec()),
        (
            OPEN_INFERENCE,
            "ModelInfer",
            tensors::good(stage).encode_to_vec(),
        ),
        (INGEST, "PutSpectrum", spectrum.encode_to_vec()),
        (INGEST, "PutFile", file.encode_to_vec()),
        (INGEST, "RenderImage", image.encode_to_vec()),
        (EXPLAIN, "ExplainCam", explanation.encode_to_vec()),
        (EXPLAIN, "ExplainPeaks", peaks.encode_to_vec()),
        (EXPLAIN, "RenderReport", report.encode_to_vec()),
        (DATASETS, "CreateDataset", dataset.encode_to_vec()),
        (JOBS, "Submit", job.encode_to_vec()),
        (JOBS, "Watch", watch.encode_to_vec()),
        (JOBS, "List", list.encode_to_vec()),
        (JOBS, "GetArtefact", artefact.encode_to_vec()),
        (WORKERS, "Claim", claim.encode_to_vec()),
        (REGISTRY, "Promote", promote.encode_to_vec()),
        (REGISTRY, "PutBundle", upload.encode_to_vec()),
    ]
}
