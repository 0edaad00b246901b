//! The place of one span, as it travels: W3C Trace Context, level 1.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    str::FromStr,
};

/// Name of a place in metadata.
pub const TRACE_PARENT: &str = "traceparent";
/// Name of what vendors add to it.
pub const TRACE_STATE: &str = "tracestate";

/// What a process that exports nothing adds to a trace that begins with it. It cannot decide
/// whether the trace is recorded: the first process that exports does, by its own ratio. To
/// everybody else the trace is one that is not recorded.
const UNDECIDED: (&str, &str) = ("openassay", "undecided");

/// The place of a span: its trace, itself, and whether the trace is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(SpanContext);

impl Place {
    /// Reads `version-trace-parent-flags`, to which later versions may append fields. `None` for
    /// what is none.
    #[must_use]
    pub fn parse(trace_parent: &str, trace_state: Option<&str>) -> Option<Self> {
        let mut fields = trace_parent.split('-');
        let mut next = |length: usize| {
            fields.next().filter(|field| {
                field.len() == length
                    && field
                        .bytes()
                        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            })
        };
        let (version, trace, parent, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let more = fields.next().is_some();
        if version == "ff" || (version == "00" && more) {
            return None;
        }
        let trace = TraceId::from_hex(trace).ok()?;
        let parent = SpanId::from_hex(parent).ok()?;
        // What other flags mean nobody knows, so they end here.
        let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
        let state = trace_state.and_then(|text| TraceState::from_str(text).ok());
        let place = SpanContext::new(trace, parent, flags, true, state.unwrap_or_default());
        place.is_valid().then_some(Self(place))
    }

    /// The place of a span that nobody keeps, below another or at the beginning of a trace that
    /// nobody records.
    #[must_use]
    pub fn below(parent: Option<&Self>) -> Self {
        let span = SpanId::from(random());
        Self(match parent {
            Some(Self(parent)) => SpanContext::new(
                parent.trace_id(),
                span,
                parent.trace_flags(),
                false,
                parent.trace_state().clone(),
            ),
            None => {
                let trace = TraceId::from(u128::from(random()) << 64 | u128::from(random()));
                SpanContext::new(trace, span, TraceFlags::default(), false, TraceState::NONE)
            }
        })
    }

    /// The same place in the same trace, whose further spans are not recorded.
    #[must_use]
    pub(crate) fn muted(&self) -> Self {
        Self(SpanContext::new(
            self.0.trace_id(),
            self.0.span_id(),
            TraceFlags::default(),
            true,
            decided(self.0.trace_state()),
        ))
    }

    pub(crate) fn ids(&self) -> (TraceId, SpanId) {
        (self.0.trace_id(), self.0.span_id())
    }

    pub(crate) fn of(context: &Context) -> Option<Self> {
        let place = context.span().span_context().clone();
        place.is_valid().then_some(Self(place))
    }

    /// A context in which spans have this one as their parent.
    pub(crate) fn context(&self) -> Context {
        Context::new().with_remote_span_context(self.0.clone())
    }

    /// The trace, in 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.0.trace_id().to_string()
    }

    /// The span, in 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        self.0.span_id().to_string()
    }

    /// Whether spans below it may be recorded.
    #[must_use]
    pub fn may_be_recorded(&self) -> bool {
        self.0.is_sampled() || is_undecided(self.0.trace_state())
    }

    /// As `traceparent` has it.
    #[must_use]
    pub fn trace_parent(&self) -> String {
        let flags = self.0.trace_flags().to_u8();
        format!("00-{}-{}-{flags:02x}", self.0.trace_id(), self.0.span_id())
    }

    /// As `tracestate` has it; empty when there is nothing to say.
    #[must_use]
    pub fn trace_state(&self) -> String {
        self.0.trace_state().header()
    }
}

/// Whether whoever began the trace left it to others to record it.
#[must_use]
pub fn is_undecided(state: &TraceState) -> bool {
    state.get(UNDECIDED.0) == Some(UNDECIDED.1)
}

/// The same state with the decision left to others.
#[must_use]
pub fn undecided(state: &TraceState) -> TraceState {
    let (key, value) = UNDECIDED;
    state.insert(key, value).unwrap_or_default()
}

/// The same state once somebody has decided.
#[must_use]
pub fn decided(state: &TraceState) -> TraceState {
    match is_undecided(state) {
        true => state.delete(UNDECIDED.0).unwrap_or_default(),
        false => state.clone(),
    }
}

/// Never zero, which would be no id.
fn random() -> u64 {
    loop {
        // Its keys are random for each process and differ for each of them.
        let number = RandomState::new().build_hasher().finish();
        if number != 0 {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_place_is_written_as_it_was_read() {
        let place = Place::parse(PARENT, Some("a=1,b=2")).unwrap();
        assert_eq!(place.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(place.span_id(), "b7ad6b7169203331");
        assert_eq!(place.trace_parent(), PARENT);
        assert_eq!(place.trace_state(), "a=1,b=2");
        assert!(place.may_be_recorded());
        let not = Place::parse(&PARENT.replace("-01", "-00"), None).unwrap();
        assert!(!not.may_be_recorded());
        assert_eq!(not.trace_state(), "");
    }

    #[test]
    fn what_is_no_place_is_none() {
        for wrong in [
            "",
            "00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert_eq!(Place::parse(wrong, None), None, "{wrong}");
        }
        let later = format!("{}-more", PARENT.replacen("00", "01", 1));
        assert_eq!(Place::parse(&later, None).unwrap().trace_parent(), PARENT);
        let flags = PARENT.replace("-01", "-ff");
        assert_eq!(Place::parse(&flags, None).unwrap().trace_parent(), PARENT);
        let state = Place::parse(PARENT, Some("no state")).unwrap();
        assert_eq!(state.trace_state(), "");
    }

    #[test]
    fn a_place_below_stays_in_its_trace_and_a_new_one_is_not_recorded() {
        let above = Place::parse(PARENT, Some("a=1")).unwrap();
        let below = Place::below(Some(&above));
        assert_eq!(below.trace_id(), above.trace_id());
        assert_ne!(below.span_id(), above.span_id());
        assert!(below.may_be_recorded());
        assert_eq!(below.trace_state(), "a=1");
        let first = Place::below(None);
        assert!(!first.may_be_recorded());
        assert_ne!(first.trace_id(), Place::below(None).trace_id());
        let again = Place::parse(&first.trace_parent(), None).unwrap();
        assert_eq!(again.trace_id(), first.trace_id());
    }

    #[test]
    fn an_undecided_trace_may_be_recorded_until_it_is_muted() {
        let state = undecided(&TraceState::from_str("a=1").unwrap());
        assert!(is_undecided(&state));
        let place = Place::parse(&PARENT.replace("-01", "-00"), Some(&state.header())).unwrap();
        assert!(place.may_be_recorded());
        let muted = place.muted();
        assert!(!muted.may_be_recorded());
        assert_eq!(muted.trace_state(), "a=1");
        assert_eq!(muted.span_id(), place.span_id());
    }
}
