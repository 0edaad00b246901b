//! Logs of a process on standard error: one JSON object per line, or lines for people on a
//! terminal. Never a message's content and never a secret. Beside them its traces.

use crate::{
    error::RuntimeError,
    settings::{LogFormat, TelemetryConfig},
    traces::{self, Steps, TraceOptions, Traces},
};
use std::{
    io::{self, IsTerminal},
    panic::PanicHookInfo,
};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::format::{DefaultFields, JsonFields},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Environment variable with a log filter that wins over the configuration.
pub const FILTER_VARIABLE: &str = "OPENASSAY_LOG";

/// Starts logging for the whole process, panics included, and the traces of a program of this
/// name.
///
/// # Errors
/// Logging was started before, the filter cannot be read, or spans cannot go where they should.
pub fn start(program: &'static str, config: &TelemetryConfig) -> Result<Traces, RuntimeError> {
    let filter = std::env::var(FILTER_VARIABLE).unwrap_or_else(|_| config.filter.clone());
    let filter = EnvFilter::try_new(&filter)
        .map_err(|error| RuntimeError::Logging(format!("log filter `{filter}`: {error}")))?;
    let traces = Traces::start(TraceOptions {
        program,
        endpoint: config.otlp_endpoint.as_deref(),
        ratio: config.trace_sample_ratio,
    })?;
    let lines = if json(config.format) {
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(io::stderr);
        Steps::<JsonFields>::new().and_then(lines).boxed()
    } else {
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr);
        Steps::<DefaultFields>::new().and_then(lines).boxed()
    };
    // The filter is that of the lines alone: traces have one of their own.
    tracing_subscriber::registry()
        .with(traces.layer())
        .with(lines.with_filter(traces::lines(filter, traces.exports())))
        .try_init()
        .map_err(|error| RuntimeError::Logging(error.to_string()))?;
    std::panic::set_hook(Box::new(log_panic));
    traces.announce();
    Ok(traces)
}

/// Whether logs of this format are JSON, given where standard error leads.
#[must_use]
pub fn json(format: LogFormat) -> bool {
    match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string);
    tracing::error!(
        panic.message = message(info),
        panic.location = location.as_deref().unwrap_or("unknown"),
        "a task panicked"
    );
}

/// What was given to `panic!`.
fn message<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
