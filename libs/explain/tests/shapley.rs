//! Shapley values of ranges of energy and of pixels, by real networks.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod fixture;

use assay_core::{Classified, ErrorKind};
use assay_explain::{
    ExplainError, Hidden, HiddenPixels, ImageShapleySettings, Outputs, SegmentShapley,
    SegmentValues, ShapleySettings, image_shapley,
};
use assay_infer::{MaskedNetwork, MaskedOptions, OnnxRuntime, Watch};
use assay_network::{Landmark, TutorialVariant};
use assay_pipeline::{Identifier, IdentifierOptions, Judge, PipelineError, Prepared};
use ndarray::{Array2, ArrayView2};
use std::ops::ControlFlow;

const OUTPUTS: [Landmark; 3] = [Landmark::FeatureMap, Landmark::Features, Landmark::Logits];

fn identifier() -> Identifier {
    let network = fixture::line_network(TutorialVariant::SmallGap { pool: 8 });
    let bundle = fixture::bundle(network, &OUTPUTS);
    Identifier::new(bundle, &IdentifierOptions::default()).unwrap()
}

fn prepared(judge: &Judge) -> Prepared {
    let file = assay_formats::write_spe(&fixture::spectrum(1, 77));
    judge.prepare(&file, "x.spe").unwrap()
}

fn settings(segments: usize, max_evals: usize) -> ShapleySettings {
    ShapleySettings {
        segments,
        max_evals,
        classes: Outputs::All,
        ..ShapleySettings::default()
    }
}

fn by(
    identifier: &Identifier,
) -> impl FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, PipelineError> {
    |vectors| identifier.features(vectors, &Watch::none())
}

fn values(identifier: &Identifier, settings: &ShapleySettings) -> SegmentValues {
    let judge = identifier.judge();
    let prepared = prepared(judge);
    let mut shapley = SegmentShapley::start(judge, &prepared, settings, by(identifier)).unwrap();
    while !shapley.progress().finished {
        // Whatever is stored is taken up again to the bit.
        let stored = serde_json::to_string(shapley.state()).unwrap();
        let state = serde_json::from_str(&stored).unwrap();
        shapley = SegmentShapley::resume(judge, &prepared, settings, state).unwrap();
        shapley.step(by(identifier)).unwrap();
    }
    shapley.finish().unwrap()
}

#[test]
fn two_ranges_share_by_the_formula_of_shapley() {
    let identifier = identifier();
    let judge = identifier.judge();
    let prepared = prepared(judge);
    let bins = prepared.vector().len();
    let hidden = vec![-9.0f32; bins];
    let settings = ShapleySettings {
        hidden: Hidden::Vector(hidden.clone()),
        ..settings(2, 100)
    };
    let found = values(&identifier, &settings);
    let half = bins / 2;
    let logits = |first: bool, second: bool| {
        let mut vector = hidden.clone();
        if first {
            vector[..half].copy_from_slice(&prepared.vector()[..half]);
        }
        if second {
            vector[half..].copy_from_slice(&prepared.vector()[half..]);
        }
        let vector = Array2::from_shape_vec((1, bins), vector).unwrap();
        let features = identifier.features(vector.view(), &Watch::none()).unwrap();
        judge.decide(&features.row(0).to_vec()).unwrap().logits
    };
    let (none, one) = (logits(false, false), logits(true, false));
    let (other, both) = (logits(false, true), logits(true, true));
    for class in 0..3 {
        let of = |logits: &[f32]| f64::from(logits[class]);
        let first = 0.5 * ((of(&one) - of(&none)) + (of(&both) - of(&other)));
        let second = 0.5 * ((of(&other) - of(&none)) + (of(&both) - of(&one)));
        let value = |range: usize| found.values[class][range];
        assert!((value(0) - first).abs() < 1e-6, "{} {first}", value(0));
        assert!((value(1) - second).abs() < 1e-6, "{} {second}", value(1));
        assert_eq!(
            (found.base[class], found.full[class]),
            (of(&none), of(&both))
        );
    }
}

