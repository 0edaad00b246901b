//! The difference image of 2631 bins, and the same by pyts where Python has it, taking turns.

use crate::measure::{median_s, report};
use anyhow::{Context, Result, ensure};
use assay_gramian::Imaging;
use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Command, Stdio},
};

const BINS: usize = 2631;
const TURNS: usize = 3;

pub(crate) fn run() -> Result<()> {
    // Shaped like a spectrum: a falling continuum with peaks, on a logarithmic scale.
    let vector: Vec<f64> = (0..BINS)
        .map(|bin| -8.0 - bin as f64 / 600.0 + ((bin * 37 % 101) as f64 / 101.0).powi(8))
        .collect();
    let imaging = Imaging {
        size: BINS,
        ..Imaging::default()
    };
    let mut image = vec![0.0f32; BINS * BINS];
    for turn in 1..=TURNS {
        let mut timing = median_s(15, || {
            imaging.image_into(std::hint::black_box(&vector), &mut image)?;
            Ok(())
        })?;
        match pyts_median_s(&vector) {
            Ok(peer_s) => {
                timing["pyts_median_s"] = peer_s.into();
                timing["times_faster"] =
                    json!(peer_s / timing["median_s"].as_f64().unwrap_or(f64::NAN));
            }
            Err(reason) => {
                timing["pyts_median_s"] = Value::String(format!("not measured: {reason:#}"))
            }
        }
        timing["turn"] = turn.into();
        report("difference image of 2631 bins", timing);
    }
    Ok(())
}

/// Runs the peer with the Python that `OPENASSAY_BENCH_PYTHON` names, else `python3`.
fn pyts_median_s(vector: &[f64]) -> Result<f64> {
    let python = std::env::var_os("OPENASSAY_BENCH_PYTHON").unwrap_or_else(|| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/figures/pyts_gadf.py");
    let mut child = Command::new(&python)
        .args([script, "7"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} does not start", python.display()))?;
    let input = serde_json::to_vec(vector)?;
    child
        .stdin
        .take()
        .context("no standard input")?
        .write_all(&input)?;
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "pyts does not run: `pip install pyts==0.13.0` into the Python that OPENASSAY_BENCH_PYTHON names"
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}
