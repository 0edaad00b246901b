//! `openassay evaluate`: how a bundle does on labelled spectra.

use crate::{
    context::Context,
    failure::Result,
    judgement::{self, Judgement},
    options::{JsonFile, JsonTarget},
    report_content,
};
use assay_pipeline::{
    Dataset, Identifier, IdentifierOptions, Manifest,
    evaluate::{check_labels, evaluate_dataset},
};
use assay_report::PartKind;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay evaluate --bundle model --manifest test.csv
  openassay evaluate --bundle model --manifest test.csv --json result.json --report report.html

known_correct counts known spectra that the gate accepted and that got the right class;
unknown_rejected counts rows with role unknown that the gate refused.";

/// Judge a model by labelled spectra
///
/// Rows with role unknown are unknowns, which the gate should refuse. Labels of known rows must
/// be classes of the model.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Evaluate {
    /// Model bundle
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,

    /// Labelled spectra
    #[arg(long, value_name = "FILE.csv")]
    manifest: PathBuf,

    /// Add the judgement to the report page of this model, or begin one
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    #[command(flatten)]
    json: JsonFile,
}

impl Evaluate {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        if let Some(report) = &self.report {
            report_content::check_place(report)?;
        }
        let identifier = Identifier::open(
            &self.bundle,
            &IdentifierOptions {
                session: context.session_options(),
                ..IdentifierOptions::default()
            },
        )?;
        let manifest = Manifest::read(&self.manifest)?;
        check_labels(&identifier.bundle().contents().classes, &manifest)?;
        let dataset =
            context.watched("reading spectra", |watch| Dataset::load(&manifest, watch))?;
        let report = context.watched("evaluating", |watch| {
            evaluate_dataset(&identifier, &dataset, watch)
        })?;
        let judgement = Judgement::new(identifier.bundle().id(), &dataset, report);
        judgement.tell_warnings(context);
        if let Some(page) = &self.report {
            let name = judgement::set_name(&self.manifest);
            let part = report_content::part(&name, PartKind::Test, &judgement);
            report_content::add_evaluation(page, identifier.bundle(), part)?;
            context
                .progress
                .note(&format!("report: {}", page.display()));
        }
        context.answer(self.json.json.as_ref(), &judgement, || judgement.table())
    }
}
