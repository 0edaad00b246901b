//! gRPC-Web over HTTP/1.1: one answer, a stream, errors behind it, and who may ask.

use assay_api::{
    gate::DescribeGateRequest,
    jobs::{Lane, ListRequest, WatchRequest, WatchResponse},
};
use assay_e2e::{
    collection,
    http1::{Frame, Question, address},
    metrics::Metrics,
    server::Server,
    tokens::{self, FILE, bearer},
};
use prost::Message as _;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

const HEALTH: &str = "/grpc.health.v1.Health/Check";
const GATE: &str = "/openassay.gate.v1.GateService/DescribeGate";
const LIST: &str = "/openassay.jobs.v1.JobService/List";
const WATCH: &str = "/openassay.jobs.v1.JobService/Watch";

#[test]
fn one_answer_comes_with_its_trailers_in_the_body() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]).unwrap();
    let to = address(&server.url).unwrap();
    let question = Question::call(HEALTH, &HealthCheckRequest::default());
    let mut answer = question.send(to).unwrap();
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap();
    assert!(kind.starts_with("application/grpc-web"), "{kind}");
    assert!(answer.header("x-request-id").is_some());
    assert!(answer.header("access-control-allow-origin").is_none());
    let Some(Frame::Message(message)) = answer.frame().unwrap() else {
        unreachable!("no message");
    };
    assert_eq!(HealthCheckResponse::decode(&message[..]).unwrap().status, 1);
    let Some(Frame::Trailers(trailers)) = answer.frame().unwrap() else {
        unreachable!("no trailers");
    };
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
    assert_eq!(answer.frame().unwrap(), None);
}

#[test]
fn errors_come_with_their_code_words_and_details() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(
        folder.path(),
        &["--set", "server.metrics_listen=127.0.0.1:0"],
    );
    let server = server.unwrap();
    let to = address(&server.url).unwrap();
    let model = DescribeGateRequest {
        model: "nothing".to_owned(),
    };
    let answer = Question::call(GATE, &model).send(to).unwrap();
    let (messages, status, words) = answer.outcome().unwrap();
    assert_eq!((messages.len(), status.as_str()), (0, "5"));
    assert!(words.contains("nothing"), "{words}");
    let nobody = Question::call("/openassay.none.v1.None/Do", &());
    let (_, status, _) = nobody.send(to).unwrap().outcome().unwrap();
    assert_ne!(status, "0");
    // They are counted as every other request.
    let metrics = Metrics::read(&server.metrics_address().unwrap()).unwrap();
    let counted = "openassay_rpc_requests_total{service=\"openassay.gate.v1.GateService\",\
                   method=\"DescribeGate\",code=\"NOT_FOUND\"}";
    assert!(metrics.get(counted) >= 1.0, "{metrics:?}");
}

#[test]
fn a_stream_comes_event_by_event() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection::simulate(folder, 3, 1).unwrap();
    let server = Server::start(folder, &[]).unwrap();
    let submit = [
        "submit",
        "train",
        "--manifest",
        "data/manifest.csv",
        "--model",
        "cnn1d",
        "--json",
        "--epochs",
        "100000",
        "--lr-bounds",
        "0.001,0.01",
        "--validation",
        "none",
    ];
    let job = server.run(folder, &submit).unwrap();
    let job: serde_json::Value = serde_json::from_str(&job).unwrap();
    let id = job["id"].as_str().unwrap().to_owned();
    let to = address(&server.url).unwrap();
    let watch = WatchRequest {
        id: id.clone(),
        after_sequence: 0,
    };
    let mut watching = Question::call(WATCH, &watch).send(to).unwrap();
    // It runs for longer than this test, so what comes does not wait for its end.
    for expected in 1..=3 {
        let Some(Frame::Message(message)) = watching.frame().unwrap() else {
            unreachable!("the stream has ended");
        };
        let event = WatchResponse::decode(&message[..]).unwrap();
        assert_eq!(event.sequence, expected);
    }
    let late = Question::call(WATCH, &watch).header("grpc-timeout", "300m");
    let (messages, status, _) = late.send(to).unwrap().outcome().unwrap();
    assert_eq!(status, "4", "behind what came in time");
    assert!(messages.len() >= 3);
    server.run(folder, &["jobs", "cancel", &id]).unwrap();
    let (_, status, _) = watching.outcome().unwrap();
    assert_eq!(status, "0");
}

#[test]
fn tokens_and_roles_hold_as_for_every_other_caller() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let instrument = tokens::new(folder, "lab", "instrument").unwrap();
    let analyst = tokens::new(folder, "anna", "analyst").unwrap();
    let access = format!("access.tokens={FILE}");
    let server = Server::start(folder, &["--set", &access]).unwrap();
    let to = address(&server.url).unwrap();
    let list = ListRequest {
        lane: Lane::Train.into(),
        ..ListRequest::default()
    };
    let ask = |authorization: Option<String>| {
        let question = Question::call(LIST, &list);
        let question = match authorization {
            Some(word) => question.header("authorization", word),
            None => question,
        };
        question.send(to).unwrap().outcome().unwrap().1
    };
    assert_eq!(ask(None), "16");
    assert_eq!(ask(Some(bearer("openassay_nonsense"))), "16");
    assert_eq!(ask(Some(bearer(&instrument))), "7");
    assert_eq!(ask(Some(bearer(&analyst))), "0");
    // Pages ask for the token themselves, so they are open.
    assert_eq!(Question::get("/").send(to).unwrap().status, 200);
}
