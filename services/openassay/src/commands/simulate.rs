//! `openassay simulate`: a folder of simulated spectra with manifest and truth.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    options::JsonFile,
    terminal::{Align, Table},
};
use assay_core::ErrorKind;
use assay_formats::write_spe;
use assay_simulate::{SimulationItem, SimulationSpec, Simulator, Truth};
use clap::Args;
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

const EXAMPLES: &str = "\
Examples:
  openassay simulate --out demo --seed 1
  openassay simulate --out quick --known 6 --unknown 2 --live-time 300,3000

The folder gets .SPE files as an instrument writes them, manifest.csv, and truth.json with the
specification and the true peaks of every spectrum. The same seed gives the same bytes.";

/// Simulate measured spectra of known and unknown materials
///
/// Prompt gamma-ray spectra of ten known and three unknown materials: evaluated line energies and
/// cross-sections, detector resolution and efficiency, escape peaks, continuum, dead time, drift
/// of the gain, and Poisson counts.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Simulate {
    /// Folder to write; must not exist or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Spectra of each known class
    #[arg(long, value_name = "N")]
    known: Option<u32>,

    /// Spectra of each unknown class
    #[arg(long, value_name = "N")]
    unknown: Option<u32>,

    /// Lots per class, each a folder and group of its own, measured with another instrument
    #[arg(long, value_name = "N")]
    lots: Option<u32>,

    /// Shortest and longest live time, in seconds
    #[arg(long, value_name = "MIN,MAX", value_parser = crate::options::pair)]
    live_time: Option<(f64, f64)>,

    #[command(flatten)]
    json: JsonFile,
}

#[derive(Debug, Serialize)]
struct Outcome {
    manifest: PathBuf,
    truth: PathBuf,
    n: usize,
    labels: BTreeMap<String, usize>,
}

impl Simulate {
    pub(crate) fn run(&self, context: &Context) -> Result {
        let simulator = Simulator::new(self.spec())?;
        let plan = simulator.plan()?;
        check_place(&self.out)?;
        let part = tempfile::Builder::new()
            .prefix(".openassay-simulate-")
            .tempdir_in(file::folder_of(&self.out))
            .map_err(|error| file::cannot("write", &self.out, &error))?;
        let truth = write_spectra(context, &simulator, &plan, part.path())?;
        file::write(
            &part.path().join("manifest.csv"),
            manifest(&truth, &plan).as_bytes(),
        )?;
        let truth = serde_json::to_vec(&truth)
            .map_err(|error| Failure::new(ErrorKind::Internal, format!("truth.json: {error}")))?;
        file::write(&part.path().join("truth.json"), &truth)?;
        move_into_place(part, &self.out)?;
        let outcome = Outcome {
            manifest: self.out.join("manifest.csv"),
            truth: self.out.join("truth.json"),
            n: plan.len(),
            labels: count(&plan),
        };
        context.answer(self.json.json.as_ref(), &outcome, || table(&plan, &outcome))
    }

    fn spec(&self) -> SimulationSpec {
        let mut spec = SimulationSpec {
            seed: self.seed,
            ..SimulationSpec::default()
        };
        spec.spectra_per_known_class = self.known.unwrap_or(spec.spectra_per_known_class);
        spec.spectra_per_unknown_class = self.unknown.unwrap_or(spec.spectra_per_unknown_class);
        // A few spectra are enough for a try; more lots than these cannot be.
        let lots = spec.lots_per_class.min(spec.spectra_per_known_class.max(1));
        spec.lots_per_class = self.lots.unwrap_or(lots);
        if let Some((shortest, longest)) = self.live_time {
            spec.shortest_live_time_s = shortest;
            spec.longest_live_time_s = longest;
        }
        spec
    }
}

fn check_place(out: &Path) -> Result {
    let refuse = |what: &str| {
        Err(Failure::new(
            ErrorKind::AlreadyExists,
            format!(
                "cannot write {}: it {what}; name a new folder",
                out.display()
            ),
        ))
    };
    let entries = fs::read_dir(out).map(|mut entries| entries.next().is_some());
    match entries {
        Ok(false) => Ok(()),
        Ok(true) => refuse("exists already and is not empty"),
        Err(_) if out.exists() => refuse("exists already and is no folder"),
        Err(_) => file::check_writable(out),
    }
}

/// Simulates and writes in parallel; the truth comes back in the order of the plan.
fn write_spectra(
    context: &Context,
    simulator: &Simulator,
    plan: &[SimulationItem],
    folder: &Path,
) -> Result<Truth> {
    let done = AtomicUsize::new(0);
    let truths = context.watched("simulating spectra", |watch| {
        plan.par_iter()
            .map(|item| {
                if watch.is_cancelled() {
                    return Err(Failure::new(ErrorKind::Cancelled, "interrupted"));
                }
                let simulated = simulator.simulate(item)?;
                let path = folder.join(&simulated.file_name);
                fs::create_dir_all(file::folder_of(&path))
                    .and_then(|()| fs::write(&path, write_spe(&simulated.spectrum)))
                    .map_err(|error| file::cannot("write", &path, &error))?;
                let mut truth = Truth::new(simulator.spec().clone());
                truth.push(&simulated);
                watch.report(done.fetch_add(1, Ordering::Relaxed) + 1, plan.len());
                Ok(truth.spectra)
            })
            .collect::<Result<Vec<_>>>()
    })?;
    let mut truth = Truth::new(simulator.spec().clone());
    truth.spectra = truths.into_iter().flatten().collect();
    Ok(truth)
}

/// Labels and files of the simulator need no quotes: neither has a comma.
fn manifest(truth: &Truth, plan: &[SimulationItem]) -> String {
    let mut text = "file,label,role,group\n".to_owned();
    for (spectrum, item) in truth.spectra.iter().zip(plan) {
        let (file, label, group) = (&spectrum.file, &spectrum.label, &spectrum.group);
        text += &format!("{file},{label},{},{group}\n", item.role());
    }
    text
}

fn move_into_place(part: tempfile::TempDir, out: &Path) -> Result {
    let moved = || {
        #[cfg(unix)]
        fs::set_permissions(
            part.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )?;
        if out.is_dir() {
            fs::remove_dir(out)?;
        }
        fs::rename(part.path(), out)
    };
    moved().map_err(|error| file::cannot("write", out, &error))?;
    // It stands at its place now, so there is nothing left to clean up.
    let _ = part.keep();
    Ok(())
}

fn count(plan: &[SimulationItem]) -> BTreeMap<String, usize> {
    let mut labels = BTreeMap::new();
    for item in plan {
        *labels.entry(item.label.to_string()).or_default() += 1;
    }
    labels
}

fn table(plan: &[SimulationItem], outcome: &Outcome) -> String {
    let mut table = Table::new([
        ("label", Align::Left),
        ("role", Align::Left),
        ("spectra", Align::Right),
    ]);
    let roles: BTreeMap<String, &str> = plan
        .iter()
        .map(|item| (item.label.to_string(), item.role()))
        .collect();
    for (label, role) in roles {
        let spectra = outcome.labels.get(&label).copied().unwrap_or(0);
        table.row([label, role.to_owned(), spectra.to_string()]);
    }
    format!(
        "{}\nmanifest: {}\n",
        table.render(),
        outcome.manifest.display()
    )
}
