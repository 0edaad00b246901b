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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::{TraceOptions, Traces};
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };
    use tracing::{Span, debug_span, info, info_span};
    use tracing_subscriber::{fmt::format::JsonFields, layer::SubscriberExt};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged by some work of a process whose spans go there; nobody listens.
    fn logged(endpoint: &str, work: impl FnOnce()) -> Vec<serde_json::Value> {
        let traces = Traces::start(TraceOptions {
            program: "test",
            endpoint: Some(endpoint),
            ratio: 1.0,
        });
        let (traces, written) = (traces.unwrap(), Written::default());
        let writer = written.clone();
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .with_writer(move || writer.clone());
        let lines = Steps::<JsonFields>::new().and_then(lines);
        let filter = super::lines(EnvFilter::new("info"), traces.exports());
        let subscriber = tracing_subscriber::registry()
            .with(traces.layer())
            .with(lines.with_filter(filter));
        tracing::subscriber::with_default(subscriber, work);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn request() -> Span {
        info_span!(parent: None, "request", request.id = "r7")
    }

    #[test]
    fn a_line_tells_the_request_also_where_only_the_step_is_known() {
        let lines = logged("http://127.0.0.1:1", || {
            let step = request().in_scope(|| debug_span!(target: STEP, "blobs.get"));
            let inner = step.in_scope(|| debug_span!(target: STEP, "inner"));
            inner.in_scope(|| info!("read"));
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["span"]["request.id"], "r7", "{}", lines[0]);
    }

    #[test]
    fn without_a_destination_steps_are_off_and_items_are_quiet_in_lines() {
        let lines = logged("", || {
            request().in_scope(|| {
                assert!(debug_span!(target: STEP, "blobs.get").is_disabled());
                let place = assay_trace::current().unwrap();
                assert!(place.may_be_recorded(), "the next process may");
                assay_trace::item(1).in_scope(|| info!("first"));
                assay_trace::item(3).in_scope(|| {
                    assert!(!assay_trace::current().unwrap().may_be_recorded());
                    info!("third");
                });
            });
        });
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert_eq!(line["span"]["request.id"], "r7", "{line}");
        }
    }
}
