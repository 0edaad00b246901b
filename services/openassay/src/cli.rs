//! The command line: sub-commands, options common to all, and how its errors are shown.

use crate::{
    commands::{
        convert_base::ConvertBase, describe::Describe, evaluate::Evaluate, explain::Explain,
        featurize::Featurize, identify::Identify, jobs::Jobs, models::Models, report::Report,
        serve::Serve, simulate::Simulate, split::Split, submit::Submit, token::Token,
        verify_explanations::VerifyExplanations, watch::Watch,
    },
    context::Context,
    failure::{Failure, Result, USAGE},
    interrupt::Interrupt,
    terminal::{self, Progress},
};
use assay_core::ErrorKind;
use clap::{
    ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind as ParseKind,
};
use std::{iter, num::NonZeroUsize, process::ExitCode, time::Duration};

#[cfg(not(feature = "train"))]
use crate::commands::untrained::{
    Untrained as Benchmark, Untrained as CompareClr, Untrained as LrFind, Untrained as Train,
};
#[cfg(feature = "train")]
use crate::commands::{
    benchmark::Benchmark, compare_clr::CompareClr, lr_find::LrFind, train::Train,
};

const ABOUT: &str = "\
Identifies materials from gamma-ray spectra, and says UNKNOWN to what it has never seen.

Give it a folder of spectra (.SPE, .CSV, .CHN, .N42) with a manifest that says which file shows which \
material. It trains a classifier with a gate in front: the gate refuses spectra that are unlike \
all training spectra, the classifier names the rest.";

const AFTER: &str = "\
First steps:
  openassay simulate --out demo --seed 1
  openassay split --manifest demo/manifest.csv --fraction 0.2 --seed 1 \\
      --train demo/train.csv --test demo/test.csv
  openassay train --manifest demo/train.csv --model cnn2d --bundle model --report report.html
  openassay evaluate --bundle model --manifest demo/test.csv --json result.json
  openassay identify --bundle model demo/*/*.SPE

With a server (`openassay serve` in another terminal):
  openassay models push --bundle model --promote
  openassay identify --server http://127.0.0.1:50051 demo/*/*.SPE
  openassay submit train --manifest demo/train.csv --promote --wait

A manifest is a CSV file with the columns file,label,role and optionally group. Paths are
relative to the manifest; role is known or unknown; group names the specimen.

Exit codes: 0 done; 64 wrong command line; 65 unusable data; 66 file not found;
69 something needed is missing; 70 defect of the program; 73 exists already;
75 too much at once: come again later or send less; 77 not allowed; 130 interrupted.

Environment: OPENASSAY_LOG (log filter, e.g. info), OPENASSAY_ONNXRUNTIME (library),
OPENASSAY_BASES_DIR (folder with converted bases), OPENASSAY_SERVER (address of the server, or of
the control service), OPENASSAY_INGEST_SERVER (address of the ingestion service, if it is another),
OPENASSAY_TOKEN_FILE, OPENASSAY_TOKEN (who asks), OPENASSAY_CA (whom to believe),
OTEL_EXPORTER_OTLP_ENDPOINT (where traces of commands go, such as http://127.0.0.1:4317).";

/// So long a command that is done waits for the last of its spans to arrive.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "openassay", version, about = ABOUT, after_help = AFTER, max_term_width = 100)]
pub(crate) struct Cli {
    /// Show no progress and no notes; warnings and errors still appear
    #[arg(short, long, global = true, help_heading = "Common options")]
    quiet: bool,

    /// Log what is done, and when it fails tell the trace: servers log the same under its id
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "quiet",
        help_heading = "Common options"
    )]
    verbose: bool,

    /// Number of threads; all cores when not given
    #[arg(long, global = true, value_name = "N", help_heading = "Common options")]
    threads: Option<NonZeroUsize>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model from a manifest of spectra
    Train(Box<Train>),
    /// Judge a model by labelled spectra
    Evaluate(Evaluate),
    /// Say what single spectra show
    Identify(Identify),
    /// Show why one spectrum got its answer
    Explain(Box<Explain>),
    /// Score explanations against the true lines of simulated spectra
    VerifyExplanations(VerifyExplanations),
    /// Split a manifest into a training and a test part
    Split(Split),
    /// Simulate measured spectra of known and unknown materials
    Simulate(Simulate),
    /// Show the layers, sizes, imaging and gate of a model
    Describe(Describe),
    /// Measure how well a kind of model does under harder and harder conditions
    Benchmark(Box<Benchmark>),
    /// Find the bounds of the learning rate
    LrFind(Box<LrFind>),
    /// Compare learning-rate schedules from one seed
    CompareClr(Box<CompareClr>),
    /// Compute the features that a model or base sees in spectra
    Featurize(Box<Featurize>),
    /// Convert the weights of a pretrained base
    ConvertBase(ConvertBase),
    /// Make a report page from its JSON file
    Report(Report),
    /// Run every service in this process
    Serve(Serve),
    /// Submit a long job to a server
    Submit(Submit),
    /// Watch a job of a server to its end
    Watch(Watch),
    /// Jobs of a server: list, show, cancel, fetch results
    Jobs(Jobs),
    /// Models of a server: list, describe, put, get, promote, roll back
    Models(Models),
    /// Tokens by which a server knows who asks: make, list, revoke
    Token(Token),
}

