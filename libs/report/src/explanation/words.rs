//! What an explanation says, in sentences.

use super::{Explanation, GateVerdict, ShapTotals, Verdict};
use crate::number;

/// The answer in a few words.
pub(crate) fn headline(verdict: &Verdict) -> String {
    match (&verdict.gate, verdict.is_known()) {
        (_, false) => "UNKNOWN: refused by the gate".into(),
        (Some(_), true) => format!("{}, accepted by the gate", verdict.label),
        (None, true) => verdict.label.clone(),
    }
}

/// What the answer rests on, one sentence each.
pub(crate) fn reasons(verdict: &Verdict) -> Vec<String> {
    let nearest = verdict
        .classes
        .iter()
        .find(|class| class.class == verdict.nearest_class)
        .map_or(0.0, |class| class.probability);
    let nearest = number::percent(nearest);
    let mut sentences = Vec::new();
    match &verdict.gate {
        Some(gate) => sentences.push(gate_sentence(gate)),
        None => sentences.push(
            "The model has no gate: it names the nearest class whatever was measured.".into(),
        ),
    }
    sentences.push(if verdict.is_known() {
        format!(
            "{} has a probability of {nearest} among the known classes.",
            verdict.label
        )
    } else {
        format!(
            "The nearest class would be {}, with a probability of {nearest} among the known \
             classes; the gate says that it is not to be trusted here.",
            verdict.nearest_class
        )
    });
    sentences.extend(verdict.gate.as_ref().and_then(p_value_sentence));
    sentences
}

fn gate_sentence(gate: &GateVerdict) -> String {
    let (sign, outcome) = if gate.accepts() {
        ("≥", "passes")
    } else {
        ("<", "fails")
    };
    format!(
        "{}: gate score {} {sign} threshold {}, so the spectrum {outcome}.",
        gate.detector,
        number::plain(gate.score),
        number::plain(gate.threshold),
    )
}

fn p_value_sentence(gate: &GateVerdict) -> Option<String> {
    let p = gate.p_value?;
    Some(format!(
        "p-value {} of {} training scores: the share of them, this spectrum included, that are as \
         low or lower. The threshold refuses {} of known spectra.",
        number::p_value(p),
        gate.n_calibration,
        number::percent(gate.alpha),
    ))
}

/// What the evidence is about; nothing where there is none.
pub(crate) fn explained(explanation: &Explanation) -> Option<String> {
    let has_map = explanation
        .image
        .as_ref()
        .is_some_and(|image| image.map.is_some());
    if explanation.importance.is_none() && explanation.peaks.is_none() && !has_map {
        return None;
    }
    let class = &explanation.explained_class;
    let verdict = &explanation.verdict;
    let why = if !verdict.is_known() && *class == verdict.nearest_class {
        "the nearest class, although the gate refused"
    } else if *class == verdict.nearest_class {
        "the answer"
    } else {
        "a class that was asked for, not the answer"
    };
    Some(format!("Evidence below is for and against {class}: {why}."))
}

/// Additivity of one class in words.
pub(crate) fn additivity(totals: &ShapTotals, output_name: &str) -> String {
    format!(
        "base {} {} sum {} = {output_name} {}",
        number::brief(totals.base),
        if totals.sum < 0.0 { "−" } else { "+" },
        number::brief(totals.sum.abs()),
        number::brief(totals.output),
    )
}

/// Live, real and dead time.
pub(crate) fn times(explanation: &Explanation) -> Option<String> {
    let spectrum = &explanation.spectrum;
    match (spectrum.live_time_s, spectrum.real_time_s) {
        (Some(live), Some(real)) if real > 0.0 && live <= real => Some(format!(
            "live {}, real {}, dead {}",
            number::duration(live),
            number::duration(real),
            number::percent(1.0 - live / real)
        )),
        (Some(live), Some(real)) => Some(format!(
            "live {}, real {}",
            number::duration(live),
            number::duration(real)
        )),
        (Some(live), None) => Some(format!("live {}", number::duration(live))),
        (None, Some(real)) => Some(format!("real {}", number::duration(real))),
        (None, None) => None,
    }
}

/// A whole number with thin spaces between groups of three digits.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
