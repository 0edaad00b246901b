//! What must hold when every job is over, however often the server was killed.

use crate::{
    life::{Known, end},
    plan::{Kind, Plan, TRAINED},
};
use assay_api::{
    jobs::{
        Job, JobState, ListRequest, WatchRequest, WatchResponse,
        job_service_client::JobServiceClient,
    },
    openassay::registry::v1::{ListModelsRequest, registry_service_client::RegistryServiceClient},
};
use assay_e2e::client;
use std::{collections::BTreeMap, path::Path};
use tonic::transport::Channel;

/// Bytes of the artefacts of a job that depend on nothing but what was asked, by name.
type Artefacts = BTreeMap<String, Vec<u8>>;

/// What jobs of each kind leave, and the bundle of those that train.
pub(crate) struct Expected(BTreeMap<Kind, (Option<String>, Artefacts)>);

impl Expected {
    /// What the jobs on a server have left.
    pub(crate) async fn of(url: &str, plan: &Plan, known: &Known) -> Self {
        let channel = client::connect(url).unwrap();
        let records = records(url).await;
        let mut expected = BTreeMap::new();
        for (at, planned) in plan.0.iter().enumerate() {
            let job = &records[&known.0[&at].id];
            assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
            let left = (bundle(job), artefacts(&channel, planned.kind, job).await);
            let names: Vec<_> = left.1.keys().map(String::as_str).collect();
            assert_eq!(names, reproducible(planned.kind));
            expected.insert(planned.kind, left);
        }
        Self(expected)
    }
}

/// Artefacts without times of day. A report of a training tells when it was made.
fn reproducible(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Train(_) => &["card.md"],
        Kind::Identify => &["results.csv", "results.jsonl"],
        Kind::Explain => &[
            "energies.csv",
            "importances.npy",
            "results.csv",
            "results.jsonl",
        ],
    }
}

async fn artefacts(channel: &Channel, kind: Kind, job: &Job) -> Artefacts {
    let mut artefacts = Artefacts::new();
    for artefact in &job.result.as_ref().unwrap().artefacts {
        let bytes = client::artefact(channel, &job.id, &artefact.name).await;
        let bytes = bytes.unwrap();
        let digest = assay_core::Digest::of(&bytes).to_string();
        assert_eq!(digest, artefact.digest, "{} of {}", artefact.name, job.id);
        if reproducible(kind).contains(&artefact.name.as_str()) {
            artefacts.insert(artefact.name.clone(), bytes);
        }
    }
    artefacts
}

/// The bundle that a training made.
fn bundle(job: &Job) -> Option<String> {
    let summary = &job.result.as_ref().unwrap().summary_json;
    let summary: serde_json::Value = serde_json::from_str(summary).unwrap();
    let trained = summary.get("version").is_some();
    trained.then(|| summary["bundle"].as_str().unwrap().to_owned())
}

/// Every job of a server, by its id.
pub(crate) async fn records(url: &str) -> BTreeMap<String, Job> {
    let channel = client::connect(url).unwrap();
    let mut jobs = client::client(&channel, JobServiceClient::new);
    let mut records = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = ListRequest {
            page_size: 7,
            page_token,
            ..ListRequest::default()
        };
        let page = jobs.list(request).await.unwrap().into_inner();
        for job in page.jobs {
            assert!(records.insert(job.id.clone(), job).is_none());
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return records;
        }
    }
}

/// Every job came to its end once, and left what it should.
pub(crate) async fn check(url: &str, plan: &Plan, known: &Known, expected: &Expected, kills: u32) {
    let channel = client::connect(url).unwrap();
    let records = records(url).await;
    assert_eq!(records.len(), plan.0.len(), "a job too many or too few");
    let mut trained = BTreeMap::new();
    for (at, planned) in plan.0.iter().enumerate() {
        let id = &known.0[&at].id;
        let job = &records[id];
        assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
        // Each kill costs at most the attempt that ran; a stall of the machine may cost more, but
        // never those that a job has.
        assert!((1..=job.max_attempts).contains(&job.attempt), "{job:?}");
        assert!(kills > 0 || job.attempt == 1, "{job:?}");
        once(&events(&channel, id).await, job);
        let (bundle_of_kind, artefacts_of_kind) = &expected.0[&planned.kind];
        let found = artefacts(&channel, planned.kind, job).await;
        assert!(found == *artefacts_of_kind, "other results: {job:?}");
        assert_eq!(bundle(job), *bundle_of_kind, "another model: {job:?}");
        if let Some(bundle) = bundle(job) {
            trained.insert(id.clone(), bundle);
        }
    }
    registered(&channel, &trained).await;
}

/// One event after the other, the last one and no other tells of the end.
fn once(events: &[WatchResponse], job: &Job) {
    let numbers = events.iter().map(|event| event.sequence);
    assert!(numbers.eq(1..=job.sequence), "{events:?}");
    let ends: Vec<_> = events
        .iter()
        .filter_map(|event| Some((event.sequence, end(event)?)))
        .collect();
    assert_eq!(ends, [(job.sequence, JobState::Succeeded)], "{}", job.id);
}

async fn events(channel: &Channel, id: &str) -> Vec<WatchResponse> {
    let mut jobs = client::client(channel, JobServiceClient::new);
    let request = WatchRequest {
        id: id.to_owned(),
        after_sequence: 0,
    };
    let mut stream = jobs.watch(request).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    events
}

/// One version for every training, and none else.
async fn registered(channel: &Channel, trained: &BTreeMap<String, String>) {
    let mut registry = client::client(channel, RegistryServiceClient::new);
    let models = registry.list_models(ListModelsRequest {}).await.unwrap();
    let models = models.into_inner().models;
    let model = models.iter().find(|model| model.name == TRAINED).unwrap();
    let versions: BTreeMap<_, _> = model
        .versions
        .iter()
        .map(|version| {
            assert_eq!(version.version, version.job_id);
            (version.job_id.clone(), version.bundle.clone())
        })
        .collect();
    assert_eq!(versions.len(), model.versions.len(), "{model:?}");
    assert_eq!(versions, *trained);
    let aliases: Vec<_> = model.aliases.iter().map(|alias| &alias.alias).collect();
    assert_eq!(aliases, ["production"]);
    assert!(trained.contains_key(&model.aliases[0].version), "{model:?}");
}

/// No checkpoint of a training stays behind.
pub(crate) fn nothing_left_over(folder: &Path) {
    let work = folder.join("server").join("work").join("train");
    let left: Vec<_> = std::fs::read_dir(work).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
