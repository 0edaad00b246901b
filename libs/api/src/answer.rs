//! Answers. Every number keeps its bits, with one exception that the wire makes: a single number
//! that is -0.0 comes back as 0.0.

use crate::{WireError, field, gate as wire, warning};
use assay_core::ClassLabel;
use assay_pipeline::{Answer, ClassProbability, GateReading, Timings, Verdict};

/// An answer for the wire.
#[must_use]
pub fn to_wire(answer: &Answer) -> wire::IdentifyResponse {
    let classes = &answer.class_probabilities;
    wire::IdentifyResponse {
        verdict: match answer.verdict {
            Verdict::Known => wire::Verdict::Known.into(),
            Verdict::Unknown => wire::Verdict::Unknown.into(),
        },
        label: answer.label.as_ref().map_or_else(String::new, text),
        closed_set_label: text(&answer.closed_set_label),
        class_labels: classes.iter().map(|class| text(&class.label)).collect(),
        class_probabilities: classes.iter().map(|class| class.probability).collect(),
        detector: answer.gate.detector.clone(),
        gate_score: answer.gate.score,
        gate_threshold: answer.gate.threshold,
        p_value: answer.gate.p_value,
        p_value_n: field::count(answer.gate.n),
        bundle: answer.bundle.to_string(),
        spectrum_digest: answer.spectrum.to_string(),
        warnings: answer.warnings.iter().map(warning::to_wire).collect(),
        read_s: answer.timings.read_s,
        preprocess_s: answer.timings.preprocess_s,
        features_s: answer.timings.features_s,
        decide_s: answer.timings.decide_s,
    }
}

/// An answer from the wire.
///
/// # Errors
/// When a field cannot be used, or when the fields contradict each other.
pub fn from_wire(answer: &wire::IdentifyResponse) -> Result<Answer, WireError> {
    let (labels, values) = (&answer.class_labels, &answer.class_probabilities);
    if labels.len() != values.len() {
        return Err(WireError::field(
            "class_probabilities",
            format!("has {} values for {} labels", values.len(), labels.len()),
        ));
    }
    let classes = labels.iter().zip(values).map(|(name, &probability)| {
        let label = label("class_labels", name)?;
        Ok(ClassProbability { label, probability })
    });
    let (verdict, label_of_verdict) = verdict(answer)?;
    let warnings = answer.warnings.iter().enumerate().map(|(at, warning)| {
        warning::from_wire(warning).map_err(|e| e.within(format!("warnings[{at}]")))
    });
    Ok(Answer {
        verdict,
        label: label_of_verdict,
        closed_set_label: label("closed_set_label", &answer.closed_set_label)?,
        class_probabilities: classes.collect::<Result<_, WireError>>()?,
        gate: GateReading {
            detector: answer.detector.clone(),
            score: answer.gate_score,
            threshold: answer.gate_threshold,
            p_value: answer.p_value,
            n: answer.p_value_n as usize,
        },
        bundle: field::digest("bundle", &answer.bundle)?,
        spectrum: field::digest("spectrum_digest", &answer.spectrum_digest)?,
        warnings: warnings.collect::<Result<_, _>>()?,
        timings: Timings {
            read_s: answer.read_s,
            preprocess_s: answer.preprocess_s,
            features_s: answer.features_s,
            decide_s: answer.decide_s,
        },
    })
}

fn verdict(answer: &wire::IdentifyResponse) -> Result<(Verdict, Option<ClassLabel>), WireError> {
    match field::known("verdict", answer.verdict, wire::Verdict::as_str_name)? {
        wire::Verdict::Known => Ok((Verdict::Known, Some(label("label", &answer.label)?))),
        wire::Verdict::Unknown if answer.label.is_empty() => Ok((Verdict::Unknown, None)),
        wire::Verdict::Unknown => Err(WireError::field(
            "label",
            format!("is {:?}, but the verdict is UNKNOWN", answer.label),
        )),
        wire::Verdict::Unspecified => Err(WireError::field("verdict", "is not said")),
    }
}

fn text(label: &ClassLabel) -> String {
    label.as_str().to_owned()
}

fn label(field: &str, text: &str) -> Result<ClassLabel, WireError> {
    ClassLabel::new(text).map_err(|e| WireError::field(field, e))
}
