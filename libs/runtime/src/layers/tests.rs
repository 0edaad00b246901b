//! What stands in front of requests, with handlers that are told what to do.

use super::*;
use http_body::{Body as _, Frame};
use std::pin::Pin;
use tokio::sync::mpsc;
use tonic::Code;
use tonic_types::StatusExt;
use tower::{ServiceExt, service_fn};

const NAME: &str = "a.v1.A";

/// A body that never comes.
struct Never;

impl http_body::Body for Never {
    type Data = bytes::Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Status>>> {
        Poll::Pending
    }
}

fn shared() -> Arc<Shared> {
    let config = ServerConfig::default();
    let access = Arc::new(Access::for_everyone());
    Arc::new(Shared::new(&config, [NAME], Ends::default(), access))
}

fn request(service: &str, timeout: Option<&str>) -> Request<Body> {
    let mut request =
        Request::post(format!("/{service}/Do")).header("content-type", "application/grpc");
    if let Some(timeout) = timeout {
        request = request.header(request::TIMEOUT, timeout);
    }
    request.body(Body::new(Never)).unwrap()
}

/// Asks a service whose handler does this.
async fn asked<F>(
    shared: &Arc<Shared>,
    request: Request<Body>,
    handler: impl FnMut(Request<Body>) -> F + Clone + Send + 'static,
) -> Response<Body>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send,
{
    let front = FrontLayer(Arc::clone(shared)).layer(service_fn(handler));
    front.oneshot(request).await.unwrap()
}

async fn frame(body: &mut Body) -> Option<Result<Frame<bytes::Bytes>, Status>> {
    std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
}

fn status(response: &Response<Body>) -> Status {
    Status::from_header_map(response.headers()).unwrap()
}

#[tokio::test]
async fn the_deadline_of_the_caller_ends_a_handler() {
    let shared = shared();
    for timeout in ["0n", "20m"] {
        let request = request(NAME, Some(timeout));
        let answer = asked(&shared, request, |_| std::future::pending()).await;
        assert_eq!(status(&answer).code(), Code::DeadlineExceeded);
    }
    assert_eq!(shared.in_flight(), 0);
}

#[tokio::test]
async fn the_deadline_of_the_caller_ends_an_answer_on_its_way() {
    let shared = shared();
    let begun = |_| async { Ok(Response::new(Body::new(Never))) };
    // The handler answers at once, whatever the machine does meanwhile.
    let mut answer = asked(&shared, request(NAME, Some("1S")), begun).await;
    assert_eq!(shared.in_flight(), 1);
    let last = frame(answer.body_mut()).await.unwrap().unwrap();
    let told = Status::from_header_map(last.trailers_ref().unwrap()).unwrap();
    assert_eq!(told.code(), Code::DeadlineExceeded);
    assert!(frame(answer.body_mut()).await.is_none());
    drop(answer);
    assert_eq!(shared.in_flight(), 0);
}

#[tokio::test]
async fn reading_a_request_ends_with_its_answer() {
    let shared = shared();
    let (tell, mut told) = mpsc::unbounded_channel();
    let keeping = move |request: Request<Body>| {
        tell.send(request.into_body()).unwrap();
        async { Ok(Response::new(Body::new(Never))) }
    };
    let answer = asked(&shared, request(NAME, None), keeping).await;
    let mut body = told.recv().await.unwrap();
    let reading = tokio::spawn(async move { (frame(&mut body).await, body) });
    drop(answer);
    let (read, mut body) = reading.await.unwrap();
    assert_eq!(read.unwrap().unwrap_err().code(), Code::Cancelled);
    assert!(frame(&mut body).await.is_none());
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn requests_that_come_too_late_are_turned_away_and_health_answers() {
    let shared = shared();
    let well = |_| async { Ok(Response::new(Body::empty())) };
    asked(&shared, request(NAME, None), well).await;
    shared.ends().drain.cancel();
    let refused = status(&asked(&shared, request(NAME, None), well).await);
    assert_eq!(refused.code(), Code::Unavailable);
    let reason = refused.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "SHUTTING_DOWN");
    let retry = refused.get_details_retry_info().unwrap();
    assert!(retry.retry_delay.unwrap() > Duration::ZERO);
    let health = request("grpc.health.v1.Health", None);
    let answer = asked(&shared, health, well).await;
    assert!(Status::from_header_map(answer.headers()).is_none());
}