impl Cli {
    /// Reads the command line, and the name of the command in it, such as `submit train`.
    ///
    /// # Errors
    /// What is to be shown instead.
    pub(crate) fn read() -> Result<(Self, String), clap::Error> {
        let mut command = Self::command();
        let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
        let name = name(&matches);
        let cli = Self::from_arg_matches_mut(&mut matches);
        Ok((cli.map_err(|error| error.format(&mut command))?, name))
    }

    /// Runs the command of this name to its exit code.
    pub(crate) fn run(self, name: &str) -> ExitCode {
        // A server has logs, traces and signals of its own.
        if let Command::Serve(command) = &self.command {
            return command.run();
        }
        let progress = Progress::new(self.quiet);
        let log = match (self.quiet, self.verbose) {
            (true, _) => "error",
            (_, true) => "info",
            _ => "warn",
        };
        let traces = terminal::start_logging(&progress, log);
        let (span, place) = assay_trace::begin(
            None,
            |_| tracing::info_span!(parent: None, "command", command.name = name),
        );
        let verbose = self.verbose;
        let code = match span.in_scope(|| self.work(progress)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                assay_trace::failed(&span, failure.message());
                let code = failure.report();
                if verbose {
                    terminal::tell(&format!("trace: {}\n", place.trace_id()));
                }
                code
            }
        };
        drop(span);
        if let Some(traces) = traces {
            traces.end(LAST_SPANS);
        }
        code
    }

    fn work(self, progress: Progress) -> Result {
        limit_threads(self.threads)?;
        let context = Context {
            progress,
            interrupt: Interrupt::listen(),
            threads: self.threads,
        };
        match self.command {
            Command::Train(command) => command.run(&context),
            Command::Evaluate(command) => command.run(&context),
            Command::Identify(command) => command.run(&context),
            Command::Explain(command) => command.run(&context),
            Command::VerifyExplanations(command) => command.run(&context),
            Command::Split(command) => command.run(&context),
            Command::Simulate(command) => command.run(&context),
            Command::Describe(command) => command.run(&context),
            Command::Benchmark(command) => command.run(&context),
            Command::LrFind(command) => command.run(&context),
            Command::CompareClr(command) => command.run(&context),
            Command::Featurize(command) => command.run(&context),
            Command::ConvertBase(command) => command.run(&context),
            Command::Report(command) => command.run(&context),
            Command::Serve(_) => Ok(()),
            Command::Submit(command) => command.run(&context),
            Command::Watch(command) => command.run(&context),
            Command::Jobs(command) => command.run(&context),
            Command::Models(command) => command.run(&context),
            Command::Token(command) => command.run(&context),
        }
    }
}

/// The names of the commands that were given.
fn name(matches: &ArgMatches) -> String {
    let commands = iter::successors(matches.subcommand(), |(_, below)| below.subcommand());
    let names: Vec<_> = commands.map(|(name, _)| name).collect();
    names.join(" ")
}

fn limit_threads(threads: Option<NonZeroUsize>) -> Result {
    let Some(threads) = threads else {
        return Ok(());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build_global()
        .map_err(|error| {
            Failure::new(
                ErrorKind::ResourceExhausted,
                format!("cannot start {threads} threads: {error}; give a smaller --threads"),
            )
        })
}

/// Shows help, the version or what is wrong with the command line.
pub(crate) fn show(message: &clap::Error) -> ExitCode {
    // Nothing can be done about a closed output.
    let _ = message.print();
    match message.kind() {
        ParseKind::DisplayHelp | ParseKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(USAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
