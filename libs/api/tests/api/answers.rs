//! Answers survive the wire to the bit.

use assay_api::{answer, gate::IdentifyResponse, warning};
use assay_core::{ClassLabel, Digest};
use assay_formats::WarningCode;
use assay_pipeline::{
    Answer, AnswerWarning, AnswerWarningCode, ClassProbability, DriftCode, GateReading, Timings,
    Verdict,
};
use proptest::prelude::*;
use prost::Message;

fn label(text: &str) -> ClassLabel {
    ClassLabel::new(text).unwrap()
}

prop_compose! {
    fn answers()(
        known in any::<bool>(),
        probabilities in prop::collection::vec(any::<f32>(), 1..6),
        numbers in prop::array::uniform7(any::<f64>()),
        n in any::<u32>(),
        reader in any::<bool>(),
        message in ".*",
    ) -> Answer {
        let code = if reader {
            AnswerWarningCode::Reader(WarningCode::LiveExceedsReal)
        } else {
            AnswerWarningCode::Drift(DriftCode::LowCounts)
        };
        // The sum of -0.0 and 0.0 is 0.0: a zero alone in a field has no sign on the wire.
        let [score, threshold, p_value, read_s, preprocess_s, features_s, decide_s] =
            numbers.map(|number| number + 0.0);
        Answer {
            verdict: Verdict::of(known),
            label: known.then(|| label("steel")),
            closed_set_label: label("steel"),
            class_probabilities: probabilities
                .into_iter()
                .enumerate()
                .map(|(at, probability)| ClassProbability {
                    label: label(&format!("class é {at}")),
                    probability,
                })
                .collect(),
            gate: GateReading { detector: "mahalanobis".to_owned(), score, threshold, p_value, n: n as usize },
            bundle: Digest::of(b"bundle"),
            spectrum: Digest::of(b"spectrum"),
            warnings: vec![AnswerWarning { code, message }],
            timings: Timings { read_s, preprocess_s, features_s, decide_s },
        }
    }
}

/// Every number as its bits: NaN is not equal to itself.
fn bits(answer: &Answer) -> (Vec<u32>, Vec<u64>) {
    let gate = &answer.gate;
    let times = answer.timings;
    let wide = [
        gate.score,
        gate.threshold,
        gate.p_value,
        times.read_s,
        times.preprocess_s,
        times.features_s,
        times.decide_s,
    ];
    let classes = answer.class_probabilities.iter();
    (
        classes.map(|class| class.probability.to_bits()).collect(),
        wide.iter().map(|x| x.to_bits()).collect(),
    )
}

/// The answer without its numbers.
fn words(answer: &Answer) -> Answer {
    let mut words = answer.clone();
    words
        .class_probabilities
        .iter_mut()
        .for_each(|class| class.probability = 0.0);
    (words.gate.score, words.gate.threshold, words.gate.p_value) = (0.0, 0.0, 0.0);
    words.timings = Timings::default();
    words
}

proptest! {
    #[test]
    fn answers_come_back_to_the_bit(sent in answers()) {
        let bytes = answer::to_wire(&sent).encode_to_vec();
        let wire = IdentifyResponse::decode(bytes.as_slice()).unwrap();
        let back = answer::from_wire(&wire).unwrap();
        prop_assert_eq!(bits(&back), bits(&sent));
        prop_assert_eq!(words(&back), words(&sent));
    }
}

type Change = fn(&mut IdentifyResponse);

fn sent() -> IdentifyResponse {
    IdentifyResponse {
        verdict: 1,
        label: "steel".to_owned(),
        closed_set_label: "steel".to_owned(),
        bundle: Digest::of(b"b").to_string(),
        spectrum_digest: Digest::of(b"s").to_string(),
        ..IdentifyResponse::default()
    }
}

#[test]
fn answers_that_contradict_themselves_are_refused() {
    assert!(answer::from_wire(&sent()).is_ok());
    let refused = |change: Change| {
        let mut wire = sent();
        change(&mut wire);
        answer::from_wire(&wire).unwrap_err().to_string()
    };
    let cases: [(&str, Change); 6] = [
        ("verdict", |a| a.verdict = 0),
        ("verdict", |a| a.verdict = 9),
        ("label", |a| a.verdict = 2),
        ("label", |a| a.label.clear()),
        ("class_probabilities", |a| {
            a.class_labels.push("steel".to_owned())
        }),
        ("bundle", |a| a.bundle.clear()),
    ];
    for (field, change) in cases {
        let message = refused(change);
        assert!(message.starts_with(field), "{field}: {message}");
    }
}

#[test]
fn warnings_have_the_names_of_their_json_form() {
    let warning = AnswerWarning {
        code: AnswerWarningCode::Reader(WarningCode::Latin1Text),
        message: "m".to_owned(),
    };
    let mut wire = warning::to_wire(&warning);
    assert_eq!((wire.source, wire.code.as_str()), (1, "latin1_text"));
    assert_eq!(warning::from_wire(&wire), Ok(warning));
    wire.code = "low_counts".to_owned();
    let message = warning::from_wire(&wire).unwrap_err().to_string();
    assert!(message.starts_with("code: "), "{message}");
}
