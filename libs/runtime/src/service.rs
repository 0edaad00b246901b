//! The life of a service's process: flags, configuration, logs, components, end. What its `main`
//! calls.

use crate::{
    Component, Server, Shutdown,
    access::AccessConfig,
    check_health,
    config::{self, Check, ConfigFaults, Sources},
    error::RuntimeError,
    settings::{ServerConfig, TelemetryConfig},
    signals, telemetry,
    tls::TlsConfig,
};
use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command, error::ErrorKind as ParseKind};
use serde::{Serialize, de::DeserializeOwned};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// Exit code of a wrong command line or configuration, after BSD `sysexits.h`.
pub const USAGE: u8 = 64;
/// Exit code when something needed is missing, such as a port or a folder.
pub const UNAVAILABLE: u8 = 69;
/// Exit code when a running process failed, or did not end in its time.
pub const FAILED: u8 = 70;
/// Exit code of `--check-health` when the process does not serve; container engines know no other.
const UNHEALTHY: u8 = 1;

/// The configuration of a whole service.
pub trait ServiceSettings: Check {
    /// Its server.
    fn server(&self) -> &ServerConfig;
    /// Its logs and traces.
    fn telemetry(&self) -> &TelemetryConfig;
    /// The encryption of its connections.
    fn tls(&self) -> &TlsConfig;
    /// Who may do what.
    fn access(&self) -> &AccessConfig;
}

/// Runs a service from `main` to its exit code: `--config FILE`, `--set KEY=VALUE`,
/// `--print-config`, `--check-health [SERVICE]`, `--help`, `--version`. When every component is
/// ready for the first time, one line on standard error names the address:
/// `NAME answers at http://ADDRESS`, or `https://` where connections are encrypted. `build` makes the
/// components and returns soon: what takes long, such as warming up, goes on beside it and shows
/// in [`Component::ready`].
pub fn run_service<T, B, F>(name: &'static str, about: &'static str, build: B) -> ExitCode
where
    T: ServiceSettings + DeserializeOwned + Serialize + Default,
    B: FnOnce(T, Shutdown) -> F,
    F: Future<Output = Result<Vec<Component>>>,
{
    let matches = match command(name, about).try_get_matches() {
        Ok(matches) => matches,
        Err(message) => {
            // Nothing can be done about a closed output.
            let _ = message.print();
            return match message.kind() {
                ParseKind::DisplayHelp | ParseKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(USAGE),
            };
        }
    };
    let settings: T = match config::load(&sources(&matches)) {
        Ok(settings) => settings,
        Err(faults) => return refuse(&faults),
    };
    if matches.get_flag("print-config") {
        return show(&settings);
    }
    if let Some(service) = matches.get_one::<String>("check-health") {
        return answer(&check_health::check(settings.server(), service));
    }
    run(name, settings, build, move |url| {
        tell(&format!("{name} answers at {url}\n"));
    })
}

/// Runs components to their end with settings that are already read: logs, traces, the server,
/// signals. `name` is that of the program; `ready` is told the URL when every component is ready
/// for the first time.
pub fn run<T, B, F>(
    name: &'static str,
    settings: T,
    build: B,
    ready: impl FnOnce(&str) + Send + 'static,
) -> ExitCode
where
    T: ServiceSettings,
    B: FnOnce(T, Shutdown) -> F,
    F: Future<Output = Result<Vec<Component>>>,
{
    let traces = match telemetry::start(name, settings.telemetry()) {
        Ok(traces) => traces,
        Err(error) => {
            tell(&format!("error: {error}\n"));
            let misconfigured = matches!(error, RuntimeError::Traces(_));
            return ExitCode::from(if misconfigured { USAGE } else { FAILED });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start threads");
            return ExitCode::from(UNAVAILABLE);
        }
    };
    let grace = settings.server().grace();
    let flush = traces.share_of(grace);
    let shutdown = Shutdown::new(grace - flush);
    let code = runtime.block_on(life(settings, shutdown, build, ready));
    traces.end(flush);
    // What still blocks a thread now was given its time and is left behind.
    runtime.shutdown_background();
    code
}

async fn life<T, B, F>(
    settings: T,
    shutdown: Shutdown,
    build: B,
    ready: impl FnOnce(&str) + Send + 'static,
) -> ExitCode
where
    T: ServiceSettings,
    B: FnOnce(T, Shutdown) -> F,
    F: Future<Output = Result<Vec<Component>>>,
{
    let prepared = async {
        signals::listen(&shutdown)?;
        let server = Server::bind(settings.server()).await?;
        let server = server.secured(settings.tls(), settings.access())?;
        let components = build(settings, shutdown.clone()).await?;
        anyhow::Ok((server, components))
    };
    let (server, components) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "cannot start");
            let misconfigured = error.is::<ConfigFaults>();
            return ExitCode::from(if misconfigured { USAGE } else { UNAVAILABLE });
        }
    };
    let url = server.url();
    match server
        .when_ready(move || ready(&url))
        .run(components, shutdown)
        .await
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "failed");
            ExitCode::from(FAILED)
        }
    }
}

fn command(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .max_term_width(100)
        .after_help(
            "Every key can also be set by an environment variable: server.listen is \
             OPENASSAY_SERVER__LISTEN.\nThe environment wins over the file, --set over both.",
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help("Read this TOML file")
                .value_parser(clap::value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("KEY=VALUE")
                .help("Set one key, such as server.listen=127.0.0.1:0")
                .action(ArgAction::Append),
        )
        .arg(
            Arg::new("print-config")
                .long("print-config")
                .help("Print the configuration that would be used, without secrets, and exit")
                .action(ArgAction::SetTrue),
        )
        .arg(
            Arg::new("check-health")
                .long("check-health")
                .value_name("SERVICE")
                .num_args(0..=1)
                .default_missing_value("")
                .help(
                    "Ask the process that runs with this configuration whether it serves \
                     everything, or this gRPC service; exit with 0 if so, else 1",
                ),
        )
}

fn sources(matches: &ArgMatches) -> Sources {
    let assignments = matches.get_many("set").into_iter().flatten().cloned();
    Sources::of_process(matches.get_one("config").cloned(), assignments.collect())
}

/// Tells people what is wrong with the configuration, and gives the exit code.
pub fn refuse(faults: &ConfigFaults) -> ExitCode {
    tell(&format!("error: {faults}\n"));
    ExitCode::from(USAGE)
}

/// Prints a configuration to standard output, and gives the exit code.
pub fn show<T: Serialize>(settings: &T) -> ExitCode {
    match config::print(settings) {
        Ok(text) => {
            // Whoever closed the output does not want it.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(faults) => refuse(&faults),
    }
}

/// The exit code of what was found about health.
fn answer(found: &Result<()>) -> ExitCode {
    match found {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("{error:#}\n"));
            ExitCode::from(UNHEALTHY)
        }
    }
}

/// Writes to standard error; when that is closed nobody wants to know.
fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
