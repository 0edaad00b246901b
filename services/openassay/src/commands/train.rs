//! `openassay train`: from a manifest of spectra to a model bundle.

use crate::{
    clock,
    context::Context,
    failure::{Failure, Result},
    file,
    judgement::{self, Judgement},
    options::{JsonFile, JsonTarget, SpecOptions},
    report_content,
    terminal::number,
    training::{Watching, Work},
};
use assay_core::ErrorKind;
use assay_pipeline::{
    Bundle, Dataset, Identifier, IdentifierOptions, Manifest, PipelineError, Watch,
    bundle::{DOCUMENT_FILE, Existing},
    evaluate::{check_labels, evaluate_dataset},
};
use assay_report::PartKind;
use assay_reporting::words;
use assay_train::{CheckpointSettings, Trained, TrainingOutcome, TrainingSpec, train};
use assay_training_report::training_report;
use clap::Args;
use serde::Serialize;
use std::{
    fs,
    num::NonZeroU64,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  openassay train --manifest train.csv --model cnn2d --bundle model --report report.html
  openassay train --manifest train.csv --test test.csv --bundle model --thin short
  openassay train --manifest train.csv --model cnn1d --bundle tutorial \\
      --reproduce tutorial --validation manifest:test.csv
  openassay train --manifest train.csv --bundle model --checkpoint state    # interrupted …
  openassay train --manifest train.csv --bundle model --checkpoint state --resume

Rows with role unknown in the manifest are known unknowns: they help to choose k, and are never
trained on. Bases: efficientnet-lite0, -lite1, -lite2, mobilenet-v1-<alpha>, mobilenet-v3-small.";

/// Train a model from a manifest of spectra
///
/// Reads the spectra, finds the learning rates, trains, fits the gate, judges, and writes the
/// model as a folder (the bundle) that `identify`, `evaluate` and plain ONNX Runtime can use.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Train {
    /// Training spectra: CSV with file,label,role and optionally group
    #[arg(long, value_name = "FILE.csv")]
    manifest: PathBuf,

    /// Folder to write the model to
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,

    /// Replace a model that stands there already
    #[arg(long)]
    replace: bool,

    /// Also judge the finished model by these spectra
    #[arg(long, value_name = "FILE.csv")]
    test: Option<PathBuf>,

    /// Write a report page, and its data beside it as .json
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// Keep the state of the training in DIR, so that it can be resumed
    #[arg(long, value_name = "DIR", help_heading = "Training")]
    checkpoint: Option<PathBuf>,

    /// Steps between two checkpoints
    #[arg(
        long,
        value_name = "N",
        default_value = "100",
        requires = "checkpoint",
        help_heading = "Training"
    )]
    checkpoint_every: NonZeroU64,

    /// Go on from the state in the --checkpoint folder
    #[arg(long, requires = "checkpoint", help_heading = "Training")]
    resume: bool,

    /// Write TensorBoard event files to DIR
    #[arg(long, value_name = "DIR", help_heading = "Training")]
    tensorboard: Option<PathBuf>,

    #[command(flatten)]
    spec: SpecOptions,

    #[command(flatten)]
    json: JsonFile,
}

#[derive(Debug, Serialize)]
struct Answer {
    bundle: PathBuf,
    id: String,
    outcome: TrainingOutcome,
    test: Option<Judgement>,
    warnings: Vec<String>,
}

