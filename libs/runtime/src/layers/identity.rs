//! Who a request is: its id, the caller's or a new one, and its place in a trace (W3C Trace
//! Context, level 1).

use super::call::Call;
use crate::request::{REQUEST_ID, TRACE_PARENT};
use http::{HeaderMap, HeaderValue, Request};
use tracing::Span;
use uuid::Uuid;

/// Longest id that is taken from a caller.
const LONGEST_ID: usize = 128;

/// The identity of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    request: HeaderValue,
    trace: Trace,
}

/// A place in a trace, in lower-case hexadecimal digits as on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trace {
    id: String,
    /// The caller's span.
    parent: Option<String>,
    /// Ours.
    span: String,
    flags: String,
}

impl Identity {
    /// Reads or makes it, and leaves it in the metadata for the handler: the trace with our span,
    /// so that what is passed on names its real parent.
    pub(super) fn of<B>(request: &mut Request<B>) -> Self {
        let headers = request.headers_mut();
        let id = headers
            .get(REQUEST_ID)
            .filter(|id| usable(id))
            .cloned()
            .unwrap_or_else(|| header(&Uuid::now_v7().to_string()));
        let trace = headers
            .get(TRACE_PARENT)
            .and_then(|text| Trace::parse(text.to_str().ok()?))
            .unwrap_or_else(Trace::begin);
        headers.insert(REQUEST_ID, id.clone());
        headers.insert(TRACE_PARENT, header(&trace.to_string()));
        Self { request: id, trace }
    }

    /// The span of the request.
    pub(super) fn span(&self, call: &Call) -> Span {
        tracing::info_span!(
            "request",
            request.id = self.request.to_str().unwrap_or_default(),
            rpc.service = call.service,
            rpc.method = call.method,
            trace.id = self.trace.id,
            trace.parent = self.trace.parent,
            trace.span = self.trace.span,
        )
    }

    /// Writes the id into the metadata of the answer.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request.clone());
    }
}

fn usable(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=LONGEST_ID).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

/// Ids and traces of ours are visible ASCII.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unreadable"))
}

impl Trace {
    /// `version-trace-parent-flags`; later versions may append fields.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let mut next = |length: usize| {
            fields.next().filter(|field| {
                field.len() == length
                    && field
                        .bytes()
                        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            })
        };
        let (version, id, parent, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let more = fields.next().is_some();
        let nothing = |field: &str| field.bytes().all(|b| b == b'0');
        if version == "ff" || (version == "00" && more) || nothing(id) || nothing(parent) {
            return None;
        }
        Some(Self {
            id: id.to_owned(),
            parent: Some(parent.to_owned()),
            span: new_span(),
            flags: flags.to_owned(),
        })
    }

    /// A trace that begins here and that nobody has asked to record.
    fn begin() -> Self {
        Self {
            id: Uuid::now_v7().simple().to_string(),
            parent: None,
            span: new_span(),
            flags: "00".to_owned(),
        }
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "00-{}-{}-{}", self.id, self.span, self.flags)
    }
}

/// The half of an id that holds its random bits and is never zero.
fn new_span() -> String {
    Uuid::now_v7().simple().to_string().split_off(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_goes_on_with_a_span_of_ours() {
        let mut request = Request::new(());
        request
            .headers_mut()
            .insert(TRACE_PARENT, HeaderValue::from_static(PARENT));
        let identity = Identity::of(&mut request);
        assert_eq!(identity.trace.id, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(identity.trace.parent.as_deref(), Some("b7ad6b7169203331"));
        let passed_on = request.headers()[TRACE_PARENT].to_str().unwrap();
        assert!(passed_on.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        assert!(passed_on.ends_with(&format!("-{}-01", identity.trace.span)));
        assert_ne!(identity.trace.span, "b7ad6b7169203331");
    }

    #[test]
    fn what_is_no_trace_begins_a_new_one() {
        for wrong in [
            "",
            "00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert_eq!(Trace::parse(wrong), None, "{wrong}");
        }
        assert!(Trace::parse(&format!("{}-more", PARENT.replacen("00", "01", 1))).is_some());
        assert_eq!(
            Trace::parse(&Trace::begin().to_string()).map(|trace| trace.flags),
            Some("00".to_owned())
        );
    }

    #[test]
    fn an_id_is_kept_only_when_it_can_be_shown() {
        let id = |text: &str| {
            let mut request = Request::new(());
            request.headers_mut().insert(
                REQUEST_ID,
                HeaderValue::from_bytes(text.as_bytes()).unwrap(),
            );
            Identity::of(&mut request).request
        };
        assert_eq!(id("run-7"), "run-7");
        for wrong in ["", "two words", "ä", &"x".repeat(129)] {
            let made = id(wrong);
            assert!(Uuid::parse_str(made.to_str().unwrap()).is_ok(), "{wrong}");
        }
    }
}
