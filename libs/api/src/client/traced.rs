//! A connection whose calls belong to the trace of whoever calls: each is a span of its own, and
//! the service is told its place.

use assay_trace::{Place, STEP, TRACE_PARENT, TRACE_STATE};
use http::{HeaderMap, HeaderValue, Request, Response};
use std::{
    fmt::Display,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Code, Status};
use tower::Service;
use tracing::{Instrument, Span};

/// A connection with the caller's trace.
#[derive(Debug, Clone)]
pub struct Traced<S>(pub S);

impl<S, A, B> Service<Request<A>> for Traced<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Display,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let span = span(request.uri().path());
        let place = span.in_scope(assay_trace::current);
        // What belongs to no trace, such as asking for work again and again, begins none either.
        let place = place.unwrap_or_else(|| Place::below(None));
        tell(&place, request.headers_mut());
        let answer = self.0.call(request).instrument(span.clone());
        Box::pin(async move {
            let answer = answer.await;
            match &answer {
                Ok(answer) => ended(&span, answer.headers()),
                Err(error) => assay_trace::failed(&span, error.to_string()),
            }
            answer
        })
    }
}

/// The span of a call, from its path such as `/openassay.gate.v1.GateService/Identify` until the
/// answer begins.
fn span(path: &str) -> Span {
    let names = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    let (service, method) = names.unwrap_or_default();
    tracing::debug_span!(target: STEP, "call", rpc.service = service, rpc.method = method)
}

fn tell(place: &Place, headers: &mut HeaderMap) {
    let texts = [
        (TRACE_PARENT, place.trace_parent()),
        (TRACE_STATE, place.trace_state()),
    ];
    for (name, text) in texts {
        match HeaderValue::try_from(text) {
            Ok(value) if !value.is_empty() => {
                headers.insert(name, value);
            }
            _ => {
                headers.remove(name);
            }
        }
    }
}

/// An answer without a message says in its headers how it ended.
fn ended(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() {
        return;
    }
    if let Some(status) = Status::from_header_map(headers) {
        let code = status.code();
        assay_trace::tell(span, "rpc.grpc.status_code", i64::from(code as i32));
        if code != Code::Ok {
            assay_trace::failed(span, status.message());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
    };
    use tower::{ServiceExt, service_fn};

    #[tokio::test]
    async fn a_call_of_no_trace_names_one_that_is_not_recorded() {
        let told = Arc::new(Mutex::new(HeaderMap::new()));
        let hears = Arc::clone(&told);
        let service = service_fn(move |request: Request<()>| {
            *hears.lock().unwrap() = request.headers().clone();
            async { Ok::<_, Infallible>(Response::new(())) }
        });
        let request = Request::get("/a.v1.A/Do").header(TRACE_STATE, "a=1");
        let request = request.body(()).unwrap();
        Traced(service).oneshot(request).await.unwrap();
        let headers = told.lock().unwrap();
        let parent = headers[TRACE_PARENT].to_str().unwrap();
        assert!(!Place::parse(parent, None).unwrap().may_be_recorded());
        assert!(!headers.contains_key(TRACE_STATE));
    }
}
