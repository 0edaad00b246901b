//! Measures the figures of the README and prints them as lines of JSON. Name the ones you want:
//! `cargo bench -p assay-benches --bench figures -- read gadf search`; without a name all run.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

mod explain;
mod gadf;
mod measure;
mod read;
mod search;
mod training;

use anyhow::{Result, bail};

const NAMES: [&str; 6] = [
    "read",
    "gadf",
    "search",
    "explain",
    "train-512",
    "train-2631",
];

fn main() -> Result<()> {
    // cargo passes `--bench`; everything that is not an option is a name.
    let mut names: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    if names.is_empty() {
        names = NAMES.map(str::to_owned).to_vec();
    }
    for name in &names {
        match name.as_str() {
            "read" => read::run()?,
            "gadf" => gadf::run()?,
            "search" => search::run()?,
            "explain" => explain::run()?,
            "train-512" => training::run(512)?,
            "train-2631" => training::run(2631)?,
            other => bail!("{other:?} is no figure: choose among {}", NAMES.join(", ")),
        }
    }
    Ok(())
}
