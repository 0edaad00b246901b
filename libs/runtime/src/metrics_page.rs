//! The metrics of this process, for Prometheus: `GET /metrics` on a port of their own. `METRICS.md`
//! of this crate has the table of all of them.

use crate::{Shutdown, error::RuntimeError};
use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use metrics::{KeyName, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{sync::OnceLock, time::Duration};
use tokio::net::TcpListener;

/// Upper bounds of the classes of every histogram in seconds: from an answer out of the cache to a
/// training.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0,
];
/// Upper bounds of the classes of every histogram in rows.
const ROWS: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];
/// The table of all metrics, which people and this page read.
const TABLE: &str = include_str!("../METRICS.md");
/// How often values that nobody asked for are put together.
const UPKEEP: Duration = Duration::from_secs(5);
/// The text format of Prometheus.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The one recorder of the process; servers beside each other share it.
static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();

/// Starts to keep metrics, once for the process.
pub(crate) fn record() -> Result<PrometheusHandle, RuntimeError> {
    RECORDER
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                .and_then(|builder| {
                    builder.set_buckets_for_metric(Matcher::Suffix("_rows".to_owned()), &ROWS)
                })
                .and_then(PrometheusBuilder::install_recorder)
                .map_err(|error| error.to_string())?;
            describe();
            Ok(handle)
        })
        .clone()
        .map_err(RuntimeError::Metrics)
}

/// Serves the page until shutdown has begun and the port's owner drops this.
pub(crate) async fn serve(listener: TcpListener, recorder: PrometheusHandle, shutdown: Shutdown) {
    let page = recorder.clone();
    let router = Router::new().route(
        "/metrics",
        get(move || {
            let page = page.clone();
            async move { ([(CONTENT_TYPE, FORMAT)], page.render()).into_response() }
        }),
    );
    let upkeep = async {
        let mut turns = tokio::time::interval(UPKEEP);
        loop {
            turns.tick().await;
            recorder.run_upkeep();
        }
    };
    tokio::select! {
        served = axum::serve(listener, router) => {
            if let Err(error) = served {
                tracing::error!(%error, "the page of metrics ended");
                shutdown.begin();
            }
        }
        () = upkeep => {}
    }
}

/// Tells the recorder what every metric means, in the words of the table.
fn describe() {
    metrics::with_recorder(|recorder| {
        for (name, kind, unit, meaning) in rows(TABLE) {
            let unit = match unit {
                "s" => Some(Unit::Seconds),
                "bytes" => Some(Unit::Bytes),
                _ => None,
            };
            let (name, meaning) = (KeyName::from(name), meaning.into());
            match kind {
                "counter" => recorder.describe_counter(name, unit, meaning),
                "gauge" => recorder.describe_gauge(name, unit, meaning),
                _ => recorder.describe_histogram(name, unit, meaning),
            }
        }
    });
    metrics::gauge!("openassay_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
}

/// Name, type, unit and meaning of each row.
fn rows(
    table: &'static str,
) -> impl Iterator<Item = (&'static str, &'static str, &'static str, String)> {
    let rows = table
        .lines()
        .filter(|line| line.starts_with("| `openassay_"));
    rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let name = cells.next()?.trim_matches('`');
        let (kind, _labels, unit) = (cells.next()?, cells.next()?, cells.next()?);
        Some((name, kind, unit, cells.next()?.replace('`', "")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows: Vec<_> = rows(TABLE).collect();
        assert!(rows.len() > 30, "{rows:?}");
        for (name, kind, unit, meaning) in rows {
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{name}");
            assert!(!unit.is_empty() && !meaning.is_empty(), "{name}");
            assert!(!meaning.contains('`'), "{name}: {meaning}");
        }
    }
}
