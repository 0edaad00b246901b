//! Lines of the log inside of steps: steps belong to traces, and lines tell the request or job that
//! the step is part of.

use super::keeps;
use assay_trace::STEP;
use std::marker::PhantomData;
use tracing::{Subscriber, level_filters::LevelFilter, span};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{FormatFields, FormattedFields},
    layer::{Context, Filter},
    registry::LookupSpan,
};

/// A filter of lines: what the given one lets through, and steps only where they are kept anyway.
pub fn lines<S>(filter: EnvFilter, exports: bool) -> impl Filter<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let is_step = |metadata: &tracing::Metadata<'_>| metadata.target() == STEP;
    let ordinary = filter_fn(move |metadata| !is_step(metadata));
    let kept = filter_fn(move |metadata| is_step(metadata) && keeps(metadata, exports));
    filter
        .and(ordinary.with_max_level_hint(LevelFilter::TRACE))
        .or(kept.with_max_level_hint(LevelFilter::DEBUG))
}

/// Gives steps the fields of the span they are in, before the lines ask for them: a thread that
/// goes on with a step knows no other span.
#[derive(Debug)]
pub struct Steps<N>(PhantomData<fn() -> N>);

impl<N> Steps<N> {
    /// For lines whose fields are formatted so.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<N> Default for Steps<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, N> Layer<S> for Steps<N>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        if attributes.metadata().target() != STEP {
            return;
        }
        let Some(step) = context.span(id) else {
            return;
        };
        let Some(around) = step.parent() else {
            return;
        };
        let fields = around
            .extensions()
            .get::<FormattedFields<N>>()
            .map(|around| around.fields.clone());
        if let Some(fields) = fields {
            step.extensions_mut()
                .insert(FormattedFields::<N>::new(fields));
        }
    }
}