impl Train {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.check_places()?;
        let spec = self.specification(context)?;
        let test_manifest = self.test.as_deref().map(Manifest::read).transpose()?;
        let work = Work::load(context, &self.spec, &spec, &self.manifest)?;
        let test = match &test_manifest {
            Some(manifest) => Some(load_test(context, manifest, work.dataset.classes())?),
            None => None,
        };
        let watching = Watching::training(context);
        let trained = train(work.data(), &spec, &work.resources(), &watching)?;
        watching.finish();
        let warnings = watching.warnings();
        for warning in &warnings {
            context.progress.warn(warning);
        }
        let test = test
            .map(|dataset| judge(context, &trained.bundle, &dataset))
            .transpose()?;
        let report = match &self.report {
            Some(_) => Some(self.report(&trained, &spec, &work.dataset, test.as_ref())?),
            None => None,
        };
        let existing = if self.replace {
            Existing::Replace
        } else {
            Existing::Keep
        };
        trained.bundle.write(&self.bundle, existing)?;
        if let (Some(page), Some(report)) = (&self.report, &report) {
            report_content::write(page, report)?;
            context
                .progress
                .note(&format!("report: {}", page.display()));
        }
        let answer = Answer {
            bundle: self.bundle.clone(),
            id: trained.bundle.id().to_string(),
            outcome: trained.outcome,
            test,
            warnings,
        };
        context.answer(self.json.json.as_ref(), &answer, || answer.for_people())
    }

    /// Whatever cannot be written in the end is refused before the work.
    fn check_places(&self) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        if let Some(report) = &self.report {
            report_content::check_place(report)?;
        }
        let exists = |what| {
            Err(Failure::from(PipelineError::BundleExists {
                path: self.bundle.clone(),
                what,
            }))
        };
        if self.bundle.join(DOCUMENT_FILE).is_file() {
            return match self.replace {
                true => Ok(()),
                false => exists("is a bundle; choose another place or add --replace"),
            };
        }
        let entries = fs::read_dir(&self.bundle).map(|mut entries| entries.next().is_some());
        match entries {
            Ok(true) => exists("is a folder with other things in it; choose another place"),
            Ok(false) => Ok(()),
            Err(_) if self.bundle.exists() => exists("is no folder; choose another place"),
            Err(_) => file::check_writable(&self.bundle),
        }
    }

    fn specification(&self, context: &Context) -> Result<TrainingSpec> {
        let mut spec = self.spec.spec(context)?;
        spec.execution.tensorboard.clone_from(&self.tensorboard);
        if let Some(folder) = &self.checkpoint {
            if !self.resume && holds_something(folder) {
                return Err(Failure::new(
                    ErrorKind::AlreadyExists,
                    format!(
                        "--checkpoint {} is not empty; add --resume to go on from it, or name \
                         another folder",
                        folder.display()
                    ),
                ));
            }
            spec.execution.checkpoints = Some(CheckpointSettings {
                folder: folder.clone(),
                every_steps: self.checkpoint_every.get(),
            });
        }
        spec.check()?;
        Ok(spec)
    }

    fn report(
        &self,
        trained: &Trained,
        spec: &TrainingSpec,
        dataset: &Dataset,
        test: Option<&Judgement>,
    ) -> Result<assay_report::TrainingReport> {
        let mut report = training_report(trained, spec, dataset, &clock::now())?;
        if let (Some(judgement), Some(manifest)) = (test, &self.test) {
            let name = judgement::set_name(manifest);
            report.put_evaluation(report_content::part(&name, PartKind::Test, judgement));
        }
        Ok(report)
    }
}

fn holds_something(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn load_test(
    context: &Context,
    manifest: &Manifest,
    classes: &[assay_core::ClassLabel],
) -> Result<Dataset> {
    check_labels(classes, manifest)?;
    let load = |watch: &Watch<'_>| Dataset::load(manifest, watch);
    Ok(context.watched("reading test spectra", load)?)
}

fn judge(context: &Context, bundle: &Bundle, dataset: &Dataset) -> Result<Judgement> {
    let options = IdentifierOptions {
        session: context.session_options(),
        ..IdentifierOptions::default()
    };
    let identifier = Identifier::new(bundle.clone(), &options)?;
    let report = context.watched("judging test spectra", |watch| {
        evaluate_dataset(&identifier, dataset, watch)
    })?;
    let judgement = Judgement::new(bundle.id(), dataset, report);
    judgement.tell_warnings(context);
    Ok(judgement)
}

impl Answer {
    fn for_people(&self) -> String {
        let outcome = &self.outcome;
        let bounds = &outcome.finder.bounds;
        let gate = &outcome.gate.record;
        let mut text = format!("learning rates  {:.3e} to {:.3e}", bounds.base, bounds.max);
        text += if outcome.finder.given {
            " (given)\n"
        } else {
            " (found)\n"
        };
        if let Some(last) = outcome.history.last() {
            text += &format!(
                "training        loss {}, accuracy {:.1} % after {} epochs\n",
                number(last.loss),
                last.accuracy * 100.0,
                last.epoch + 1
            );
        }
        let validated = outcome
            .validation_history
            .as_ref()
            .unwrap_or(&outcome.history);
        if let Some((loss, accuracy)) = validated
            .last()
            .and_then(|last| Some((last.validation_loss?, last.validation_accuracy?)))
        {
            text += &format!(
                "validation      loss {}, accuracy {:.1} %\n",
                number(loss),
                accuracy * 100.0
            );
        }
        text += &format!(
            "gate            {}; accepted at {} or above; alpha {}\n",
            words::detector(&gate.detector),
            number(gate.threshold),
            gate.alpha
        );
        text += &format!("bundle          {}\n", self.bundle.display());
        text += &format!("                {}\n", self.id);
        if let Some(test) = &self.test {
            text += &format!("\ntest:\n{}", test.table());
        }
        text
    }
}
