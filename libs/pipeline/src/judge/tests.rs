//! Every way to an answer gives the same bits.

use super::*;
use crate::{Identifier, IdentifierOptions, fixture};
use assay_core::{Classified, ErrorKind};
use std::cell::Cell;

fn identifier() -> Identifier {
    Identifier::new(fixture::bundle(), &fixture::options()).unwrap()
}

fn bits(answer: &Answer) -> Vec<u64> {
    let probabilities = answer.class_probabilities.iter();
    let gate = &answer.gate;
    probabilities
        .map(|class| u64::from(class.probability.to_bits()))
        .chain([gate.score, gate.threshold, gate.p_value].map(f64::to_bits))
        .collect()
}

#[test]
fn every_way_to_an_answer_gives_the_same_bits() {
    let identifier = identifier();
    let judge = Judge::new(identifier.bundle().clone(), None);
    for row in fixture::dataset(2, 20).rows() {
        let file = assay_formats::write_spe(&row.spectrum);
        let whole = identifier.identify(&file, "x.spe").unwrap();
        let prepared = judge.prepare(&file, "x.spe").unwrap();
        let features = identifier.extract(&prepared).unwrap().0;
        let in_parts = judge.conclude(&prepared, &features, 0.0).unwrap();
        assert_eq!(in_parts, whole);
        assert_eq!(bits(&in_parts), bits(&whole));

        let mapped = identifier.extract_with_map(&prepared).unwrap().0;
        let with_map = judge.conclude(&prepared, &mapped.features, 0.0).unwrap();
        assert_eq!(bits(&with_map), bits(&whole));

        let reading = assay_formats::read(&file, Some("x.spe")).unwrap();
        let warnings: Vec<AnswerWarning> = reading.warnings.into_iter().map(Into::into).collect();
        let digest = Digest::of(&file);
        let read_before = judge
            .prepare_spectrum(&reading.spectrum, digest, warnings)
            .unwrap();
        assert_eq!(read_before, prepared);
        assert_eq!(prepared.digest(), whole.spectrum);
        assert_eq!(prepared.warnings(), whole.warnings);
        assert_eq!(prepared.spectrum(), &reading.spectrum);
        assert_eq!(prepared.vector().len(), identifier.extractor().bins());
    }
}

#[test]
fn reader_and_drift_warnings_come_in_this_order() {
    let judge = Judge::new(fixture::bundle(), None);
    let weak = Spectrum {
        counts: vec![3; 16384],
        ..fixture::spectrum(0, 0)
    };
    let reader = AnswerWarning {
        code: crate::AnswerWarningCode::Drift(crate::DriftCode::DeadTime),
        message: "from elsewhere".to_owned(),
    };
    let digest = Digest::of(b"weak");
    let mut uneven = weak;
    uneven.counts[40] = 4;
    uneven.counts[4000] = 9;
    let prepared = judge
        .prepare_spectrum(&uneven, digest, vec![reader.clone()])
        .unwrap();
    let warnings = prepared.warnings();
    assert_eq!(warnings[0], reader);
    let low = crate::AnswerWarningCode::Drift(crate::DriftCode::LowCounts);
    assert!(warnings[1..].iter().any(|w| w.code == low), "{warnings:?}");
}

thread_local! {
    static SECONDS: Cell<u64> = const { Cell::new(0) };
}

/// Each look at this clock takes a second.
fn slow_clock() -> Duration {
    SECONDS.set(SECONDS.get() + 1);
    Duration::from_secs(SECONDS.get())
}

#[test]
fn each_stage_is_timed_by_the_clock_that_is_passed_in() {
    let options = IdentifierOptions {
        clock: Some(slow_clock),
        ..fixture::options()
    };
    let identifier = Identifier::new(fixture::bundle(), &options).unwrap();
    let file = assay_formats::write_spe(&fixture::spectrum(1, 30));
    let timings = identifier.identify(&file, "x.spe").unwrap().timings;
    let expected = Timings {
        read_s: 1.0,
        preprocess_s: 1.0,
        features_s: 1.0,
        // Head and gate.
        decide_s: 2.0,
    };
    assert_eq!(timings, expected);
    let judge = identifier.judge();
    let prepared = judge.prepare(&file, "x.spe").unwrap();
    let features = identifier.extract(&prepared).unwrap().0;
    let answer = judge.conclude(&prepared, &features, 0.125).unwrap();
    let elsewhere = Timings {
        features_s: 0.125,
        ..expected
    };
    assert_eq!(answer.timings, elsewhere);
    let concluded = judge.concluded(&prepared, &features, 0.125).unwrap();
    assert_eq!((concluded.head_s, concluded.gate_s), (1.0, 1.0));
    assert_eq!(concluded.answer, answer);
}

#[test]
fn what_cannot_be_judged_is_refused_in_words() {
    let bundle = fixture::bundle();
    let judge = Judge::new(bundle.clone(), None);
    let error = judge.prepare(b"no spectrum", "notes.txt").unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
    let empty = Spectrum::from_counts(vec![0; 16384]);
    let digest = Digest::of(b"empty");
    let error = judge
        .prepare_spectrum(&empty, digest, Vec::new())
        .unwrap_err();
    assert!(error.to_string().contains(&digest.short()), "{error}");

    let file = assay_formats::write_spe(&fixture::spectrum(1, 30));
    let prepared = judge.prepare(&file, "x.spe").unwrap();
    let width = bundle.head().features();
    for features in [vec![0.0; width + 1], vec![f32::NAN; width]] {
        assert!(judge.conclude(&prepared, &features, 0.0).is_err());
    }
    let mut contents = bundle.contents().clone();
    contents.training.seeds.clear();
    let other = Bundle::new(contents, bundle.model().to_vec(), bundle.gate()).unwrap();
    let error = Judge::new(other, None)
        .conclude(&prepared, &vec![0.0; width], 0.0)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert!(error.to_string().contains(&bundle.id().to_string()));
}
