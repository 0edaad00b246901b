//! Answers with reasons, by real networks of each sort.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod fixture;

use assay_core::{Classified, ErrorKind};
use assay_explain::{
    CamSettings, ExplainError, Importances, Method, Reduction, class_importances, explain,
    explain_features,
};
use assay_infer::MappedFeatures;
use assay_network::{Landmark, TutorialVariant};
use assay_pipeline::{Answer, Bundle, Identifier, IdentifierOptions, Judge, Prepared};

const OUTPUTS: [Landmark; 3] = [Landmark::FeatureMap, Landmark::Features, Landmark::Logits];

fn networks() -> Vec<(&'static str, Bundle)> {
    let line = |variant| fixture::bundle(fixture::line_network(variant), &OUTPUTS);
    vec![
        ("small gap", line(TutorialVariant::SmallGap { pool: 8 })),
        ("flatten", line(TutorialVariant::Flatten)),
        ("image", fixture::bundle(fixture::image_network(), &OUTPUTS)),
    ]
}

fn identifier(bundle: Bundle) -> Identifier {
    Identifier::new(bundle, &IdentifierOptions::default()).unwrap()
}

fn prepared(identifier: &Identifier, material: u64) -> (Vec<u8>, Prepared) {
    let file = assay_formats::write_spe(&fixture::spectrum(material, 77));
    let prepared = identifier.judge().prepare(&file, "x.spe").unwrap();
    (file, prepared)
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
fn an_explained_answer_is_the_answer_to_the_bit() {
    for (name, bundle) in networks() {
        let identifier = identifier(bundle);
        for material in 0..3 {
            let (file, prepared) = prepared(&identifier, material);
            let answer = identifier.identify(&file, "x.spe").unwrap();
            let explained = explain(&identifier, &prepared, None).unwrap();
            assert_eq!(explained.answer, answer, "{name}");
            assert_eq!(bits(&explained.answer), bits(&answer), "{name}");
            let importances = &explained.importances;
            assert_eq!(importances.label, answer.closed_set_label, "{name}");
            check_shape(importances, identifier.bundle());

            let judge = Judge::new(identifier.judge().bundle().clone(), None);
            let mapped = identifier.extract_with_map(&prepared).unwrap().0;
            let elsewhere = explain_features(&judge, &prepared, &mapped, 0.0, None).unwrap();
            assert_eq!(elsewhere, explained, "{name}");
        }
    }
}

fn check_shape(importances: &Importances, bundle: &Bundle) {
    let recipe = &bundle.contents().recipe;
    assert_eq!(importances.energy_kev.len(), recipe.bins());
    assert_eq!(importances.importance.len(), recipe.bins());
    assert_eq!(importances.relative.len(), recipe.bins());
    assert_eq!(importances.energy_kev[0], recipe.energy_kev(0));
    assert!(importances.relative.iter().all(|v| (0.0..=1.0).contains(v)));
    let (low, high) = recipe.energy_range_kev();
    for region in importances.top_regions(5) {
        assert!(low - 1e-6 <= region.from_kev && region.to_kev <= high + 1e-6);
        assert!((0.0..=1.0).contains(&region.share));
    }
}

#[test]
fn each_class_is_explained_by_its_own_weights() {
    for (name, bundle) in networks() {
        let identifier = identifier(bundle);
        let (_, prepared) = prepared(&identifier, 1);
        let of = |class| explain(&identifier, &prepared, Some(class)).unwrap();
        let all: Vec<_> = (0..3).map(of).collect();
        for (class, explained) in all.iter().enumerate() {
            assert_eq!(explained.importances.class, class, "{name}");
            let label = &identifier.bundle().contents().classes[class];
            assert_eq!(&explained.importances.label, label, "{name}");
            assert_eq!(explained.answer, all[0].answer, "{name}");
        }
        assert_ne!(all[0].importances.importance, all[1].importances.importance);
        let error = explain(&identifier, &prepared, Some(3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains("0 to 2"), "{error}");
    }
}

#[test]
fn the_map_of_a_line_sums_to_the_logit() {
    let variant = TutorialVariant::SmallGap { pool: 8 };
    let identifier = identifier(fixture::bundle(fixture::line_network(variant), &OUTPUTS));
    let (_, prepared) = prepared(&identifier, 2);
    let mapped = identifier.extract_with_map(&prepared).unwrap().0;
    let head = identifier.bundle().head();
    let logits = head.logits(&mapped.features).unwrap();
    assert_eq!(logits.len(), 3);
    for (class, logit) in logits.into_iter().enumerate() {
        let map = mapped.map.view();
        let map = assay_explain::ClassMap::new(map, head, class, Method::HiRes).unwrap();
        let sum = map.values.sum() + head.bias()[class];
        assert!((sum - logit).abs() < 1e-4, "{sum} {logit}");
    }
}

#[test]
fn methods_agree_behind_pooling_and_reductions_differ_on_images() {
    let of = |bundle: &Bundle, mapped: &MappedFeatures, method, reduction| {
        class_importances(bundle, mapped, 0, CamSettings { method, reduction })
    };
    for (name, bundle) in networks() {
        let identifier = identifier(bundle);
        let (_, prepared) = prepared(&identifier, 0);
        let mapped = identifier.extract_with_map(&prepared).unwrap().0;
        let bundle = identifier.bundle();
        let usual = of(bundle, &mapped, Method::HiRes, Reduction::Mean).unwrap();
        let largest = of(bundle, &mapped, Method::HiRes, Reduction::Max).unwrap();
        assert_eq!(usual == largest, name != "image", "{name}");
        let averaged = of(bundle, &mapped, Method::Grad, Reduction::Mean);
        if name == "flatten" {
            let error = averaged.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
            assert!(error.to_string().contains("small_gap"), "{error}");
        } else {
            assert_eq!(averaged.unwrap(), usual, "{name}");
        }
    }
}

#[test]
fn a_model_without_a_map_is_refused_before_it_runs() {
    let variant = TutorialVariant::SmallGap { pool: 8 };
    let network = fixture::line_network(variant);
    let outputs = [Landmark::Features, Landmark::Logits];
    let identifier = identifier(fixture::bundle(network, &outputs));
    let (file, prepared) = prepared(&identifier, 0);
    identifier.identify(&file, "x.spe").unwrap();
    let error = explain(&identifier, &prepared, None).unwrap_err();
    assert!(matches!(error, ExplainError::NoMap), "{error}");
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
}

#[test]
fn features_of_another_spectrum_are_not_explained() {
    let identifier = identifier(fixture::bundle(fixture::image_network(), &OUTPUTS));
    let map = |material| {
        let prepared = prepared(&identifier, material).1;
        identifier.extract_with_map(&prepared).unwrap().0
    };
    let mixed = MappedFeatures {
        features: map(0).features,
        map: map(2).map,
    };
    let settings = CamSettings::default();
    let error = class_importances(identifier.bundle(), &mixed, 0, settings).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert!(
        error.to_string().contains("do not come by pooling"),
        "{error}"
    );
}