#[test]
fn values_add_up_over_ranges_that_cover_the_model() {
    let identifier = identifier();
    let found = values(&identifier, &settings(16, 200));
    assert_eq!(found.classes, [0, 1, 2]);
    assert_eq!(found.edges_kev.len(), 17);
    let (low, high) = identifier.bundle().contents().recipe.energy_range_kev();
    assert!((found.edges_kev[0] - low).abs() < 1e-6);
    assert!((found.edges_kev[16] - high).abs() < 1e-6);
    for class in 0..3 {
        let sum: f64 = found.values[class].iter().sum();
        assert!((found.base[class] + sum - found.full[class]).abs() < 1e-6);
        assert!(found.values[class].iter().any(|value| value.abs() > 1e-6));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let identifier = identifier();
    let judge = identifier.judge();
    let prepared = prepared(judge);
    let refused = |settings: &ShapleySettings| {
        SegmentShapley::start(judge, &prepared, settings, by(&identifier)).unwrap_err()
    };
    for (settings, told) in [
        (settings(1, 100), "segments is 1; allowed: 2 to"),
        (settings(9999, 100), "9999"),
        (settings(8, 3), "max_evals is 3; allowed: 4 to"),
        (
            ShapleySettings {
                classes: Outputs::Chosen(vec![3]),
                ..settings(8, 100)
            },
            "outputs 3 is not allowed",
        ),
        (
            ShapleySettings {
                hidden: Hidden::Vector(vec![0.0; 7]),
                ..settings(8, 100)
            },
            "hidden vector has length 7",
        ),
    ] {
        let error = refused(&settings);
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
}

#[test]
fn pixels_add_up_to_the_logits_of_the_model() {
    let (model, graph) = fixture::image_network();
    let runtime = OnnxRuntime::load(None).unwrap();
    let weights = fixture::seeded(&graph);
    let options = MaskedOptions::default();
    let network = MaskedNetwork::new(runtime, &graph, &weights, None, &options).unwrap();
    assert!(network.reuses());
    let bundle = fixture::bundle((model, graph), &OUTPUTS);
    let identifier = Identifier::new(bundle, &IdentifierOptions::default()).unwrap();
    let judge = identifier.judge();
    let prepared = prepared(judge);
    let (features, _) = identifier.extract(&prepared).unwrap();
    let logits = judge.decide(&features).unwrap().logits;
    for hidden in [HiddenPixels::Blur(12), HiddenPixels::Constant(0.0)] {
        let settings = ImageShapleySettings {
            max_evals: 60,
            classes: Outputs::All,
            hidden,
        };
        let asked = (&network, &*features);
        let mut told = 0;
        let mut go_on = |progress: assay_explain::Progress| {
            assert!(progress.rows >= told);
            told = progress.rows;
            ControlFlow::Continue(())
        };
        let found = image_shapley(judge, &prepared, asked, &settings, &mut go_on).unwrap();
        assert_eq!((found.side, found.evals), (96, 60));
        assert!(told > 20, "{told}");
        for (class, &logit) in logits.iter().enumerate() {
            let values = &found.values[class];
            assert_eq!(values.len(), 96 * 96);
            let sum: f64 = values.iter().copied().map(f64::from).sum();
            let size: f64 = values.iter().map(|v| f64::from(v.abs())).sum();
            let off = (found.base[class] + sum - found.full[class]).abs();
            assert!(off <= 1e-6 * (size + found.full[class].abs()), "{off}");
            let off = (found.full[class] - f64::from(logit)).abs();
            assert!(off <= 1e-3 * f64::from(logit.abs()).max(1.0), "{off}");
            assert!(size > 1e-6);
        }

        let mut stop = |_| ControlFlow::Break(());
        let error = image_shapley(judge, &prepared, asked, &settings, &mut stop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        let others: Vec<f32> = features.iter().map(|f| f + 1.0).collect();
        let asked = (&network, &*others);
        let error = image_shapley(judge, &prepared, asked, &settings, &mut stop).unwrap_err();
        assert!(matches!(error, ExplainError::OtherNetwork), "{error}");
    }
}
