//! `openassay identify`: what single spectra show.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    options::{JsonFlag, JsonTarget},
    terminal::{Align, Table, number},
};
use assay_core::{ErrorKind, UNKNOWN};
use assay_pipeline::{Answer, Identifier, IdentifierOptions};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay identify --bundle model sample.SPE
  openassay identify --bundle model --json *.SPE | jq '.[] | [.file, .verdict, .label]'

UNKNOWN is an answer, not an error: the spectrum is unlike all training spectra. The p-value is
the share of training spectra that are as unlike or more. A file that cannot be used is reported,
the others are still answered, and the exit code is not 0.";

/// Say what single spectra show
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Identify {
    /// Model bundle
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,

    /// Spectra (.SPE or .CSV); "-" reads standard input
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
}

impl Identify {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        let identifier = Identifier::open(
            &self.bundle,
            &IdentifierOptions {
                session: context.session_options(),
                clock: Some(crate::clock::since_start),
                ..IdentifierOptions::default()
            },
        )?;
        let (entries, first_failure) = self.answers(context, &identifier)?;
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

    /// One entry per file, and the first failure, which decides the exit code.
    fn answers(
        &self,
        context: &Context,
        identifier: &Identifier,
    ) -> Result<(Vec<Entry>, Option<Failure>)> {
        let mut failures = Vec::new();
        let entries = context.watched("identifying", |watch| {
            let mut entries = Vec::with_capacity(self.files.len());
            for (done, path) in self.files.iter().enumerate() {
                if watch.is_cancelled() {
                    return Err(Failure::new(ErrorKind::Cancelled, "interrupted"));
                }
                let file = path.display().to_string();
                let answer = file::read_spectrum(path)
                    .and_then(|bytes| Ok(identifier.identify(&bytes, &file)?));
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
