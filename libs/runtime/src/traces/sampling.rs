//! Which spans are recorded: those whose parent is, and a share of the traces that begin here.

use crate::layers::WATCHING;
use assay_trace::{ENTRIES, decided, is_undecided, undecided};
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// Decides for each span.
#[derive(Debug, Clone)]
pub(super) struct Deciding {
    /// What decides about traces that begin here; `None` where nothing is exported.
    share: Option<Sampler>,
}

impl Deciding {
    /// `ratio`: share of the traces that begin here and are recorded; `None`: spans go nowhere.
    pub(super) fn new(ratio: Option<f64>) -> Self {
        Self {
            share: ratio.map(Sampler::TraceIdRatioBased),
        }
    }

    /// Records the share, by the trace's id: every process with the same ratio decides the same.
    fn by_share(&self, trace: TraceId, state: &TraceState) -> SamplingResult {
        let Some(share) = &self.share else {
            return result(SamplingDecision::Drop, undecided(state));
        };
        let sampled = share.should_sample(None, trace, "", &SpanKind::Internal, &[], &[]);
        result(sampled.decision, decided(state))
    }
}

impl ShouldSample for Deciding {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        _kind: &SpanKind,
        attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span().span_context().clone());
        match parent.filter(|parent| parent.is_valid()) {
            Some(parent) if parent.is_sampled() => result(
                SamplingDecision::RecordAndSample,
                parent.trace_state().clone(),
            ),
            Some(parent) if is_undecided(parent.trace_state()) => {
                self.by_share(trace, parent.trace_state())
            }
            Some(parent) => result(SamplingDecision::Drop, parent.trace_state().clone()),
            None if begins_a_trace(name, attributes) => self.by_share(trace, &TraceState::NONE),
            None => result(SamplingDecision::Drop, TraceState::NONE),
        }
    }
}

/// Whether a span without a parent is worth a trace: not the steps of work that nobody asked for,
/// such as the search for lost jobs, and not those who look every few seconds whether we live.
fn begins_a_trace(name: &str, attributes: &[KeyValue]) -> bool {
    let service = attributes.iter().find(|a| a.key.as_str() == "rpc.service");
    let watches = service.is_some_and(|a| WATCHING.contains(&a.value.as_str().as_ref()));
    ENTRIES.contains(&name) && !watches
}

fn result(decision: SamplingDecision, trace_state: TraceState) -> SamplingResult {
    SamplingResult {
        decision,
        attributes: Vec::new(),
        trace_state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags};
    use std::str::FromStr;

    fn parent(flags: TraceFlags, state: &str) -> Context {
        let state = TraceState::from_str(state).unwrap();
        let (trace, span) = (TraceId::from(7), SpanId::from(7));
        let place = SpanContext::new(trace, span, flags, true, state);
        Context::new().with_remote_span_context(place)
    }

    fn asked(ratio: Option<f64>, parent: Option<&Context>, name: &str) -> (bool, String) {
        let decided = Deciding::new(ratio).should_sample(
            parent,
            TraceId::from(7),
            name,
            &SpanKind::Internal,
            &[],
            &[],
        );
        let recorded = decided.decision == SamplingDecision::RecordAndSample;
        (recorded, decided.trace_state.header())
    }

    #[test]
    fn the_parent_decides_whatever_the_ratio() {
        let sampled = parent(TraceFlags::SAMPLED, "a=1");
        let not = parent(TraceFlags::default(), "a=1");
        for ratio in [None, Some(0.0), Some(1.0)] {
            let a = "a=1".to_owned();
            assert_eq!(asked(ratio, Some(&sampled), "request"), (true, a.clone()));
            assert_eq!(asked(ratio, Some(&not), "request"), (false, a));
        }
    }

    #[test]
    fn a_trace_that_begins_here_is_decided_by_the_ratio() {
        assert_eq!(asked(Some(1.0), None, "request"), (true, String::new()));
        assert_eq!(asked(Some(0.0), None, "request"), (false, String::new()));
        assert_eq!(asked(Some(1.0), None, "a step"), (false, String::new()));
    }

    #[test]
    fn who_exports_nothing_leaves_the_decision_to_others() {
        let (recorded, state) = asked(None, None, "command");
        assert!(!recorded && !state.is_empty());
        let from_there = parent(TraceFlags::default(), &format!("a=1,{state}"));
        let passed_on = asked(None, Some(&from_there), "request");
        assert!(
            !passed_on.0 && passed_on.1.contains(&state),
            "{passed_on:?}"
        );
        for (ratio, recorded) in [(1.0, true), (0.0, false)] {
            let decided = asked(Some(ratio), Some(&from_there), "request");
            assert_eq!(decided, (recorded, "a=1".to_owned()));
        }
    }

    #[test]
    fn questions_whether_we_live_begin_no_trace() {
        let health = [KeyValue::new("rpc.service", "grpc.health.v1.Health")];
        let ours = [KeyValue::new(
            "rpc.service",
            "openassay.gate.v1.GateService",
        )];
        assert!(!begins_a_trace("request", &health));
        assert!(begins_a_trace("request", &ours));
    }
}
