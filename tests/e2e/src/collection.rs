//! A small simulated collection and a model of it, made by the tool.

use crate::tool;
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the manifest lies in the folder.
pub const MANIFEST: &str = "data/manifest.csv";

/// Where the model lies in the folder.
pub const BUNDLE: &str = "model";

/// A file with what the manifest says about it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name in the manifest.
    pub name: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// The material.
    pub label: String,
    /// Whether the model is to know it.
    pub known: bool,
}

/// Simulated spectra.
#[derive(Debug, Clone)]
pub struct Collection {
    /// In the order of the manifest.
    pub spectra: Vec<Listed>,
}

/// Simulates a collection below a folder: this many spectra of each of ten known and three
/// unknown materials.
///
/// # Errors
/// When the tool fails.
pub fn simulate(folder: &Path, known: usize, unknown: usize) -> Result<Collection> {
    let (known, unknown) = (known.to_string(), unknown.to_string());
    let mut arguments = vec!["simulate", "--out", "data", "--seed", "3"];
    arguments.extend(["--known", &known, "--unknown", &unknown]);
    tool::run(folder, &arguments)?;
    let manifest = folder.join(MANIFEST);
    let below = manifest.parent().map(PathBuf::from).unwrap_or_default();
    let text = fs::read_to_string(&manifest)?;
    let spectra = text.lines().skip(1).map(|line| {
        let mut fields = line.split(',');
        let mut next = || fields.next().with_context(|| format!("in {line:?}"));
        let name = next()?.to_owned();
        Ok(Listed {
            content: fs::read(below.join(&name))?,
            name,
            label: next()?.to_owned(),
            known: next()? == "known",
        })
    });
    Ok(Collection {
        spectra: spectra.collect::<Result<_>>()?,
    })
}

/// Trains a small model of the collection in the folder: a one-dimensional network, which also
/// explains.
///
/// # Errors
/// When the tool fails.
pub fn train(folder: &Path) -> Result<()> {
    let model = ["--model", "cnn1d", "--variant", "small-gap"];
    let rates = ["--epochs", "20", "--lr-bounds", "0.001,0.01", "--k", "4"];
    let files = ["--manifest", MANIFEST, "--bundle", BUNDLE];
    let train = ["train", "--validation", "none"];
    tool::run(folder, &[&train[..], &model, &rates, &files].concat())?;
    Ok(())
}
