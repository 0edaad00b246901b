//! What an explanation costs beside the answer, by the default image model trained on the measured
//! spectra. Answer and explanation take turns, so that both see the same machine.

use crate::{measure::report, training};
use anyhow::{Context, Result};
use assay_explain::{EvidencePlan, EvidenceSettings, explain};
use assay_golden::pgaa_dir;
use assay_infer::Watch;
use assay_pipeline::{Identifier, IdentifierOptions, Prepared};
use serde_json::json;
use std::{fs, path::Path, time::Instant};

/// Turns of both for each spectrum.
const TURNS: usize = 5;

/// Spectra that are asked about.
const SPECTRA: usize = 20;

pub(crate) fn run() -> Result<()> {
    let Some(folder) = pgaa_dir("explanations") else {
        return Ok(());
    };
    let scratch = tempfile::tempdir()?;
    let bundle = scratch.path().join("model");
    training::trained(&folder, 512, &bundle)?;
    let identifier = Identifier::open(&bundle, &IdentifierOptions::default())?;
    let files = files(&folder)?;
    let (mut answers_s, mut explanations_s, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for (file, bytes) in &files {
        let prepared = identifier.judge().prepare(bytes, file)?;
        for _ in 0..TURNS {
            answers_s.push(timed(|| {
                identifier.identify(bytes, file)?;
                Ok(())
            })?);
            explanations_s.push(timed(|| {
                let prepared = identifier.judge().prepare(bytes, file)?;
                explain(&identifier, &prepared, None)?;
                Ok(())
            })?);
        }
        peaks.push(of_peaks(&identifier, &prepared)?);
    }
    let (answer_s, explained_s) = (median(&mut answers_s), median(&mut explanations_s));
    let mut tested: Vec<f64> = peaks.iter().map(|(tested, _)| *tested as f64).collect();
    let mut took_s: Vec<f64> = peaks.iter().map(|(_, took_s)| *took_s).collect();
    report(
        "explanation, cnn2d at 512",
        json!({
            "answer_median_s": answer_s,
            "answer_with_map_median_s": explained_s,
            "map_costs": explained_s / answer_s - 1.0,
            "peaks_taken_out_median": median(&mut tested),
            "peaks_median_s": median(&mut took_s),
            "spectra": files.len(),
        }),
    );
    Ok(())
}

/// Peaks taken out of one spectrum, and the time from counts to evidence.
fn of_peaks(identifier: &Identifier, prepared: &Prepared) -> Result<(usize, f64)> {
    let mut tested = 0;
    let took_s = timed(|| {
        let judge = identifier.judge();
        let plan = EvidencePlan::new(judge, prepared, &EvidenceSettings::default())?;
        tested = plan.vectors().nrows() - 1;
        let features = identifier.features(plan.vectors(), &Watch::none())?;
        plan.conclude(judge, features.view(), None)?;
        Ok(())
    })?;
    Ok((tested, took_s))
}

/// Some spectra of the collection, evenly over it.
fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let manifest = fs::read_to_string(folder.join("manifest.csv"))?;
    let names: Vec<&str> = manifest
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    let step = names.len().div_ceil(SPECTRA).max(1);
    let read = |name: &&str| {
        let bytes = fs::read(folder.join(name)).with_context(|| format!("{name} is missing"))?;
        Ok(((*name).to_owned(), bytes))
    };
    names.iter().step_by(step).map(read).collect()
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
