//! Spans of single steps, which appear in traces and not in logs, and of one item of many.

use crate::{Place, adopt, current, failed};
use std::{fmt::Display, future::Future};
use tracing::{Instrument, Span, debug_span};

/// Target of the spans of steps. Where nothing is exported they are switched off where they are
/// written, and cost nothing.
pub const STEP: &str = "openassay::step";

/// Names of the spans at which a process takes up a trace or begins one. Other spans that stand
/// in no trace are not recorded.
pub const ENTRIES: [&str; 3] = ["request", "job", "command"];

/// Name of the span of an item. It is there where nothing is exported too, so that others are told
/// what not to record.
pub const ITEM: &str = "item";

/// Does the work of a step within its span, and marks the span when it fails.
///
/// # Errors
/// Those of the work.
pub async fn step<T, E: Display>(
    span: Span,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    if span.is_disabled() {
        return work.await;
    }
    let ended = work.instrument(span.clone()).await;
    if let Err(error) = &ended {
        failed(&span, error.to_string());
    }
    ended
}

/// The span of one of many items, by its number from 1. Of a long list few are recorded, the first
/// one and then ever fewer: the 1st, 2nd, 4th, 8th and so on; a data set of a hundred thousand rows
/// would otherwise be a million spans.
#[must_use]
pub fn item(number: usize) -> Span {
    let span = debug_span!(target: STEP, "item", number);
    if !number.is_power_of_two() {
        mute(&span);
    }
    span
}

/// A span below which nothing is recorded; what is called still knows the trace.
#[must_use]
pub fn quiet() -> Span {
    let span = debug_span!(target: STEP, "item");
    mute(&span);
    span
}

fn mute(span: &Span) {
    if let Some(here) = current().filter(Place::may_be_recorded) {
        adopt(span, &here.muted());
    }
}
