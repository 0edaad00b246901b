//! SIGTERM while requests come without a pause: what the server took is answered, what it did not
//! take is told so, and the process ends in order within its grace.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use assay_api::{
    gate::{
        IdentifyRequest, IdentifyResponse, IdentifyStreamRequest,
        gate_service_client::GateServiceClient,
    },
    ingest::{GetFileRequest, PutFileRequest, ingest_service_client::IngestServiceClient},
    status::is_connection_lost,
};
use assay_core::Digest;
use assay_e2e::{
    client,
    collection::{self, BUNDLE, Collection},
    server::{Ended, Server},
};
use futures::stream;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    task::{Id, JoinSet},
    time::timeout,
};
use tonic::{Code, Request, Status, transport::Channel};

/// The time that the server has for its end.
const GRACE_S: u64 = 30;
/// Longest time for what comes before.
const GUARD: Duration = Duration::from_secs(120);
/// Answers that each client has before the signal is sent.
const BEFORE: usize = 5;
/// Clients of each sort.
const CLIENTS: usize = 3;

/// What one client went through, by the ids of its requests.
#[derive(Default)]
struct Story {
    answered: Vec<String>,
    /// The last request, which got no answer.
    refused: Option<(String, Status)>,
    /// Files that were put.
    kept: Vec<(Digest, Vec<u8>)>,
}

/// What clients share.
struct Load {
    spectra: Vec<Vec<u8>>,
    /// The right answer about each spectrum.
    answers: Vec<IdentifyResponse>,
    /// Gets a permit for every answer.
    progress: Semaphore,
    requests: AtomicUsize,
}

impl Load {
    /// A request with an id of its own, which the server writes into its log.
    fn request<T>(&self, message: T) -> (String, Request<T>) {
        let id = format!("request-{}", self.requests.fetch_add(1, Ordering::Relaxed));
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("x-request-id", id.parse().unwrap());
        (id, request)
    }

    fn question(&self, at: usize) -> IdentifyRequest {
        IdentifyRequest {
            content: self.spectra[at % self.spectra.len()].clone(),
            ..IdentifyRequest::default()
        }
    }

    fn check(&self, at: usize, answer: IdentifyResponse) {
        assert_eq!(untimed(answer), self.answers[at % self.answers.len()]);
        self.progress.add_permits(1);
    }
}

fn untimed(answer: IdentifyResponse) -> IdentifyResponse {
    IdentifyResponse {
        read_s: 0.0,
        preprocess_s: 0.0,
        features_s: 0.0,
        decide_s: 0.0,
        ..answer
    }
}

#[test]
fn what_was_taken_is_answered_and_the_rest_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collection = collection::simulate(folder, 2, 1).unwrap();
    collection::train(folder).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for settle_ms in [0, 200] {
        runtime.block_on(end_under_load(folder, &collection, settle_ms));
    }
}

async fn end_under_load(folder: &Path, collection: &Collection, settle_ms: u64) {
    let settle = format!("server.shutdown_settle_ms={settle_ms}");
    let grace = format!("server.shutdown_grace_s={GRACE_S}");
    let log = "telemetry.filter=info,assay_runtime=debug";
    let settings = ["--set", &settle, "--set", &grace, "--set", log];
    let server = Server::start(folder, &settings).unwrap();
    let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
    server.run(folder, &push).unwrap();
    let load = Arc::new(load(&server, collection).await);

    let mut clients = JoinSet::new();
    let mut names = BTreeMap::new();
    for _ in 0..CLIENTS {
        // Each on a connection of its own.
        let connect = || client::connect(&server.url).unwrap();
        for (name, task) in [
            ("identify", clients.spawn(identify(connect(), load.clone()))),
            ("converse", clients.spawn(converse(connect(), load.clone()))),
            ("put", clients.spawn(put(connect(), load.clone()))),
        ] {
            names.insert(task.id(), name);
        }
    }
    let many = u32::try_from(3 * CLIENTS * BEFORE).unwrap();
    let begun = timeout(GUARD, load.progress.acquire_many(many)).await;
    begun.unwrap().unwrap().forget();
    server.ask_to_end().unwrap();
    let ended = tokio::task::block_in_place(|| server.ended(Duration::from_secs(GRACE_S)));
    let ended = ended.unwrap();
    assert_eq!(ended.status.code(), Some(0), "{:#?}", ended.log);
    let mut stories = Vec::new();
    while let Some((id, story)) = joined(&mut clients, &names).await {
        names.remove(&id);
        stories.push(story);
    }
    compare(&ended, &stories);

    // What was said to be kept is kept.
    let server = Server::start(folder, &settings).unwrap();
    let channel = client::connect(&server.url).unwrap();
    let mut ingest = client::client(&channel, IngestServiceClient::new);
    for (digest, content) in stories.iter().flat_map(|story| &story.kept) {
        let digest = digest.to_string();
        let file = ingest.get_file(GetFileRequest { digest }).await.unwrap();
        assert!(file.into_inner().content == *content);
    }
    assert!(server.terminate().unwrap().success());
}

