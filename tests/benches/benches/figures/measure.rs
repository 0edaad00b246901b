//! Times and memory, reported as one line of JSON per figure.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::time::Instant;

/// Median and spread of repeated runs, in seconds; the first run warms up and does not count.
pub(crate) fn median_s(rounds: usize, mut work: impl FnMut() -> Result<()>) -> Result<Value> {
    work()?;
    let mut seconds = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        work()?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let last = seconds.len().saturating_sub(1);
    Ok(json!({
        "median_s": seconds[last / 2],
        "fastest_s": seconds[0],
        "slowest_s": seconds[last],
        "rounds": rounds,
    }))
}

/// Most memory that this process ever had resident, in MiB (`VmHWM` of Linux).
pub(crate) fn peak_memory_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|text| text.split_whitespace().next())
        .and_then(|number| number.parse::<f64>().ok())
        .context("/proc/self/status has no VmHWM")?;
    Ok(kib / 1024.0)
}

/// Prints one figure.
pub(crate) fn report(figure: &str, values: Value) {
    println!("{}", json!({ "figure": figure, "values": values }));
}
