//! The settings that every service has: its server and what it tells about itself.

use crate::{config::Check, traces};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, time::Duration};

/// The gRPC server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Where requests are taken; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where `GET /metrics` is answered; not at all when not set.
    pub metrics_listen: Option<SocketAddr>,
    /// Where health alone is answered, in the clear and without credentials; not at all when not set.
    pub health_listen: Option<SocketAddr>,
    /// Largest message of a request, in bytes.
    pub max_message_bytes: usize,
    /// Requests and streams at a time, health and reflection not counted.
    pub max_in_flight: usize,
    /// Requests and streams at a time on one connection.
    pub max_streams_per_connection: u32,
    /// Largest sum of one request's metadata, in bytes.
    pub max_header_bytes: u32,
    /// After this silence a connection is asked whether it lives, in seconds.
    pub keepalive_interval_s: u64,
    /// A connection that does not answer for this long is closed, in seconds; so is a new one that
    /// does not begin to speak HTTP/2 for this long.
    pub keepalive_timeout_s: u64,
    /// Time limit of a request that brings none, in seconds, from its arrival until its answer
    /// begins. A limit that a request brings counts until its answer has ended. 0: no limit.
    pub default_timeout_s: u64,
    /// From the signal to end until the process has ended, in seconds.
    pub shutdown_grace_s: u64,
    /// From the signal to end until no more requests are taken, in milliseconds: time for load
    /// balancers to look elsewhere.
    pub shutdown_settle_ms: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50_051)),
            metrics_listen: None,
            health_listen: None,
            max_message_bytes: 16 << 20,
            max_in_flight: 256,
            max_streams_per_connection: 64,
            max_header_bytes: 16 << 10,
            keepalive_interval_s: 30,
            keepalive_timeout_s: 20,
            default_timeout_s: 0,
            shutdown_grace_s: 30,
            shutdown_settle_ms: 200,
        }
    }
}

impl ServerConfig {
    /// Time from the signal to end until the process has ended.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_s)
    }

    /// The part of the grace in which requests are still taken.
    pub(crate) const fn settle(&self) -> Duration {
        Duration::from_millis(self.shutdown_settle_ms)
    }
}

impl Check for ServerConfig {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut range = |name: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                faults.push(format!("{name}: {value} is outside {low} to {high}"));
            }
        };
        range(
            "max_message_bytes",
            self.max_message_bytes as u64,
            1 << 10,
            1 << 30,
        );
        range("max_in_flight", self.max_in_flight as u64, 1, 1 << 16);
        range(
            "max_streams_per_connection",
            u64::from(self.max_streams_per_connection),
            1,
            1 << 16,
        );
        range(
            "max_header_bytes",
            u64::from(self.max_header_bytes),
            1 << 10,
            1 << 20,
        );
        range("keepalive_interval_s", self.keepalive_interval_s, 1, 3600);
        range("keepalive_timeout_s", self.keepalive_timeout_s, 1, 3600);
        range("default_timeout_s", self.default_timeout_s, 0, 86_400);
        range("shutdown_grace_s", self.shutdown_grace_s, 1, 3600);
        if self.settle() >= self.grace() {
            faults.push(format!(
                "shutdown_settle_ms: {} must be less than shutdown_grace_s, {} s",
                self.shutdown_settle_ms, self.shutdown_grace_s
            ));
        }
        let mut taken = vec![("listen", self.listen)];
        for (name, address) in [
            ("metrics_listen", self.metrics_listen),
            ("health_listen", self.health_listen),
        ] {
            let Some(address) = address else { continue };
            let twin = taken.iter().find(|(_, other)| *other == address);
            if let Some((other, _)) = twin.filter(|_| address.port() != 0) {
                faults.push(format!(
                    "{name}: {address} is the address of {other}; take another port"
                ));
            }
            taken.push((name, address));
        }
        faults
    }
}

/// Logs and traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Which logs appear, such as `info` or `warn,assay_gate=debug`. The environment variable
    /// `OPENASSAY_LOG` wins.
    pub filter: String,
    /// How they look.
    pub format: LogFormat,
    /// Where spans go by OTLP over gRPC, such as `http://collector:4317`; empty: nowhere. When it
    /// is not set, OpenTelemetry's variables say where.
    pub otlp_endpoint: Option<String>,
    /// Share of the traces that begin here and are recorded, 0 to 1. Those that come from a caller
    /// are recorded if the caller records them.
    pub trace_sample_ratio: f64,
}

/// How logs look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// Lines for people.
    Text,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Auto,
            otlp_endpoint: None,
            trace_sample_ratio: 1.0,
        }
    }
}

impl Check for TelemetryConfig {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.filter) {
            faults.push(format!(
                "filter: `{}` is no log filter ({error}); write for example info",
                self.filter
            ));
        }
        if let Some(fault) = self.otlp_endpoint.as_deref().and_then(traces::fault) {
            faults.push(format!("otlp_endpoint: {fault}"));
        }
        if !(0.0..=1.0).contains(&self.trace_sample_ratio) {
            faults.push(format!(
                "trace_sample_ratio: {} is outside 0 to 1",
                self.trace_sample_ratio
            ));
        }
        faults
    }
}