/// The next client that has come to its end.
async fn joined(clients: &mut JoinSet<Story>, running: &BTreeMap<Id, &str>) -> Option<(Id, Story)> {
    let joined = timeout(GUARD, clients.join_next_with_id()).await;
    let joined = joined.unwrap_or_else(|_| panic!("clients that do not end: {running:?}"));
    joined.map(|joined| joined.unwrap())
}

/// The right answers, given while nothing else happens.
async fn load(server: &Server, collection: &Collection) -> Load {
    let channel = client::connect(&server.url).unwrap();
    let mut gate = client::client(&channel, GateServiceClient::new);
    let mut load = Load {
        spectra: Vec::new(),
        answers: Vec::new(),
        progress: Semaphore::new(0),
        requests: AtomicUsize::new(0),
    };
    for listed in &collection.spectra {
        load.spectra.push(listed.content.clone());
        let question = load.question(load.spectra.len() - 1);
        let answer = gate.identify(question).await.unwrap();
        load.answers.push(untimed(answer.into_inner()));
    }
    load
}

/// One question after the other until one is refused.
async fn identify(channel: Channel, load: Arc<Load>) -> Story {
    let mut gate = client::client(&channel, GateServiceClient::new);
    let mut story = Story::default();
    for at in 0.. {
        let (id, request) = load.request(load.question(at));
        match gate.identify(request).await {
            Ok(answer) => {
                load.check(at, answer.into_inner());
                story.answered.push(id);
            }
            Err(status) => {
                story.refused = Some((id, status));
                break;
            }
        }
    }
    story
}

/// Questions in one stream without waiting for their answers, until the stream ends.
async fn converse(channel: Channel, load: Arc<Load>) -> Story {
    let mut gate = client::client(&channel, GateServiceClient::new);
    let questions = load.clone();
    let questions = stream::iter((0_usize..).map(move |at| IdentifyStreamRequest {
        request_id: at.to_string(),
        request: Some(questions.question(at)),
    }));
    let (id, request) = load.request(questions);
    let mut answers = gate.identify_stream(request).await.unwrap().into_inner();
    for at in 0.. {
        match answers.message().await {
            Ok(Some(answer)) => {
                // In their order, none left out, each the right one.
                assert_eq!(answer.request_id, at.to_string());
                load.check(at, answer.response.unwrap());
            }
            Ok(None) => panic!("the stream ended as if every question had come"),
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                assert!(
                    !status.details().is_empty(),
                    "not from the server: {status:?}"
                );
                return Story {
                    refused: Some((id, status)),
                    ..Story::default()
                };
            }
        }
    }
    unreachable!("numbers do not end")
}

/// One new file after the other until one is refused.
async fn put(channel: Channel, load: Arc<Load>) -> Story {
    let mut ingest = client::client(&channel, IngestServiceClient::new);
    let mut story = Story::default();
    loop {
        let number = load.requests.load(Ordering::Relaxed);
        let content = format!("$SPEC_ID:\n{number}\n$DATA:\n0 3\n1\n2\n{number}\n4\n");
        let message = PutFileRequest {
            content: content.clone().into(),
            file_name: String::new(),
        };
        let (id, request) = load.request(message);
        match ingest.put_file(request).await {
            Ok(answer) => {
                let digest = Digest::of(content.as_bytes());
                let spectrum = answer.into_inner().spectrum.unwrap();
                assert_eq!(spectrum.digest, digest.to_string());
                story.kept.push((digest, content.into()));
                story.answered.push(id);
                load.progress.add_permits(1);
            }
            Err(status) => {
                story.refused = Some((id, status));
                return story;
            }
        }
    }
}

/// The two sides tell the same: whatever the server took, its client has the answer of.
fn compare(ended: &Ended, stories: &[Story]) {
    let mut taken = taken(&ended.log);
    for story in stories {
        for id in &story.answered {
            assert_eq!(taken.remove(id).as_deref(), Some("OK"), "{id}");
        }
        let (id, status) = story.refused.as_ref().unwrap();
        match taken.remove(id).as_deref() {
            // The server never knew of it: its connection was closed, or not made any more.
            None => assert!(is_connection_lost(status), "{id}: {status:?}"),
            // Refused by the server in words.
            code => {
                assert_eq!(code, Some("UNAVAILABLE"), "{id}: {status:?}");
                assert_eq!(status.code(), Code::Unavailable, "{id}: {status:?}");
                assert!(!status.details().is_empty(), "{id}: {status:?}");
            }
        }
    }
    assert!(taken.is_empty(), "not told to their clients: {taken:?}");
    let ordered = |line: &String| line.contains("ended in order");
    assert!(ended.log.iter().any(ordered), "{:#?}", ended.log);
}

/// How the requests with an id of this test ended, by the server's log.
fn taken(log: &[String]) -> BTreeMap<String, String> {
    let lines = log
        .iter()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let ends = lines.filter_map(|line| {
        let id = line["span"]["request.id"].as_str()?.to_owned();
        let code = line["rpc.code"].as_str()?.to_owned();
        id.starts_with("request-").then_some((id, code))
    });
    ends.collect()
}
