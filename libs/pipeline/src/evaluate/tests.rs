//! Judging a bundle on labelled spectra, and answers about single ones.

use super::*;
use crate::{AnswerWarningCode, DriftCode, fixture};
use assay_core::{Classified, ErrorKind};
use std::{fs, path::Path, time::Duration};

fn identifier() -> Identifier {
    Identifier::new(fixture::bundle(), &fixture::options()).unwrap()
}

#[test]
fn the_report_counts_what_the_single_answers_say() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = fixture::write_dataset(&fixture::dataset(4, 30), folder.path());
    let manifest = Manifest::read(&manifest).unwrap();
    let identifier = identifier();
    let report = evaluate(&identifier, &manifest, &Watch::none()).unwrap();
    assert_eq!((report.summary.n, report.spectra.len()), (16, 16));
    assert_eq!(
        (report.summary.known_total, report.summary.unknown_total),
        (12, 4)
    );

    let (mut right, mut closed, mut refused) = (0, 0, 0);
    for (row, outcome) in manifest.rows.iter().zip(&report.spectra) {
        let answer = identifier
            .identify(&fs::read(&row.path).unwrap(), "x.spe")
            .unwrap();
        assert_eq!((&outcome.file, outcome.line), (&row.file, row.line));
        assert_eq!(outcome.verdict, answer.verdict);
        assert_eq!(outcome.score.to_bits(), answer.gate.score.to_bits());
        assert_eq!(outcome.closed_set_label, answer.closed_set_label);
        assert_eq!(outcome.spectrum, answer.spectrum);
        match row.role {
            Role::Known => {
                right += usize::from(answer.label.as_ref() == Some(&row.label));
                closed += usize::from(answer.closed_set_label == row.label);
            }
            Role::Unknown => refused += usize::from(answer.label.is_none()),
        }
    }
    let summary = &report.summary;
    assert_eq!(
        (
            summary.known_correct,
            summary.closed_set_correct,
            summary.unknown_rejected
        ),
        (right, closed, refused)
    );
    assert_eq!(closed, 12, "peaks at other places are told apart");
    assert_eq!(refused, 4, "the fourth material was never seen");
    assert_eq!(summary.figures_of_merit.tsns, Some(right as f64 / 12.0));
    let total: u64 = summary.confusion_matrix.counts.iter().flatten().sum();
    assert_eq!(total, 16);
}

#[test]
fn the_json_has_the_promised_keys() {
    let identifier = identifier();
    let report = evaluate_dataset(&identifier, &fixture::dataset(2, 40), &Watch::none()).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    let keys = |value: &serde_json::Value| {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let expected = [
        "closed_set_correct",
        "confusion_matrix",
        "figures_of_merit",
        "known_correct",
        "known_total",
        "n",
        "spectra",
        "unknown_rejected",
        "unknown_total",
    ];
    assert_eq!(keys(&json), expected);
    let merit = ["acc", "ceff", "csns", "csps", "teff", "tsns", "tsps"];
    assert_eq!(keys(&json["figures_of_merit"]), merit);
    assert_eq!(
        keys(&json["confusion_matrix"]),
        ["columns", "counts", "rows"]
    );
    assert_eq!(json["confusion_matrix"]["columns"][3], "UNKNOWN");
    let back: EvaluationReport = serde_json::from_value(json).unwrap();
    assert_eq!(back, report);
}

#[test]
fn undefined_figures_are_null_with_a_reason() {
    let identifier = identifier();
    let all = fixture::dataset(2, 40);
    let unknown: Vec<_> = all
        .rows()
        .iter()
        .filter(|row| row.role == Role::Unknown)
        .cloned()
        .collect();
    let unknown = Dataset::from_rows(Path::new("u.csv"), unknown);
    let report = evaluate_dataset(&identifier, &unknown, &Watch::none()).unwrap();
    let merit = serde_json::to_value(&report.summary.figures_of_merit).unwrap();
    assert!(
        merit["tsns"].is_null() && merit["undefined"]["tsns"].is_string(),
        "{merit}"
    );
}

#[test]
fn labels_that_do_not_fit_the_bundle_are_refused_by_line() {
    let identifier = identifier();
    let cases = [
        (
            "file,label,role\na,Ash,known\nb,Steel,known\n",
            "line 3",
            "\"Steel\"",
        ),
        (
            "file,label,role\na,Öl,known\nb,Ash,unknown\n",
            "line 3",
            "\"Ash\"",
        ),
    ];
    for (text, line, label) in cases {
        let manifest = Manifest::parse(text.as_bytes(), Path::new("m.csv")).unwrap();
        let error = evaluate(&identifier, &manifest, &Watch::none()).unwrap_err();
        let shown = error.to_string();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        for word in [line, label, "m.csv", "Coal, hard"] {
            assert!(shown.contains(word), "{shown}");
        }
    }
}

#[test]
fn an_answer_has_warnings_timings_and_one_meaning() {
    let options = crate::IdentifierOptions {
        clock: Some(ticking),
        ..fixture::options()
    };
    let identifier = Identifier::new(fixture::bundle(), &options).unwrap();
    let mut spectrum = fixture::spectrum(1, 50);
    spectrum.live_time_s = Some(300.0);
    let bytes = assay_formats::write_spe(&spectrum);
    let answer = identifier.identify(&bytes, "x.spe").unwrap();
    let dead = AnswerWarningCode::Drift(DriftCode::DeadTime);
    assert!(
        answer.warnings.iter().any(|w| w.code == dead),
        "{:?}",
        answer.warnings
    );
    let timings = answer.timings;
    let stages = [
        timings.read_s,
        timings.preprocess_s,
        timings.features_s,
        timings.decide_s,
    ];
    assert!(stages.iter().all(|&seconds| seconds > 0.0), "{timings:?}");
    let sum: f32 = answer
        .class_probabilities
        .iter()
        .map(|p| p.probability)
        .sum();
    assert!((sum - 1.0).abs() < 1e-6);
    assert_eq!(answer.bundle, identifier.bundle().id());
    let json = serde_json::to_string(&answer).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::Answer>(&json).unwrap(),
        answer
    );

    for bad in [&b""[..], b"$DATA:\n0 1\n1\n"] {
        let error = identifier.identify(bad, "bad.spe").unwrap_err();
        assert!(error.to_string().starts_with("bad.spe: "), "{error}");
    }
}

/// A clock that moves by a millisecond whenever it is read.
fn ticking() -> Duration {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TICKS: AtomicU64 = AtomicU64::new(0);
    Duration::from_millis(TICKS.fetch_add(1, Ordering::Relaxed))
}
