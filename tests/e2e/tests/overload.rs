//! More than the server is configured to take: what is beyond a bound is refused at once and told
//! when to come again, what was taken is answered rightly, and memory stays as it is.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use assay_api::{
    gate::{
        IdentifyRequest, IdentifyStreamRequest, IdentifyStreamResponse,
        gate_service_client::GateServiceClient,
    },
    inference::{
        DescribeModelRequest, FeaturesRequest, Vector,
        inference_service_client::InferenceServiceClient,
    },
    ingest::{
        FieldKind, ImageEncoding, RenderImageStreamRequest,
        ingest_service_client::IngestServiceClient,
    },
    jobs::{CancelRequest, Lane, ListRequest, SubmitRequest, job_service_client::JobServiceClient},
    openassay::registry::v1::{PutBundleRequest, registry_service_client::RegistryServiceClient},
};
use assay_e2e::{
    client,
    collection::{self, BUNDLE, Collection},
    memory,
    metrics::Metrics,
    server::Server,
};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::timeout,
};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};
use tonic_types::StatusExt as _;

/// Longest time of a test.
const GUARD: Duration = Duration::from_secs(180);
/// Most rows that may wait for the model; one of the bounds of the histogram that tells of them.
const QUEUE_ROWS: usize = 16;
/// Most requests at a time.
const IN_FLIGHT: usize = 128;
/// Clients of the flood, each with one request at a time.
const CLIENTS: usize = 64;
/// Requests of each that must be answered.
const REQUESTS: usize = 25;
/// Rows of each request; fewer than the bound, so that none has to wait until it is alone.
const ROWS: usize = 4;
/// What a second flood may leave behind beyond the first: what allocators keep, no request's
/// share. The requests of one flood alone carry ten times as much.
const GROWTH_BYTES: u64 = 16 << 20;

fn furnished(folder: &Path, settings: &[&str]) -> (Server, Collection) {
    let collection = collection::simulate(folder, 2, 1).unwrap();
    collection::train(folder).unwrap();
    let settings: Vec<_> = settings.iter().flat_map(|set| ["--set", set]).collect();
    let server = Server::start(folder, &settings).unwrap();
    let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
    server.run(folder, &push).unwrap();
    (server, collection)
}

/// When to come again, of a refusal for overload; panics for any other status.
fn retry_after(status: &Status) -> Duration {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let info = status.get_details_retry_info();
    let delay = info.and_then(|info| info.retry_delay);
    delay.unwrap_or_else(|| panic!("no RetryInfo: {status:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_bounded_and_everything_taken_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        &format!("inference.max_queue_rows={QUEUE_ROWS}"),
        &format!("server.max_in_flight={IN_FLIGHT}"),
        "server.metrics_listen=127.0.0.1:0",
    ];
    let (server, _) = furnished(folder.path(), &settings);
    let metrics = server.metrics_address().unwrap();
    // The first fills the caches of allocators and threads.
    flood(&server.url, &metrics).await;
    let first = memory::of(server.process_id()).unwrap();
    memory::reset_peak(server.process_id()).unwrap();
    let told = flood(&server.url, &metrics).await;
    let second = memory::of(server.process_id()).unwrap();
    eprintln!("{told}\nmemory after the first flood: {first:?}\nafter the second: {second:?}");
    assert!(second.resident_bytes <= first.resident_bytes + GROWTH_BYTES);
    assert!(second.peak_bytes <= first.peak_bytes + GROWTH_BYTES);
    assert!(server.terminate().unwrap().success());
}

/// What one client of a flood counts.
#[derive(Default)]
struct Count {
    refused: usize,
    waited: Vec<Duration>,
}

/// Sends more at once than the queue takes until every request has its right answer; gives
/// figures for people.
async fn flood(url: &str, metrics: &str) -> String {
    let channel = client::connect(url).unwrap();
    let request = question(&channel).await;
    let mut inference = client::client(&channel, InferenceServiceClient::new);
    let expected = inference.features(request.clone()).await.unwrap();
    let expected = Arc::new(expected.into_inner().features);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let channel = client::connect(url).unwrap();
        clients.spawn(insist(channel, request.clone(), expected.clone()));
    }
    let counts = timeout(GUARD, clients.join_all()).await.unwrap();
    let refused: usize = counts.iter().map(|count| count.refused).sum();
    assert!(refused > 0, "the flood was none");
    let metrics = Metrics::read(metrics).unwrap();
    assert!(metrics.get("openassay_inference_overloads_total") >= refused as f64);
    // How many rows were in the model's queue is noted for every request that it took.
    let queue = |part: &str| metrics.get(&format!("openassay_inference_queue_rows_{part}"));
    let taken = queue("count");
    assert!(taken >= (CLIENTS * REQUESTS) as f64, "{taken} noted");
    assert_eq!(queue(&format!("bucket{{le=\"{QUEUE_ROWS}\"}}")), taken);
    let mut waited: Vec<_> = counts.into_iter().flat_map(|count| count.waited).collect();
    waited.sort();
    let quantile = |share: f64| waited[((waited.len() - 1) as f64 * share) as usize];
    format!(
        "{} requests of {ROWS} rows answered, {refused} refused; p50 {:?}, p99 {:?} of those \
         taken",
        waited.len(),
        quantile(0.5),
        quantile(0.99)
    )
}

