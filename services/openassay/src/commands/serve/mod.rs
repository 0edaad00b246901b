//! `openassay serve`: every service in one process, on one port, with its data in one folder.

mod components;
mod settings;

use crate::failure::USAGE;
use assay_runtime::{
    config::{self, Sources},
    openmp, service,
};
use clap::Args;
use settings::ServeSettings;
use std::{path::PathBuf, process::ExitCode};

const EXAMPLES: &str = "\
Examples:
  openassay serve
  openassay serve --data-dir /srv/openassay --listen 0.0.0.0:50051
  openassay serve --set server.metrics_listen=127.0.0.1:9464 --print-config

Nothing needs to be configured: requests are taken on 127.0.0.1:50051, data lies in
./openassay-data. Every key that --print-config shows can be set in a TOML file (--config), over
it by the environment (OPENASSAY_SERVER__LISTEN for server.listen), over both by --set. All faults
are told at once, with exit code 64. SIGTERM ends the process in order: what was accepted is
finished, running jobs are handed back and go on at the next start.";

/// Run every service in this process
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Read this TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where requests are taken, such as 0.0.0.0:50051 [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Folder for all data; made where it is missing [default: openassay-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,

    /// Set one key, such as server.max_in_flight=64; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,

    /// Print the configuration that would be used, without secrets, and exit
    #[arg(long)]
    print_config: bool,
}

impl Serve {
    /// Serves until the process is asked to end.
    pub(crate) fn run(&self) -> ExitCode {
        // Without this the training threads would take the cores from the requests; when it
        // fails they do, and everything else works.
        let _ = openmp::wait_passively();
        let settings: ServeSettings = match config::load(&self.sources()) {
            Ok(settings) => settings,
            Err(faults) => return service::refuse(&faults),
        };
        if self.print_config {
            return service::show(&settings);
        }
        service::run("openassay", settings, components::build, |url| {
            crate::terminal::tell(&format!("openassay answers at {url}\n"));
        })
    }

    fn sources(&self) -> Sources {
        Sources::of_process(self.config.clone(), self.assignments.clone())
            .with_flag("server.listen", self.listen.clone())
            .with_flag("storage.data_dir", self.data_dir.clone())
    }
}

const _: () = assert!(USAGE == service::USAGE);
