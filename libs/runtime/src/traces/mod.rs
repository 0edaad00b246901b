//! The traces of this process: which spans are kept, whether they are recorded, and where they go.
//! Without a destination only the spans at which a trace is taken up have a place, so that logs and
//! calls name it, and no other costs anything.

mod convention;
mod destination;
mod export;
mod layers;
mod sampling;

pub(crate) use destination::fault;
pub use layers::{Steps, lines};

use crate::error::RuntimeError;
use assay_trace::{ENTRIES, ITEM, STEP};
use destination::Destination;
use export::Export;
use opentelemetry::{
    KeyValue,
    trace::{SpanId, TraceId, TracerProvider},
};
use opentelemetry_sdk::{
    Resource,
    resource::{EnvResourceDetector, ResourceDetector},
    trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider},
};
use sampling::Deciding;
use std::{env, time::Duration};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};
use uuid::Uuid;

/// Longest time that is kept back of the grace for the last spans; at most a quarter of it.
const LONGEST_FLUSH: Duration = Duration::from_secs(5);
/// Name of a process that wins over ours.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// How traces are kept.
#[derive(Debug, Clone, Copy)]
pub struct TraceOptions<'a> {
    /// Name of the program.
    pub program: &'static str,
    /// Where spans go, before what the environment says; empty: nowhere.
    pub endpoint: Option<&'a str>,
    /// Share of the traces that begin here and are recorded, 0 to 1.
    pub ratio: f64,
}

/// The traces of this process.
pub struct Traces {
    provider: SdkTracerProvider,
    export: Option<Export>,
    /// What is to be said once there are logs.
    note: Option<String>,
}

impl Traces {
    /// Reads where spans go and begins to take them.
    ///
    /// # Errors
    /// When the environment names a destination that cannot be used.
    pub fn start(options: TraceOptions<'_>) -> Result<Self, RuntimeError> {
        let variable = |name: &str| env::var(name).ok();
        let (endpoint, note) = match destination::find(options.endpoint, variable)? {
            Destination::None => (None, None),
            Destination::Refused(note) => (None, Some(note)),
            Destination::Collector(endpoint) => {
                let note = format!("spans go to {}", endpoint.uri());
                (Some(endpoint), Some(note))
            }
        };
        let ratio = endpoint.is_some().then_some(options.ratio);
        let provider = SdkTracerProvider::builder()
            .with_id_generator(Planned::default())
            .with_sampler(Deciding::new(ratio));
        let Some(endpoint) = endpoint else {
            return Ok(Self {
                provider: provider
                    .with_resource(Resource::builder_empty().build())
                    .build(),
                export: None,
                note,
            });
        };
        let resource = resource(options.program);
        let (queue, export) = export::start(*endpoint, &resource)?;
        Ok(Self {
            provider: provider
                .with_resource(resource)
                .with_span_processor(queue)
                .build(),
            export: Some(export),
            note,
        })
    }

    /// What keeps the spans' places and records the spans.
    #[must_use]
    pub fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let exports = self.exports();
        let filter = filter_fn(move |metadata| keeps(metadata, exports))
            .with_max_level_hint(tracing::level_filters::LevelFilter::DEBUG);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("openassay"))
            // A span is entered in every thread that goes on with its work, and begins only once.
            .with_context_activation(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_error_events_to_status(false)
            .with_error_events_to_exceptions(false)
            .with_filter(filter)
            .boxed()
    }

    /// Whether spans go anywhere.
    #[must_use]
    pub const fn exports(&self) -> bool {
        self.export.is_some()
    }

    /// Tells the log where spans go. Call it once there are logs.
    pub fn announce(&self) {
        if let Some(note) = &self.note {
            tracing::info!("{note}");
        }
    }

    /// What of the time to end is kept back for the last spans.
    #[must_use]
    pub fn share_of(&self, grace: Duration) -> Duration {
        match self.exports() {
            true => (grace / 4).min(LONGEST_FLUSH),
            false => Duration::ZERO,
        }
    }

    /// Sends what was recorded, for this long at most; spans that end later are lost. Blocks.
    pub fn end(self, within: Duration) {
        if let Some(export) = self.export {
            export.end(within);
        }
    }
}

impl std::fmt::Debug for Traces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traces")
            .field("exports", &self.exports())
            .finish_non_exhaustive()
    }
}

/// Whether a span has a place, or an event belongs to its span. Of other people's crates none do,
/// those that send the spans among them.
fn keeps(metadata: &Metadata<'_>, exports: bool) -> bool {
    let (name, target) = (metadata.name(), metadata.target());
    if !target.starts_with("assay_") && !target.starts_with("openassay") {
        return false;
    }
    match metadata.is_span() {
        true => ENTRIES.contains(&name) || (target == STEP && (exports || name == ITEM)),
        false => exports && *metadata.level() <= Level::INFO,
    }
}

/// What this process is, as the environment completes or corrects it.
fn resource(program: &'static str) -> Resource {
    let own = Resource::builder_empty()
        .with_service_name(program)
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", Uuid::now_v7().to_string()),
        ]);
    let environment: Box<dyn ResourceDetector> = Box::new(EnvResourceDetector::new());
    let resource = own.with_detector(environment);
    match env::var(SERVICE_NAME).ok().filter(|name| !name.is_empty()) {
        Some(name) => resource.with_service_name(name).build(),
        None => resource.build(),
    }
}

/// Ids of spans: what the log was told already, where it was.
#[derive(Debug, Default)]
struct Planned(RandomIdGenerator);

impl IdGenerator for Planned {
    fn new_trace_id(&self) -> TraceId {
        let planned = assay_trace::planned().map(|(trace, _)| trace);
        planned.unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        let planned = assay_trace::planned().map(|(_, span)| span);
        planned.unwrap_or_else(|| self.0.new_span_id())
    }
}