/// Input vectors that differ.
async fn question(channel: &Channel) -> FeaturesRequest {
    let mut inference = client::client(channel, InferenceServiceClient::new);
    let described = inference
        .describe_model(DescribeModelRequest::default())
        .await
        .unwrap();
    let bins = described.into_inner().bins;
    let vector = |row: usize| Vector {
        values: (0..bins)
            .map(|bin| (bin as f32 * row as f32).sin())
            .collect(),
    };
    FeaturesRequest {
        model: String::new(),
        vectors: (0..ROWS).map(vector).collect(),
    }
}

/// Asks until everything is answered; comes again when it is told to.
async fn insist(channel: Channel, request: FeaturesRequest, expected: Arc<Vec<Vector>>) -> Count {
    let mut inference = client::client(&channel, InferenceServiceClient::new);
    let mut count = Count::default();
    while count.waited.len() < REQUESTS {
        let begun = Instant::now();
        match inference.features(request.clone()).await {
            Ok(answer) => {
                assert_eq!(answer.into_inner().features, *expected);
                count.waited.push(begun.elapsed());
            }
            Err(status) => {
                let delay = retry_after(&status);
                assert!(delay <= Duration::from_secs(60), "{delay:?}");
                count.refused += 1;
                tokio::time::sleep(delay.min(Duration::from_millis(20))).await;
            }
        }
    }
    count
}

/// A stream that stays open, so that it counts among the requests in flight.
struct Held {
    questions: UnboundedSender<IdentifyStreamRequest>,
    answers: Streaming<IdentifyStreamResponse>,
}

impl Held {
    /// Opens one and gets its first answer.
    async fn open(channel: &Channel, question: &IdentifyRequest) -> Result<Self, Status> {
        let (questions, receiver) = unbounded_channel();
        let mut gate = client::client(channel, GateServiceClient::new);
        let opened = gate.identify_stream(UnboundedReceiverStream::new(receiver));
        let mut held = Self {
            questions,
            answers: opened.await?.into_inner(),
        };
        held.ask(question).await;
        Ok(held)
    }

    async fn ask(&mut self, question: &IdentifyRequest) {
        let request = IdentifyStreamRequest {
            request_id: String::new(),
            request: Some(question.clone()),
        };
        self.questions.send(request).unwrap();
        let answer = self.answers.message().await.unwrap().unwrap();
        assert_eq!(answer.error_code, 0, "{}", answer.error_message);
    }

