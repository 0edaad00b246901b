//! Who a request is: its id, the caller's or a new one, and its place in a trace (W3C Trace
//! Context, level 1).

use super::call::Call;
use crate::request::REQUEST_ID;
use assay_trace::{Place, TRACE_PARENT, TRACE_STATE};
use http::{HeaderMap, HeaderValue, Request};
use tracing::Span;
use uuid::Uuid;

/// Longest id that is taken from a caller.
const LONGEST_ID: usize = 128;

/// The identity of one request: its id, and a span that goes on with the caller's trace.
#[derive(Debug)]
pub(super) struct Identity {
    request: HeaderValue,
    span: Span,
}

impl Identity {
    /// Reads or makes it, and leaves it in the metadata for the handler: the trace with our span,
    /// so that what is passed on names its real parent.
    pub(super) fn of<B>(request: &mut Request<B>, call: &Call) -> Self {
        let headers = request.headers_mut();
        let id = headers
            .get(REQUEST_ID)
            .filter(|id| usable(id))
            .cloned()
            .unwrap_or_else(|| header(&Uuid::now_v7().to_string()));
        let caller = caller(headers);
        let (span, place) = assay_trace::begin(caller.as_ref(), |place| {
            tracing::info_span!(
                parent: None,
                "request",
                request.id = id.to_str().unwrap_or_default(),
                rpc.service = call.service,
                rpc.method = call.method,
                trace.id = place.trace_id(),
                trace.parent = caller.as_ref().map(Place::span_id),
                trace.span = place.span_id(),
            )
        });
        headers.insert(REQUEST_ID, id.clone());
        headers.insert(TRACE_PARENT, header(&place.trace_parent()));
        match place.trace_state() {
            state if state.is_empty() => headers.remove(TRACE_STATE),
            state => headers.insert(TRACE_STATE, header(&state)),
        };
        Self { request: id, span }
    }

    /// The span of the request.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Writes the id into the metadata of the answer.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request.clone());
    }
}

/// The caller's place in a trace. What vendors add may come in several lines.
fn caller(headers: &HeaderMap) -> Option<Place> {
    let parent = headers.get(TRACE_PARENT)?.to_str().ok()?;
    let states = headers.get_all(TRACE_STATE).iter();
    let states: Vec<_> = states.filter_map(|state| state.to_str().ok()).collect();
    Place::parse(parent, Some(&states.join(",")))
}

fn usable(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=LONGEST_ID).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

/// Ids and traces of ours are visible ASCII.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unreadable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn identity(request: &mut Request<()>) -> Identity {
        Identity::of(request, &Call::of("/a.v1.A/Do", &[].into()))
    }

    fn passed_on(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut request = Request::new(());
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            request.headers_mut().append(*name, value);
        }
        let _ = identity(&mut request);
        std::mem::take(request.headers_mut())
    }

    #[test]
    fn a_trace_goes_on_with_a_span_of_ours() {
        let headers = passed_on(&[
            (TRACE_PARENT, PARENT),
            (TRACE_STATE, "a=1"),
            (TRACE_STATE, "b=2"),
        ]);
        let parent = headers[TRACE_PARENT].to_str().unwrap();
        assert!(parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        assert!(parent.ends_with("-01") && !parent.contains("b7ad6b7169203331"));
        assert_eq!(headers[TRACE_STATE], "a=1,b=2");
    }

    #[test]
    fn what_is_no_trace_begins_a_new_one() {
        for wrong in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            let headers = passed_on(&[(TRACE_PARENT, wrong), (TRACE_STATE, "a=1")]);
            let begun = headers[TRACE_PARENT].to_str().unwrap();
            let begun = Place::parse(begun, None).unwrap();
            assert!(!begun.trace_id().starts_with("0af7"), "{wrong}");
            assert!(!headers.contains_key(TRACE_STATE), "{wrong}");
        }
    }

    #[test]
    fn an_id_is_kept_only_when_it_can_be_shown() {
        let id = |text: &str| {
            let mut request = Request::new(());
            request.headers_mut().insert(
                REQUEST_ID,
                HeaderValue::from_bytes(text.as_bytes()).unwrap(),
            );
            identity(&mut request).request
        };
        assert_eq!(id("run-7"), "run-7");
        for wrong in ["", "two words", "ä", &"x".repeat(129)] {
            let made = id(wrong);
            assert!(Uuid::parse_str(made.to_str().unwrap()).is_ok(), "{wrong}");
        }
    }
}
