//! Logs for those who ask for them, on standard error, never through a progress bar.

use super::Progress;
use assay_runtime::traces::{self, TraceOptions, Traces};
use std::io::{self, Write};
use tracing_subscriber::{
    EnvFilter, Layer, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Environment variable with the log filter, such as `info` or `assay_train=debug`.
pub(crate) const VARIABLE: &str = "OPENASSAY_LOG";

/// Sends logs to standard error, without a filter in the environment those of the default one, and
/// spans where OpenTelemetry's variables say. A command works without them too.
pub(crate) fn start_logging(progress: &Progress, default: &str) -> Option<Traces> {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let options = TraceOptions {
        program: "openassay",
        endpoint: None,
        ratio: 1.0,
    };
    let nowhere = TraceOptions {
        endpoint: Some(""),
        ..options
    };
    let traces = Traces::start(options).or_else(|error| {
        progress.warn(&error.to_string());
        Traces::start(nowhere)
    });
    let traces = traces.ok()?;
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(progress.is_terminal())
        .with_writer(BesideBars(progress.clone()))
        .with_filter(traces::lines(filter, traces.exports()));
    let started = tracing_subscriber::registry()
        .with(traces.layer())
        .with(lines)
        .try_init();
    // A second start, as in tests, keeps the first.
    drop(started);
    Some(traces)
}

struct BesideBars(Progress);

impl<'a> MakeWriter<'a> for BesideBars {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(&self.0)
    }
}

struct Line<'a>(&'a Progress);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.beside(|| io::stderr().lock().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
