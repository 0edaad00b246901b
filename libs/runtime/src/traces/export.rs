//! Spans on their way to a collector: a bounded queue, and a thread of its own that empties it. A
//! collector that is slow or away costs spans and nothing else.

use super::convention;
use crate::error::RuntimeError;
use metrics::counter;
use opentelemetry::Context;
use opentelemetry_otlp::{SpanExporter, WithTonicConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter as _, SpanProcessor},
};
use std::{
    mem,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc as threads,
    },
    thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

/// Spans that wait at most.
const QUEUE: usize = 8192;
/// Spans that are sent at once at most.
const BATCH: usize = 512;
/// So long a span waits for others that go with it.
const DELAY: Duration = Duration::from_secs(1);

/// Takes spans as they end, on the threads that do the work.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    overflowed: Arc<AtomicU64>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.try_send(span).is_err() {
            // Nothing is logged here: this may be inside of what logs.
            self.overflowed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// When the last spans are to be sent.
#[derive(Debug, Default)]
struct Ending {
    begun: CancellationToken,
    latest: OnceLock<Instant>,
}

impl Ending {
    /// Waits until there is no more time.
    async fn over(&self) {
        self.begun.cancelled().await;
        if let Some(latest) = self.latest.get() {
            sleep_until(*latest).await;
        }
    }
}

/// The thread that sends spans.
pub(super) struct Export {
    ending: Arc<Ending>,
    ended: threads::Receiver<()>,
}

impl Export {
    /// Sends what waits, for this long at most.
    pub(super) fn end(self, within: Duration) {
        let _ = self.ending.latest.set(Instant::now() + within);
        self.ending.begun.cancel();
        // The thread drops its end. It needs no more time than it was given; if the machine is
        // that busy, the rest is lost.
        let _ = self.ended.recv_timeout(within);
    }
}

/// Begins to send spans.
///
/// # Errors
/// When no thread can be started, or OpenTelemetry's variables cannot be used.
pub(super) fn start(
    endpoint: Endpoint,
    resource: &Resource,
) -> Result<(Queue, Export), RuntimeError> {
    let refuse = |reason: String| RuntimeError::Traces(reason);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| refuse(format!("no thread can be started: {error}")))?;
    let exporter = {
        let _inside = runtime.enter();
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_channel(endpoint.connect_lazy());
        let mut exporter = exporter.build().map_err(|e| refuse(e.to_string()))?;
        exporter.set_resource(resource);
        exporter
    };
    let (spans, received) = mpsc::channel(QUEUE);
    let (alive, ended) = threads::channel();
    let (overflowed, ending) = (Arc::<AtomicU64>::default(), Arc::<Ending>::default());
    let sending = Sending {
        spans: received,
        exporter,
        overflowed: Arc::clone(&overflowed),
        ending: Arc::clone(&ending),
        troubled: false,
    };
    thread::Builder::new()
        .name("trace-export".to_owned())
        .spawn(move || run(runtime, sending, alive))
        .map_err(|error| refuse(format!("no thread can be started: {error}")))?;
    Ok((Queue { spans, overflowed }, Export { ending, ended }))
}

fn run(runtime: Runtime, sending: Sending, alive: threads::Sender<()>) {
    runtime.block_on(sending.run());
    // Looking up a name may block a thread for as long as it likes.
    runtime.shutdown_background();
    drop(alive);
}

struct Sending {
    spans: mpsc::Receiver<SpanData>,
    exporter: SpanExporter,
    overflowed: Arc<AtomicU64>,
    ending: Arc<Ending>,
    /// Whether the last spans were lost.
    troubled: bool,
}

impl Sending {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.gather(&mut batch).await {
            self.send(mem::take(&mut batch)).await;
        }
        loop {
            while batch.len() < BATCH
                && let Ok(span) = self.spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                break;
            }
            self.send(mem::take(&mut batch)).await;
        }
        self.account();
    }

    /// Waits for a span and a while for others; false once the end has begun.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) -> bool {
        let begun = self.ending.begun.clone();
        let mut until = None;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            tokio::select! {
                biased;
                () = begun.cancelled() => return false,
                received = self.spans.recv_many(batch, room) => {
                    if received == 0 {
                        return false;
                    }
                    until.get_or_insert_with(|| Instant::now() + DELAY);
                }
                () = moment(until) => break,
            }
        }
        true
    }

    async fn send(&mut self, mut batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        batch.iter_mut().for_each(convention::apply);
        let ending = Arc::clone(&self.ending);
        let sent = tokio::select! {
            biased;
            () = ending.over() => Err("the process ends".to_owned()),
            sent = self.exporter.export(batch) => sent.map_err(|error| error.to_string()),
        };
        match sent {
            Ok(()) => {
                counter!("openassay_trace_spans_sent_total").increment(count);
                if mem::take(&mut self.troubled) {
                    tracing::info!("spans arrive again");
                }
            }
            Err(reason) => {
                counter!("openassay_trace_spans_lost_total", "why" => "not_taken").increment(count);
                self.tell(count, &reason);
            }
        }
        self.account();
    }

    /// Counts what found no room.
    fn account(&mut self) {
        let count = self.overflowed.swap(0, Ordering::Relaxed);
        if count > 0 {
            counter!("openassay_trace_spans_lost_total", "why" => "no_room").increment(count);
            self.tell(count, "they come faster than they are taken");
        }
    }

    /// Says once that spans are lost, until some arrive again.
    fn tell(&mut self, spans: u64, reason: &str) {
        if !mem::replace(&mut self.troubled, true) {
            tracing::warn!(
                spans,
                reason,
                "spans are lost; requests go on, and openassay_trace_spans_lost_total counts them"
            );
        }
    }
}

async fn moment(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
