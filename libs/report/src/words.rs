//! What the numbers say, in sentences.

use crate::evaluation::{EvaluationPart, Outcome, PartKind};
use crate::number;

/// One large number with what it counts.
pub(crate) struct Headline {
    pub(crate) some: usize,
    pub(crate) all: usize,
    pub(crate) what: &'static str,
    pub(crate) interval: String,
    pub(crate) all_well: bool,
}

/// The headline numbers of one judged set; a role without spectra has none.
pub(crate) fn headlines(part: &EvaluationPart) -> Vec<Headline> {
    let mut list = Vec::new();
    if part.known_total > 0 {
        list.push(headline(
            part.known_correct,
            part.known_total,
            "known spectra accepted and named rightly",
        ));
    }
    if part.unknown_total > 0 {
        list.push(headline(
            part.unknown_rejected,
            part.unknown_total,
            "unknown spectra refused",
        ));
    }
    if part.known_total > 0 {
        list.push(headline(
            part.closed_set_correct,
            part.known_total,
            "known spectra with the right class, gate ignored",
        ));
    }
    list
}

fn headline(some: usize, all: usize, what: &'static str) -> Headline {
    let (low, high) = wilson_interval(some, all);
    Headline {
        some,
        all,
        what,
        interval: format!("{} to {}", number::percent(low), number::percent(high)),
        all_well: some == all,
    }
}

/// What went wrong, and how far the numbers can be trusted.
pub(crate) fn remarks(part: &EvaluationPart) -> Vec<String> {
    let count = |outcome: Outcome| {
        part.spectra
            .iter()
            .filter(|row| row.outcome() == outcome)
            .count()
    };
    let mut remarks = Vec::new();
    for (outcome, one, many) in [
        (
            Outcome::WronglyRefused,
            "known spectrum was refused",
            "known spectra were refused",
        ),
        (
            Outcome::WrongClass,
            "known spectrum was accepted under a wrong class",
            "known spectra were accepted under a wrong class",
        ),
        (
            Outcome::WronglyAccepted,
            "unknown spectrum was accepted as a known class",
            "unknown spectra were accepted as a known class",
        ),
    ] {
        match count(outcome) {
            0 => {}
            1 => remarks.push(format!("1 {one}.")),
            n => remarks.push(format!("{n} {many}.")),
        }
    }
    match part.kind {
        PartKind::Training => remarks.push(
            "The model was fitted to these spectra. Their gate scores are out of fold, their \
             classes are not: judge the classifier by spectra it has not seen."
                .into(),
        ),
        PartKind::TrainingInSample => remarks.push(
            "The model and its gate were fitted to these spectra: judge both by spectra they have \
             not seen."
                .into(),
        ),
        PartKind::Test => {}
    }
    if part.unknown_total == 0 && part.kind == PartKind::Test {
        remarks.push(
            "This set has no unknown spectra, so it says nothing about what the gate lets through."
                .into(),
        );
    }
    remarks
}

/// 95 % interval of a share.
///
/// # Source
/// Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
fn wilson_interval(some: usize, all: usize) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (all as f64, some as f64 / all as f64);
    let denominator = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / denominator;
    let half = Z / denominator * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let low = if some == 0 { 0.0 } else { centre - half };
    let high = if some == all { 1.0 } else { centre + half };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_matches_the_closed_form_at_the_edges() {
        // At a share of one the lower end is n / (n + z²).
        let (low, high) = wilson_interval(5, 5);
        assert!((low - 5.0 / (5.0 + 3.841_458_820_694_124)).abs() < 1e-12);
        assert!((high - 1.0).abs() < f64::EPSILON);
        let (low, high) = wilson_interval(0, 10);
        assert!(
            low == 0.0 && (high - 3.841_458_820_694_124 / 13.841_458_820_694_124).abs() < 1e-12
        );
    }
}
