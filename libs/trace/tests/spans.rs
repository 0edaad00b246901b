//! Spans of a process that keeps traces: their places, and which of many are recorded.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_trace::{Place, STEP, begin, current, item, quiet, step};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use std::sync::{Arc, Mutex};
use tracing::{Span, debug_span, info_span};
use tracing_subscriber::{
    Layer,
    filter::filter_fn,
    layer::{Identity, SubscriberExt},
};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Keeps what is exported.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// Does some work where spans are kept, all but those called `hidden`, and gives them.
fn recorded(work: impl FnOnce()) -> Vec<SpanData> {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone());
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.build().tracer("test"))
        .with_context_activation(false)
        .with_filter(filter_fn(|metadata| metadata.name() != "hidden"));
    // Somebody else, as the log is, wants all of them.
    let subscriber = tracing_subscriber::registry()
        .with(layer)
        .with(Identity::new());
    tracing::subscriber::with_default(subscriber, work);
    std::mem::take(&mut *kept.0.lock().unwrap())
}

fn root(parent: Option<&Place>) -> (Span, Place) {
    begin(parent, |_| info_span!(parent: None, "request"))
}

#[test]
fn a_span_goes_on_from_its_parent_elsewhere() {
    let parent = Place::parse(PARENT, None).unwrap();
    let spans = recorded(|| {
        let (span, place) = root(Some(&parent));
        assert_eq!(place.trace_id(), parent.trace_id());
        assert_eq!(span.in_scope(current), Some(place));
    });
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].parent_span_id.to_string(), parent.span_id());
}

#[test]
fn the_nearest_place_around_is_the_current_one() {
    recorded(|| {
        assert_eq!(current(), None);
        let (span, place) = root(None);
        let hidden = span.in_scope(|| info_span!("hidden"));
        // As in a task that only knows the innermost span.
        assert_eq!(hidden.in_scope(current), Some(place));
    });
}

#[test]
fn of_many_items_ever_fewer_are_recorded_and_none_is_without_its_parent() {
    let spans = recorded(|| {
        let (span, place) = root(None);
        span.in_scope(|| {
            for number in 1..=1000 {
                item(number).in_scope(|| {
                    let inner = debug_span!(target: STEP, "inner");
                    let told = inner.in_scope(current).unwrap();
                    assert_eq!(told.trace_id(), place.trace_id());
                    assert_eq!(told.may_be_recorded(), number.is_power_of_two());
                });
            }
            quiet().in_scope(|| assert!(!current().unwrap().may_be_recorded()));
        });
    });
    let items = spans.iter().filter(|span| span.name == "item").count();
    assert_eq!((items, spans.len()), (10, 21));
    for span in &spans {
        let parent = span.parent_span_id;
        let there = spans.iter().any(|s| s.span_context.span_id() == parent);
        assert_eq!(there, span.name != "request", "{span:?}");
    }
}

#[test]
fn a_step_that_fails_says_so() {
    let spans = recorded(|| {
        let (span, _) = root(None);
        let failing = span.in_scope(|| {
            let span = debug_span!(target: STEP, "failing");
            step(span, async { Err::<(), _>("no room") })
        });
        assert!(futures_done(failing).is_err());
    });
    let failed = spans.iter().find(|span| span.name == "failing").unwrap();
    let status = format!("{:?}", failed.status);
    assert!(status.contains("no room"), "{status}");
}

/// Work that never waits.
fn futures_done<T>(work: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(work).poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => unreachable!("it waits"),
    }
}
