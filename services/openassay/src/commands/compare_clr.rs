//! `openassay compare-clr`: learning-rate schedules side by side from one seed.

use crate::{
    clock,
    context::Context,
    failure::Result,
    options::{JsonFile, JsonTarget, SpecOptions},
    report_content,
    terminal::{Align, Table, number},
    training::{Watching, Work},
};
use assay_train::{ClrComparison, compare_clr};
use assay_training_report::{clr_name, comparison_report};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay compare-clr --manifest train.csv --model cnn1d --report schedules.html
  openassay compare-clr --manifest train.csv --model cnn1d --lr-bounds 1e-4,1e-2 --epochs 40

All runs start from the same weights and see the same batches.";

/// Compare learning-rate schedules from one seed
///
/// Trains with a constant rate, with triangular and with triangular2 cycles, and shows the curves
/// side by side, as the published tutorial does.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareClr {
    /// Training spectra: CSV with file,label,role and optionally group
    #[arg(long, value_name = "FILE.csv")]
    manifest: PathBuf,

    /// Write the curves as a page, and their data beside it as .json
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    #[command(flatten)]
    spec: SpecOptions,

    #[command(flatten)]
    json: JsonFile,
}

impl CompareClr {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        if let Some(page) = &self.report {
            report_content::check_place(page)?;
        }
        let spec = self.spec.spec(context)?;
        let work = Work::load(context, &self.spec, &spec, &self.manifest)?;
        let watching = Watching::training(context);
        let comparison = compare_clr(work.data(), &spec, &work.resources(), &watching)?;
        watching.finish();
        if let Some(page) = &self.report {
            let report = comparison_report(&comparison, &spec, &work.dataset, &clock::now());
            report_content::write(page, &report)?;
            context
                .progress
                .note(&format!("report: {}", page.display()));
        }
        context.answer(self.json.json.as_ref(), &comparison, || {
            for_people(&comparison)
        })
    }
}

/// Ten epochs, evenly spread, of every schedule.
fn for_people(comparison: &ClrComparison) -> String {
    let mut headers = vec![("epoch".to_owned(), Align::Right)];
    for run in &comparison.runs {
        let name = clr_name(run.clr);
        headers.push((format!("{name}: loss"), Align::Right));
        headers.push(("validation".to_owned(), Align::Right));
        headers.push(("accuracy".to_owned(), Align::Right));
    }
    let mut table = Table::new(headers);
    let epochs = comparison
        .runs
        .iter()
        .map(|run| run.history.len())
        .max()
        .unwrap_or(0);
    let step = epochs.div_ceil(10).max(1);
    for epoch in (0..epochs).filter(|e| (e + 1) % step == 0 || e + 1 == epochs) {
        let mut row = vec![(epoch + 1).to_string()];
        for run in &comparison.runs {
            let record = run.history.get(epoch);
            let cell = |value: Option<f64>| value.map_or("–".to_owned(), number);
            row.push(cell(record.map(|r| r.loss)));
            row.push(cell(record.and_then(|r| r.validation_loss)));
            let accuracy = record.map(|r| r.validation_accuracy.unwrap_or(r.accuracy));
            row.push(accuracy.map_or("–".to_owned(), |a| format!("{:.1} %", a * 100.0)));
        }
        table.row(row);
    }
    let bounds = &comparison.finder.bounds;
    format!(
        "learning rates {:.3e} to {:.3e}; accuracy of the validation spectra where there are any\n\n{}",
        bounds.base,
        bounds.max,
        table.render()
    )
}
