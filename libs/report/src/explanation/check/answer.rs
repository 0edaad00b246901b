//! Checks of verdict and gate.

use super::{fits, share};
use crate::ReportError;
use crate::check::{finite, finite_option, inconsistent};
use crate::explanation::{Explanation, GateVerdict, Verdict};

/// How far probabilities may be from a sum of one; they come from single precision.
const SUM_TOLERANCE: f64 = 1e-3;

pub(super) fn check_verdict(explanation: &Explanation) -> Result<(), ReportError> {
    let verdict = &explanation.verdict;
    for (i, class) in verdict.classes.iter().enumerate() {
        let at = |name: &str| format!("verdict.classes[{i}].{name}");
        share(at("probability"), class.probability)?;
        finite(at("logit"), class.logit)?;
        if verdict.classes[..i].iter().any(|c| c.class == class.class) {
            let reason = format!("\"{}\" stands in the list twice", class.class);
            return Err(inconsistent(at("class"), reason));
        }
    }
    let sum: f64 = verdict.classes.iter().map(|c| c.probability).sum();
    let adds_up = (sum - 1.0).abs() <= SUM_TOLERANCE;
    fits(
        "verdict.classes.probability (sum)".into(),
        sum,
        adds_up,
        "1, within 0.001",
    )?;
    known(verdict, "verdict.nearest_class", &verdict.nearest_class)?;
    known(verdict, "explained_class", &explanation.explained_class)?;
    if verdict.is_known() {
        known(verdict, "verdict.label", &verdict.label)?;
    }
    match &verdict.gate {
        Some(gate) => check_gate(verdict, gate),
        None if verdict.is_known() => Ok(()),
        None => Err(inconsistent(
            "verdict.gate".into(),
            "the label is UNKNOWN, but no gate is there that could have refused".into(),
        )),
    }
}

fn check_gate(verdict: &Verdict, gate: &GateVerdict) -> Result<(), ReportError> {
    finite("verdict.gate.score".into(), gate.score)?;
    finite("verdict.gate.threshold".into(), gate.threshold)?;
    let alpha = gate.alpha;
    let inside = alpha > 0.0 && alpha < 1.0;
    fits(
        "verdict.gate.alpha".into(),
        alpha,
        inside,
        "above 0 and below 1",
    )?;
    finite_option("verdict.gate.p_value".into(), gate.p_value)?;
    if let Some(p) = gate.p_value {
        let inside = p > 0.0 && p <= 1.0;
        fits(
            "verdict.gate.p_value".into(),
            p,
            inside,
            "above 0 and at most 1",
        )?;
    }
    if gate.accepts() == verdict.is_known() {
        return Ok(());
    }
    Err(inconsistent(
        "verdict.label".into(),
        format!(
            "it is \"{}\", but a gate score of {} against the threshold {} says otherwise",
            verdict.label, gate.score, gate.threshold
        ),
    ))
}

fn known(verdict: &Verdict, field: &str, label: &str) -> Result<(), ReportError> {
    if verdict.classes.iter().any(|class| class.class == label) {
        return Ok(());
    }
    Err(inconsistent(
        field.into(),
        format!("\"{label}\" is none of verdict.classes"),
    ))
}

pub(super) fn check_gate_scores(explanation: &Explanation) -> Result<(), ReportError> {
    let Some(scores) = &explanation.gate_scores else {
        return Ok(());
    };
    if explanation.verdict.gate.is_none() {
        return Err(inconsistent(
            "gate_scores".into(),
            "verdict.gate is missing, so that they have no threshold".into(),
        ));
    }
    for (i, &score) in scores.scores.iter().enumerate() {
        finite(format!("gate_scores.scores[{i}]"), score)?;
    }
    Ok(())
}
