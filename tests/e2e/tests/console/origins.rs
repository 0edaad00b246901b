//! Requests of pages of other sites, and under names that are not the server's.

use assay_api::jobs::SubmitRequest;
use assay_e2e::{
    client::connect,
    http1::{Question, address},
    metrics::Metrics,
    raw::{self, Call},
    server::Server,
};
use tonic::Code;

const SUBMIT: &str = "/openassay.jobs.v1.JobService/Submit";
/// `INVALID_ARGUMENT`: the question came through.
const CAME_THROUGH: &str = "3";
const REFUSED: &str = "7";

fn submit() -> Question {
    Question::call(SUBMIT, &SubmitRequest::default())
}

fn port(to: &str) -> &str {
    to.rsplit_once(':').unwrap().1
}

#[test]
fn a_page_of_another_site_submits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(
        folder.path(),
        &["--set", "server.metrics_listen=127.0.0.1:0"],
    );
    let server = server.unwrap();
    let to = address(&server.url).unwrap();
    let asked = |question: Question| {
        let answer = question.send(to).unwrap();
        let http = answer.status;
        (http, answer.outcome().unwrap().1)
    };
    assert_eq!(asked(submit()), (200, CAME_THROUGH.to_owned()));
    let own = submit().header("origin", &*server.url);
    let own = own.header("sec-fetch-site", "same-origin");
    assert_eq!(asked(own), (200, CAME_THROUGH.to_owned()));
    let localhost = format!("localhost:{}", port(to));
    let by_name = submit().header("host", &*localhost);
    let by_name = by_name.header("origin", format!("http://{localhost}"));
    assert_eq!(asked(by_name), (200, CAME_THROUGH.to_owned()));

    let rebound = format!("evil.example:{}", port(to));
    for (question, http) in [
        (submit().header("origin", "http://evil.example"), 403),
        (submit().header("origin", "null"), 403),
        (submit().header("origin", "http://127.0.0.1:1"), 403),
        (submit().header("sec-fetch-site", "cross-site"), 403),
        (submit().header("sec-fetch-site", "same-site"), 403),
        (submit().header("host", &*rebound), 421),
        (
            submit()
                .header("host", &*rebound)
                .header("origin", format!("http://{rebound}"))
                .header("sec-fetch-site", "same-origin"),
            421,
        ),
    ] {
        assert_eq!(
            asked(question.clone()),
            (http, REFUSED.to_owned()),
            "{question:?}"
        );
    }
    let page = Question::get("/")
        .header("host", &*rebound)
        .send(to)
        .unwrap();
    assert_eq!(page.status, 421);
    let words = String::from_utf8(page.body().unwrap()).unwrap();
    assert!(words.contains("console.hosts"), "{words}");

    // Nobody is told by CORS that they may ask all the same.
    let preflight = Question::get(SUBMIT)
        .method("OPTIONS")
        .header("origin", "http://evil.example")
        .header("access-control-request-method", "POST");
    let preflight = preflight.send(to).unwrap();
    assert!(preflight.status >= 400, "{}", preflight.status);
    assert!(preflight.header("access-control-allow-origin").is_none());
    // Nor does what a form can send without asking come through.
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let form = submit().header("content-type", kind);
        let form = form
            .header("origin", "http://evil.example")
            .send(to)
            .unwrap();
        assert!(form.status >= 400, "{kind}: {}", form.status);
    }
    let metrics = Metrics::read(&server.metrics_address().unwrap()).unwrap();
    for (reason, at_least) in [("origin", 5.0), ("host", 3.0)] {
        let name = format!("openassay_browser_refused_total{{reason=\"{reason}\"}}");
        let counted = metrics.get(&name);
        assert!(counted >= at_least, "{reason}: {counted}");
    }
}

#[test]
fn a_name_from_the_configuration_is_one_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = r#"console.hosts=["lab.example"]"#;
    let server = Server::start(folder.path(), &["--set", hosts]).unwrap();
    let to = address(&server.url).unwrap();
    let named = submit().header("host", "lab.example");
    for (origin, expected) in [
        ("https://lab.example", CAME_THROUGH),
        ("http://lab.example", CAME_THROUGH),
        ("http://lab.example:81", REFUSED),
    ] {
        let answer = named.clone().header("origin", origin).send(to).unwrap();
        assert_eq!(answer.outcome().unwrap().1, expected, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_grpc_is_as_it_was_and_a_switched_off_console_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |server: &Server, origin: Option<&str>| {
        let channel = connect(&server.url).unwrap();
        let call = Call::of(SUBMIT, &SubmitRequest::default());
        let call = match origin {
            Some(origin) => call.header("origin", origin),
            None => call,
        };
        raw::send(&channel, &call).await.unwrap().status.code()
    };
    let server = Server::start(folder.path(), &[]).unwrap();
    assert_eq!(check(&server, None).await, Code::InvalidArgument);
    let refused = check(&server, Some("http://evil.example")).await;
    assert_eq!(refused, Code::PermissionDenied);
    let old = submit().header("content-type", "application/grpc");
    assert_eq!(old.send(address(&server.url).unwrap()).unwrap().status, 505);
    drop(server);

    let off = Server::start(folder.path(), &["--set", "console.enabled=false"]).unwrap();
    assert_eq!(check(&off, None).await, Code::InvalidArgument);
    let web = Call::of(SUBMIT, &SubmitRequest::default());
    let web = web.header("content-type", "application/grpc-web+proto");
    let channel = connect(&off.url).unwrap();
    assert_eq!(raw::send(&channel, &web).await.unwrap().http, 415);
    let page = Question::get("/").send(address(&off.url).unwrap());
    assert!(page.is_err() || page.unwrap().status >= 400);
}
