//! Measures the services under load: a real `openassay serve`, real models, real gRPC, on one
//! machine. Build the tool first, with the same profile:
//!
//!     cargo build --release -p openassay
//!     cargo bench -p assay-benches --bench load -- single stream batch jobs
//!
//! `separate` measures the services as programs of their own on RabbitMQ and Redis, which are
//! started for it (`cargo build --release --workspace --bins` before it). Without a name all run;
//! `quick` makes the rounds short, to see that it works. Bases of
//! `cargo xtask setup` give the model on images its features; `OPENASSAY_PGAA_DIR` adds the
//! measured spectra to the simulated ones.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

mod batch;
mod jobs;
mod models;
mod question;
mod round;
mod server;
mod single;
mod spectra;
mod statistics;
mod streamed;
mod table;

use anyhow::{Result, bail, ensure};
use server::{Server, tool};
use std::{
    num::NonZeroUsize,
    thread::available_parallelism,
    time::{Duration, SystemTime},
};

const NAMES: [&str; 4] = ["single", "stream", "batch", "jobs"];

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Effort {
    rounds: usize,
    time: Duration,
    batch_rows: u64,
    jobs: usize,
}

fn main() -> Result<()> {
    // cargo passes `--bench`; everything that is not an option is a name.
    let mut names: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let quick = names.iter().any(|name| name == "quick");
    let separate = names.iter().any(|name| name == "separate");
    names.retain(|name| name != "quick" && name != "separate");
    for name in &names {
        let known = NAMES.contains(&name.as_str());
        ensure!(known, "{name:?}: choose among {}", NAMES.join(", "));
    }
    if names.is_empty() {
        names = NAMES.map(str::to_owned).to_vec();
    }
    let effort = if quick {
        Effort {
            rounds: 2,
            time: Duration::from_millis(300),
            batch_rows: 128,
            jobs: 64,
        }
    } else {
        Effort {
            rounds: 5,
            time: Duration::from_millis(1500),
            batch_rows: 2048,
            jobs: 512,
        }
    };
    tell_machine()?;
    let scratch = tempfile::tempdir()?;
    for spectra in spectra::all(scratch.path())? {
        let models = models::train(scratch.path(), &spectra)?;
        let data = scratch.path().join(spectra.name).join("server");
        let server = if separate {
            Server::separate(&data)?
        } else {
            Server::start(&data)?
        };
        models.register(&server)?;
        println!("\n{}", spectra.description());
        let runtime = tokio::runtime::Runtime::new()?;
        for name in &names {
            match name.as_str() {
                "single" => single::run(&runtime, &server, &models, &spectra, effort)?,
                "stream" => runtime.block_on(streamed::run(&server, &spectra, effort))?,
                "batch" => runtime.block_on(batch::run(&server, &spectra, effort))?,
                "jobs" => runtime.block_on(jobs::run(&server, &spectra, effort))?,
                other => bail!("{other:?} is no part of this bench"),
            }
        }
        server.end()?;
    }
    Ok(())
}

fn tell_machine() -> Result<()> {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let tool = tool()?;
    let age = SystemTime::now().duration_since(std::fs::metadata(&tool)?.modified()?)?;
    let profile = if cfg!(debug_assertions) {
        "dev (own code optimised to 2, dependencies too)"
    } else {
        "release"
    };
    println!(
        "{cores} cores, shared by server and clients; profile {profile}; openassay built {} min \
         ago",
        age.as_secs() / 60
    );
    println!("medians of the rounds, with the lowest and the highest in brackets");
    Ok(())
}
