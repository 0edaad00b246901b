//! A whole training of the default image model on the measured spectra, with the time of every
//! stage and the peak memory. It runs in a process of its own, so that the peak is its own.

use crate::measure::{peak_memory_mib, report};
use anyhow::{Context, Result, ensure};
use assay_golden::pgaa_dir;
use assay_pipeline::{ModelSpec, bundle::Existing};
use assay_train::{Resources, Trained, TrainingJob, TrainingSpec, Unobserved};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

const CHILD: &str = "OPENASSAY_BENCH_CHILD";

pub(crate) fn run(image_size: usize) -> Result<()> {
    let Some(folder) = pgaa_dir("training") else {
        return Ok(());
    };
    if std::env::var_os(CHILD).is_some() {
        return train(&folder, image_size);
    }
    let status = Command::new(std::env::current_exe()?)
        .arg(format!("train-{image_size}"))
        .env(CHILD, "1")
        .status()?;
    ensure!(
        status.success(),
        "the training at {image_size} ended with {status}"
    );
    Ok(())
}

fn train(folder: &Path, image_size: usize) -> Result<()> {
    let scratch = std::env::temp_dir().join(format!("openassay-bench-{}", std::process::id()));
    let started = Instant::now();
    let trained = trained(folder, image_size, &scratch);
    let wall_s = started.elapsed().as_secs_f64();
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch).context("cannot remove the bench's bundle")?;
    }
    let trained = trained?;
    let stages: serde_json::Map<_, _> = trained
        .outcome
        .timings
        .iter()
        .map(|lap| (lap.stage.to_string(), json!(lap.seconds)))
        .collect();
    report(
        &format!("training cnn2d at {image_size}"),
        json!({
            "wall_s": wall_s,
            "stages_s": stages,
            "peak_memory_mib": peak_memory_mib()?,
            "spectra": trained.outcome.training.spectra.len(),
        }),
    );
    Ok(())
}

/// Trains the default image model on the measured spectra.
pub(crate) fn trained(folder: &Path, image_size: usize, bundle: &Path) -> Result<Trained> {
    let bases_dir = std::env::var_os("OPENASSAY_BASES_DIR").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../.openassay/bases"
            ))
        },
        PathBuf::from,
    );
    let mut spec = TrainingSpec::cnn2d();
    if let ModelSpec::Cnn2d { imaging, .. } = &mut spec.model {
        imaging.size = image_size;
    }
    let job = TrainingJob {
        manifest: folder.join("manifest.csv"),
        bundle: bundle.to_path_buf(),
        existing: Existing::Keep,
    };
    let resources = Resources {
        bases_dir: &bases_dir,
        runtime_library: None,
        clock: Some(since_start),
        wall_clock_s: None,
    };
    assay_train::run(&job, &spec, &resources, &Unobserved)
        .context("the training failed; `cargo xtask setup` fetches what it needs")
}

fn since_start() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
