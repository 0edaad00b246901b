//! What is asked of an explanation.

use crate::{
    failure::{Failure, Result},
    options::ReasonOptions,
};
use assay_core::ErrorKind;
use assay_explain::{EvidenceSettings, ExplanationSpec};
use assay_pipeline::Judge;
use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Explanation")]
pub(crate) struct ExplainOptions {
    #[command(flatten)]
    reasons: ReasonOptions,

    /// Do not take out peaks one by one
    #[arg(long)]
    no_peaks: bool,

    /// Most peaks that are taken out, the most significant ones first
    #[arg(long, value_name = "N", default_value_t = EvidenceSettings::default().most_tested)]
    most_peaks: usize,
}

/// The same, checked.
pub(super) struct Settings {
    pub(super) spec: ExplanationSpec,
    pub(super) evidence: Option<EvidenceSettings>,
}

impl ExplainOptions {
    pub(super) fn settings(&self) -> Result<Settings> {
        let evidence = EvidenceSettings {
            most_tested: self.most_peaks,
            ..EvidenceSettings::default()
        };
        evidence.check()?;
        Ok(Settings {
            spec: self.reasons.spec()?,
            evidence: (!self.no_peaks).then_some(evidence),
        })
    }
}

impl Settings {
    /// The class that was asked for.
    pub(super) fn class(&self, judge: &Judge) -> Result<Option<usize>> {
        let Some(asked) = &self.spec.label else {
            return Ok(None);
        };
        let classes = &judge.bundle().contents().classes;
        let position = classes.iter().position(|class| class.as_str() == asked);
        if position.is_some() {
            return Ok(position);
        }
        let known: Vec<_> = classes.iter().map(ToString::to_string).collect();
        Err(Failure::new(
            ErrorKind::InvalidArgument,
            format!(
                "--class {asked:?}: the model has no such class; it has {}",
                known.join(", ")
            ),
        ))
    }
}
