//! `openassay lr-find`: the learning-rate finder's curve and the bounds read from it.

use crate::{
    clock,
    context::Context,
    failure::Result,
    options::{JsonFile, JsonTarget, SpecOptions},
    report_content,
    terminal::curve,
    training::{Watching, Work},
};
use assay_train::{FinderOutcome, find_rates};
use assay_training_report::finder_report;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay lr-find --manifest train.csv --model cnn1d
  openassay lr-find --manifest train.csv --model cnn2d --lr-frac 0.9 --report rates.html

The bounds can be given to `openassay train` with --lr-bounds.";

/// Find the bounds of the learning rate
///
/// Raises the learning rate step by step, and reads from the curve of the loss where training
/// begins to work and where it is fastest. `train` does this by itself.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LrFind {
    /// Training spectra: CSV with file,label,role and optionally group
    #[arg(long, value_name = "FILE.csv")]
    manifest: PathBuf,

    /// Write the curve as a page, and its data beside it as .json
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    #[command(flatten)]
    spec: SpecOptions,

    #[command(flatten)]
    json: JsonFile,
}

impl LrFind {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        if let Some(page) = &self.report {
            report_content::check_place(page)?;
        }
        let spec = self.spec.spec(context)?;
        let work = Work::load(context, &self.spec, &spec, &self.manifest)?;
        let watching = Watching::training(context);
        let finder = find_rates(work.data(), &spec, &work.resources(), &watching)?;
        watching.finish();
        if let Some(page) = &self.report {
            report_content::write(
                page,
                &finder_report(&finder, &spec, &work.dataset, &clock::now()),
            )?;
            context
                .progress
                .note(&format!("report: {}", page.display()));
        }
        context.answer(self.json.json.as_ref(), &finder, || for_people(&finder))
    }
}

fn for_people(finder: &FinderOutcome) -> String {
    let points: Vec<(f64, f64)> = finder
        .curve
        .iter()
        .map(|point| (f64::from(point.rate).log10(), point.smoothed))
        .collect();
    let marks = [finder.bounds.base.log10(), finder.bounds.max.log10()];
    let mut text = String::new();
    if !points.is_empty() {
        text += "smoothed loss over log10 of the learning rate; | marks the bounds\n\n";
        text += &curve(&points, &marks);
        text.push('\n');
    }
    text + &format!(
        "bounds  --lr-bounds {:.4e},{:.4e}\n",
        finder.bounds.base, finder.bounds.max
    )
}
