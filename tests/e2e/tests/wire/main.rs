//! Bad input over the wire, to every service of one running server: each is refused with the
//! status that the interface names, the server answers a good request after each, and none of
//! them takes memory that matters.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod case;
mod connections;
mod files;
mod framing;
mod jobs;
mod models;
mod mutants;
mod numbers;
mod repository;
mod tensors;

use assay_api::{
    gate::{IdentifyRequest, IdentifyResponse, gate_service_client::GateServiceClient},
    inference::{DescribeModelRequest, inference_service_client::InferenceServiceClient},
    jobs::{Lane, SubmitRequest, WatchRequest, job_service_client::JobServiceClient},
};
use assay_e2e::{
    client,
    collection::{self, BUNDLE},
    memory, raw,
    server::Server,
};
use case::{Case, Stage};
use std::{path::Path, time::Duration};
use tokio::time::timeout;
use tonic::transport::Channel;

/// Longest time of one request.
const GUARD: Duration = Duration::from_secs(60);

/// What one request may add to the memory of the server while it is refused: a few times the
/// largest message, 16 MiB, for its bytes and what is read from them.
const JUMP_BYTES: u64 = 128 << 20;

/// A server with a model, a data set and a job that is done.
struct Target {
    server: Server,
    channel: Channel,
    stage: Stage,
    /// The right answer to the good request.
    answer: IdentifyResponse,
}

impl Target {
    async fn start(folder: &Path) -> Self {
        let collection = collection::simulate(folder, 2, 1).unwrap();
        collection::train(folder).unwrap();
        let server = Server::start(folder, &[]).unwrap();
        let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
        server.run(folder, &push).unwrap();
        let channel = client::connect(&server.url).unwrap();
        let put = client::put(&channel, &collection).await.unwrap();
        let mut inference = client::client(&channel, InferenceServiceClient::new);
        let model = inference
            .describe_model(DescribeModelRequest::default())
            .await
            .unwrap();
        let model = model.into_inner();
        let stage = Stage {
            spectrum: put.spectra[0].clone(),
            file: collection.spectra[0].content.clone(),
            job: finished_job(&channel, &put.dataset).await,
            dataset: put.dataset,
            bundle: model.bundle,
            bins: model.bins as usize,
        };
        let answer = identify(&channel, &stage).await;
        Self {
            server,
            channel,
            stage,
            answer,
        }
    }

    /// Asks what has a known answer.
    async fn still_answers(&self, after: &str) {
        let answer = identify(&self.channel, &self.stage).await;
        assert_eq!(answer, self.answer, "after {after}");
    }

    /// Sends one bad request; gives what is wrong with its answer.
    async fn try_case(&self, case: &Case) -> Option<String> {
        let process = self.server.process_id();
        memory::reset_peak(process).unwrap();
        let before = memory::of(process).unwrap().resident_bytes;
        let answer = timeout(GUARD, raw::send(&self.channel, &case.call)).await;
        let fault = match answer.unwrap() {
            Ok(answer) => case.fault(&answer),
            Err(error) => Some(format!("{}: no answer: {error:#}", case.name)),
        };
        self.still_answers(&case.name).await;
        let peak = memory::of(process).unwrap().peak_bytes;
        let jump = peak.saturating_sub(before);
        assert!(jump < JUMP_BYTES, "{}: {jump} bytes of memory", case.name);
        fault
    }
}

async fn finished_job(channel: &Channel, dataset: &str) -> String {
    let mut jobs = client::client(channel, JobServiceClient::new);
    let request = SubmitRequest {
        lane: Lane::Identify.into(),
        dataset: dataset.to_owned(),
        ..SubmitRequest::default()
    };
    let job = jobs.submit(request).await.unwrap().into_inner().job;
    let id = job.unwrap().id;
    let request = WatchRequest {
        id: id.clone(),
        after_sequence: 0,
    };
    let mut events = jobs.watch(request).await.unwrap().into_inner();
    while events.message().await.unwrap().is_some() {}
    id
}

async fn identify(channel: &Channel, stage: &Stage) -> IdentifyResponse {
    let mut gate = client::client(channel, GateServiceClient::new);
    let request = IdentifyRequest {
        spectrum_digest: stage.spectrum.clone(),
        ..IdentifyRequest::default()
    };
    let answer = timeout(GUARD, gate.identify(request)).await.unwrap();
    IdentifyResponse {
        read_s: 0.0,
        preprocess_s: 0.0,
        features_s: 0.0,
        decide_s: 0.0,
        ..answer.unwrap().into_inner()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_gets_its_own_answer_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::start(folder.path()).await;
    let stage = &target.stage;
    let mut cases = framing::cases(stage);
    cases.extend(files::cases(stage));
    cases.extend(numbers::cases(stage));
    cases.extend(jobs::cases(stage));
    cases.extend(models::cases(stage));
    cases.extend(tensors::cases(stage));
    cases.extend(repository::cases());
    let mut faults = Vec::new();
    for case in &cases {
        faults.extend(target.try_case(case).await);
    }
    let count = cases.len();
    assert!(
        faults.is_empty(),
        "{} of {count}:\n{}",
        faults.len(),
        faults.join("\n")
    );
    eprintln!("{count} bad requests");

    connections::all(&target.server.url, async |name| {
        target.still_answers(name).await;
    })
    .await;
    mutants::all(&target).await;
    let ended = target.server.terminate().unwrap();
    assert!(ended.success(), "{ended}");
}
