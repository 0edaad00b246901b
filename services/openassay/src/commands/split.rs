//! `openassay split`: a manifest into a training and a test part.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    options::JsonFile,
    terminal::{Align, Table},
};
use assay_pipeline::{Manifest, Role};
use clap::Args;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Example:
  openassay split --manifest all.csv --fraction 0.2 --seed 1 --train train.csv --test test.csv

Replicates of one specimen end up on both sides. To see how a model does on a specimen it has
never seen, use `openassay benchmark --protocol grouped`.";

/// Split a manifest into a training and a test part
///
/// Of every known class the given fraction, drawn by the seed, goes to the test part. Rows with
/// role unknown all go to the test part.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Split {
    /// Manifest to split
    #[arg(long, value_name = "FILE.csv")]
    manifest: PathBuf,

    /// Share of every known class for the test part, between 0 and 1
    #[arg(long, value_name = "F", value_parser = crate::options::open_unit)]
    fraction: f64,

    /// Seed of the draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Manifest of the training part, to be written
    #[arg(long, value_name = "FILE.csv")]
    train: PathBuf,

    /// Manifest of the test part, to be written
    #[arg(long, value_name = "FILE.csv")]
    test: PathBuf,

    #[command(flatten)]
    json: JsonFile,
}

#[derive(Debug, Serialize)]
struct Outcome {
    seed: u64,
    fraction: f64,
    train: Part,
    test: Part,
}

#[derive(Debug, Serialize)]
struct Part {
    manifest: PathBuf,
    n: usize,
    labels: BTreeMap<String, usize>,
}

impl Split {
    pub(crate) fn run(&self, context: &Context) -> Result {
        if self.train == self.test {
            return Err(Failure::usage(
                "--train and --test must name different files",
            ));
        }
        for path in [&self.train, &self.test] {
            if *path == self.manifest {
                return Err(Failure::usage(format!(
                    "{} is the manifest to be split; name another file to write",
                    path.display()
                )));
            }
            file::check_writable(path)?;
        }
        let manifest = Manifest::read(&self.manifest)?;
        let (train, test) = manifest.split(self.fraction, self.seed)?;
        train.write(&self.train)?;
        test.write(&self.test)?;
        let outcome = Outcome {
            seed: self.seed,
            fraction: self.fraction,
            train: part(&self.train, &train),
            test: part(&self.test, &test),
        };
        context.answer(self.json.json.as_ref(), &outcome, || {
            table(&manifest, &outcome)
        })
    }
}

fn part(path: &Path, manifest: &Manifest) -> Part {
    let mut labels = BTreeMap::new();
    for row in &manifest.rows {
        *labels.entry(row.label.to_string()).or_default() += 1;
    }
    Part {
        manifest: path.to_path_buf(),
        n: manifest.rows.len(),
        labels,
    }
}

fn table(manifest: &Manifest, outcome: &Outcome) -> String {
    let mut table = Table::new([
        ("label", Align::Left),
        ("role", Align::Left),
        ("train", Align::Right),
        ("test", Align::Right),
    ]);
    let labels: BTreeMap<String, Role> = manifest
        .rows
        .iter()
        .map(|row| (row.label.to_string(), row.role))
        .collect();
    for (label, role) in labels {
        let count = |part: &Part| part.labels.get(&label).copied().unwrap_or(0).to_string();
        let (train, test) = (count(&outcome.train), count(&outcome.test));
        table.row([label.clone(), role.as_str().to_owned(), train, test]);
    }
    table.row([
        "all".to_owned(),
        String::new(),
        outcome.train.n.to_string(),
        outcome.test.n.to_string(),
    ]);
    table.render()
}
