//! Spans of tracing and their places. What keeps places is the layer that the runtime puts into
//! the subscriber; where there is none, as in tests of single crates, a place is what was planned.

use crate::Place;
use opentelemetry::{
    Value,
    trace::{SpanId, Status, TraceId},
};
use std::cell::Cell;
use tracing::{Span, dispatcher, span::Id};
use tracing_opentelemetry::{OpenTelemetrySpanExt, get_otel_context};
use tracing_subscriber::{Registry, registry::LookupSpan};

thread_local! {
    static PLANNED: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// Begins a span that goes on from a place elsewhere, or begins a trace. `make` is told the place
/// that the span will have, so that its fields can tell it too, and makes the span without a
/// parent.
#[must_use]
pub fn begin(parent: Option<&Place>, make: impl FnOnce(&Place) -> Span) -> (Span, Place) {
    let plan = Place::below(parent);
    let span = make(&plan);
    if let Some(parent) = parent {
        adopt(&span, parent);
    }
    PLANNED.set(Some(plan.ids()));
    let begun = span.context();
    PLANNED.set(None);
    (span, Place::of(&begun).unwrap_or(plan))
}

/// The ids of the span that is being begun on this thread, for what gives spans their ids.
#[must_use]
pub fn planned() -> Option<(TraceId, SpanId)> {
    PLANNED.get()
}

/// Gives a span that has no children yet its parent elsewhere.
pub fn adopt(span: &Span, parent: &Place) {
    if !span.is_disabled() {
        // Where nobody keeps traces nobody can be told.
        let _ = span.set_parent(parent.context());
    }
}

/// The place of the current span, or of the nearest one around it that has a place.
#[must_use]
pub fn current() -> Option<Place> {
    dispatcher::get_default(|dispatch| {
        let current = dispatch.current_span();
        let registry = dispatch.downcast_ref::<Registry>()?;
        let place = |id: &Id| Place::of(&get_otel_context(id, dispatch)?);
        let mut around = registry.span(current.id()?)?.scope();
        around.find_map(|span| place(&span.id()))
    })
}

/// Says something about a span to whoever records it, and not to the log.
pub fn tell(span: &Span, key: &'static str, value: impl Into<Value>) {
    span.set_attribute(key, value);
}

/// Says that what a span stands for failed.
pub fn failed(span: &Span, reason: impl Into<String>) {
    let reason: String = reason.into();
    span.set_status(Status::error(reason));
}
