//! `openassay report`: the page of a stored report.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
};
use assay_report::{TrainingReport, render_html};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Example:
  openassay report report.json --out report.html";

/// Make a report page from its JSON file
///
/// `openassay train --report` writes a page and, beside it, a JSON file with the same content.
/// This command makes the page again, for example with a newer version of the program.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Report {
    /// JSON file of a report
    #[arg(value_name = "REPORT.json")]
    source: PathBuf,

    /// Page to write; beside the JSON file when not given
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
}

impl Report {
    pub(crate) fn run(&self, context: &Context) -> Result {
        let out = match &self.out {
            Some(out) => out.clone(),
            None => self.source.with_extension("html"),
        };
        if out == self.source {
            return Err(Failure::usage(format!(
                "--out {} is the JSON file itself; name another file",
                out.display()
            )));
        }
        file::check_writable(&out)?;
        let text = file::read_text(&self.source)?;
        let page = TrainingReport::from_json(&text)
            .and_then(|report| render_html(&report))
            .map_err(|error| Failure::from(error).while_doing(self.source.display()))?;
        file::write(&out, page.as_bytes())?;
        context.progress.note(&format!("report: {}", out.display()));
        Ok(())
    }
}
