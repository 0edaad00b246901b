//! `openassay identify`: what single spectra show, by a bundle here or a model of a server.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    options::{JsonFlag, JsonTarget},
    remote::{CredentialOptions, Remote, SERVER},
    terminal::{Align, Table, number},
};
use assay_api::gate::{
    DescribeGateRequest, IdentifyRequest, gate_service_client::GateServiceClient,
};
use assay_core::{ErrorKind, UNKNOWN};
use assay_pipeline::{Answer, Identifier, IdentifierOptions};
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  openassay identify --bundle model sample.SPE
  openassay identify --bundle model --json *.SPE | jq '.[] | [.file, .verdict, .label]'
  openassay identify --server http://127.0.0.1:50051 --name pgaa sample.SPE

UNKNOWN is an answer, not an error: the spectrum is unlike all training spectra. The p-value is
the share of training spectra that are as unlike or more. A file that cannot be used is reported,
the others are still answered, and the exit code is not 0.";

/// Say what single spectra show
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Identify {
    /// Model bundle
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "server",
        conflicts_with = "server"
    )]
    bundle: Option<PathBuf>,

    /// Ask this server instead, such as http://127.0.0.1:50051; of services that run apart, the
    /// gate
    #[arg(long, value_name = "URL")]
    server: Option<String>,

    /// With --server: the model: NAME (what production points to), NAME@ALIAS, NAME:VERSION or a
    /// bundle's digest [default: the server's default model]
    #[arg(long, value_name = "MODEL", requires = "server")]
    name: Option<String>,

    #[command(flatten)]
    credentials: CredentialOptions,

    /// Spectra (.SPE, .CSV, .CHN or .N42); "-" reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    json: JsonFlag,
}

/// The answer about one file, or why there is none.
#[derive(Debug, Serialize)]
struct Entry {
    file: String,
    #[serde(flatten)]
    answer: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Under which the servers that were asked log their part.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

/// One entry per file, and the first failure.
type Answers = (Vec<Entry>, Option<Failure>);

impl Identify {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        let (entries, first_failure) = match (&self.bundle, &self.server) {
            (Some(bundle), _) => self.answers_here(context, bundle)?,
            (None, Some(server)) => self.answers_there(context, server)?,
            (None, None) => return Err(Failure::usage("--bundle or --server is needed")),
        };
        let answers = || {
            entries
                .iter()
                .filter_map(|e| Some((&e.file, e.answer.as_ref()?)))
        };
        for (file, answer) in answers() {
            for warning in &answer.warnings {
                context
                    .progress
                    .warn(&format!("{file}: {}", warning.message));
            }
        }
        context.answer(self.json.json.as_ref(), &entries, || {
            match answers().next() {
                Some(_) => table(answers()),
                None => String::new(),
            }
        })?;
        first_failure.map_or(Ok(()), Err)
    }

    fn answers_here(&self, context: &Context, bundle: &Path) -> Result<Answers> {
        let options = IdentifierOptions {
            session: context.session_options(),
            clock: Some(crate::clock::since_start),
            ..IdentifierOptions::default()
        };
        let identifier = Identifier::open(bundle, &options)?;
        self.answers(context, file::read_spectrum, |bytes, file| {
            Ok(identifier.identify(&bytes, file)?)
        })
    }

    fn answers_there(&self, context: &Context, server: &str) -> Result<Answers> {
        let remote = Remote::new(server, SERVER, &self.credentials)?;
        let mut gate = remote.client(GateServiceClient::new);
        let model = self.name.clone().unwrap_or_default();
        // A server or a model that is not there is told once, and not for every file.
        let described = DescribeGateRequest {
            model: model.clone(),
        };
        remote.call(gate.describe_gate(described))?;
        self.answers(context, file::read_spectrum_to_send, |content, file| {
            let request = IdentifyRequest {
                model: model.clone(),
                content,
                file_name: file.to_owned(),
                spectrum_digest: String::new(),
            };
            let answer = remote
                .call(gate.identify(request))
                .map_err(|failure| failure.about_file(file))?;
            assay_api::answer::from_wire(&answer).map_err(Failure::from)
        })
    }

    /// One entry per file, and the first failure, which decides the exit code.
    fn answers(
        &self,
        context: &Context,
        read: impl Fn(&Path) -> Result<Vec<u8>>,
        mut identify: impl FnMut(Vec<u8>, &str) -> Result<Answer>,
    ) -> Result<Answers> {
        let mut failures = Vec::new();
        let entries = context.watched("identifying", |watch| {
            let mut entries = Vec::with_capacity(self.files.len());
            for (done, path) in self.files.iter().enumerate() {
                if watch.is_cancelled() {
                    return Err(Failure::new(ErrorKind::Cancelled, "interrupted"));
                }
                let file = path.display().to_string();
                let asked = || read(path).and_then(|bytes| identify(bytes, &file));
                let answer = assay_trace::item(done + 1).in_scope(asked);
                let trace = || assay_trace::current().map(|place| place.trace_id());
                let failed_there = answer.is_err() && self.server.is_some();
                let (answer, error) = match answer {
                    Ok(answer) => (Some(answer), None),
                    Err(failure) => {
                        let message = failure.message().to_owned();
                        failures.push(failure);
                        (None, Some(message))
                    }
                };
                entries.push(Entry {
                    file,
                    answer,
                    error,
                    trace_id: failed_there.then(trace).flatten(),
                });
                watch.report(done + 1, self.files.len());
            }
            Ok(entries)
        })?;
        let mut failures = failures.into_iter();
        let first = failures.next();
        // The first one is reported at the end, with the exit code.
        for failure in failures {
            context.progress.beside(|| failure.report());
        }
        Ok((entries, first))
    }
}

fn table<'a>(answers: impl Iterator<Item = (&'a String, &'a Answer)>) -> String {
    let mut table = Table::new([
        ("file", Align::Left),
        ("answer", Align::Left),
        ("best class", Align::Left),
        ("probability", Align::Right),
        ("gate score", Align::Right),
        ("threshold", Align::Right),
        ("p-value", Align::Right),
        ("n", Align::Right),
    ]);
    for (file, answer) in answers {
        let best = &answer.closed_set_label;
        let probability = answer
            .class_probabilities
            .iter()
            .find(|class| class.label == *best)
            .map_or(f64::NAN, |class| f64::from(class.probability));
        table.row([
            file.clone(),
            answer
                .label
                .as_ref()
                .map_or(UNKNOWN, |label| label.as_str())
                .to_owned(),
            best.to_string(),
            format!("{probability:.3}"),
            number(answer.gate.score),
            number(answer.gate.threshold),
            format!("{:.3}", answer.gate.p_value),
            answer.gate.n.to_string(),
        ]);
    }
    table.render()
}