    async fn close(mut self) {
        drop(self.questions);
        assert!(self.answers.message().await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_are_bounded_to_the_last_one() {
    const MOST: usize = 3;
    let folder = tempfile::tempdir().unwrap();
    let most = format!("server.max_in_flight={MOST}");
    let settings = [&most, "server.metrics_listen=127.0.0.1:0"];
    let (server, collection) = furnished(folder.path(), &settings);
    let channel = client::connect(&server.url).unwrap();
    let question = IdentifyRequest {
        content: collection.spectra[0].content.clone(),
        ..IdentifyRequest::default()
    };
    let mut held = Vec::new();
    for _ in 0..MOST {
        held.push(Held::open(&channel, &question).await.unwrap());
    }
    // Another connection has no more room than this one.
    for channel in [&channel, &client::connect(&server.url).unwrap()] {
        let mut gate = client::client(channel, GateServiceClient::new);
        let status = gate.identify(question.clone()).await.unwrap_err();
        assert!(retry_after(&status) > Duration::ZERO);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, "TOO_MANY_REQUESTS");
        assert!(Held::open(channel, &question).await.is_err());
    }
    let metrics = Metrics::read(&server.metrics_address().unwrap()).unwrap();
    let gauge = "openassay_rpc_in_flight{service=\"openassay.gate.v1.GateService\"}";
    assert_eq!(metrics.get(gauge), MOST as f64);
    // Those that were taken go on.
    for stream in &mut held {
        stream.ask(&question).await;
    }
    held.pop().unwrap().close().await;
    let mut gate = client::client(&channel, GateServiceClient::new);
    let again = async {
        // The server notes the end of a stream a moment after its client.
        while let Err(status) = gate.identify(question.clone()).await {
            retry_after(&status);
            tokio::task::yield_now().await;
        }
    };
    timeout(GUARD, again).await.unwrap();
    drop(held);
    assert!(server.terminate().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_images_and_uploads_have_bounds_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "control.max_queued=2",
        "control.max_uploads=1",
        "ingest.max_images=1",
    ];
    let (server, collection) = furnished(folder.path(), &settings);
    let channel = client::connect(&server.url).unwrap();
    let put = client::put(&channel, &collection).await.unwrap();
    timeout(GUARD, async {
        jobs(&channel, &put.dataset).await;
        images(&channel, &put.spectra[0]).await;
        uploads(&channel).await;
    })
    .await
    .unwrap();
    assert!(server.terminate().unwrap().success());
}

/// One job runs, as many wait as may, the next one is refused and leaves no trace.
async fn jobs(channel: &Channel, dataset: &str) {
    let mut jobs = client::client(channel, JobServiceClient::new);
    let endless = r#"{"model": {"kind": "cnn1d"}, "epochs": 100000}"#;
    let request = SubmitRequest {
        lane: Lane::Train.into(),
        dataset: dataset.to_owned(),
        model: "endless".to_owned(),
        specification_json: endless.to_owned(),
        ..SubmitRequest::default()
    };
    let mut taken = Vec::new();
    let status = loop {
        match jobs.submit(request.clone()).await {
            Ok(answer) => taken.push(answer.into_inner().job.unwrap().id),
            Err(status) => break status,
        }
        // Two wait, and one was perhaps begun already.
        assert!(taken.len() <= 3, "{taken:?}");
    };
    assert!(retry_after(&status) > Duration::ZERO);
    assert!(taken.len() >= 2, "{taken:?}");
    let all = jobs
        .list(ListRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(all.jobs.len(), taken.len());
    for id in taken {
        let reason = String::new();
        jobs.cancel(CancelRequest { id, reason }).await.unwrap();
    }
    // There is room again.
    let answer = jobs.submit(request).await.unwrap().into_inner();
    let (id, reason) = (answer.job.unwrap().id, String::new());
    jobs.cancel(CancelRequest { id, reason }).await.unwrap();
}

/// An image that nobody fetches takes the only place.
async fn images(channel: &Channel, digest: &str) {
    let mut ingest = client::client(channel, IngestServiceClient::new);
    let request = RenderImageStreamRequest {
        digest: digest.to_owned(),
        field: FieldKind::Difference.into(),
        size: 2000,
        encoding: ImageEncoding::Npy.into(),
        model: String::new(),
    };
    let held = ingest.render_image_stream(request.clone()).await.unwrap();
    let status = ingest.render_image_stream(request.clone()).await;
    assert!(retry_after(&status.unwrap_err()) > Duration::ZERO);
    let mut parts = held.into_inner();
    let (mut bytes, mut total_bytes) = (0, 0);
    while let Some(part) = parts.message().await.unwrap() {
        bytes += part.chunk.len() as u64;
        total_bytes = part.total_bytes;
    }
    assert!(bytes == total_bytes && bytes > 2000 * 2000 * 4);
    drop(parts);
    while let Err(status) = ingest.render_image_stream(request.clone()).await {
        retry_after(&status);
        tokio::task::yield_now().await;
    }
}

/// An upload that does not go on takes the only place.
async fn uploads(channel: &Channel) {
    let (sender, receiver) = unbounded_channel();
    let part = PutBundleRequest {
        name: "held".to_owned(),
        file_name: "model.onnx".to_owned(),
        ..PutBundleRequest::default()
    };
    sender.send(part).unwrap();
    let mut registry = client::client(channel, RegistryServiceClient::new);
    let mut other = registry.clone();
    let held = tokio::spawn(async move {
        let parts = UnboundedReceiverStream::new(receiver);
        registry.put_bundle(parts).await
    });
    let none = || tokio_stream::iter(Vec::<PutBundleRequest>::new());
    let refused = loop {
        let status = other.put_bundle(none()).await.unwrap_err();
        // Until the first one has come.
        if status.code() != Code::InvalidArgument {
            break status;
        }
    };
    assert!(retry_after(&refused) > Duration::ZERO);
    drop(sender);
    // A bundle of an empty file is none.
    let status = held.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let status = other.put_bundle(none()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
}
