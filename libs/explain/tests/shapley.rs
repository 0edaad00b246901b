//! Shapley values of ranges of energy and of pixels, by real networks.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod fixture;

use assay_core::{Classified, ErrorKind};
use assay_explain::{
    ExplainError, Hidden, HiddenPixels, Hiding, ImageNetwork, ImageOptions, ImageShapley,
    ImageShapleySettings, Outputs, SegmentShapley, SegmentValues, ShapleyRun, ShapleySettings,
};
use assay_infer::Watch;
use assay_network::{Landmark, TutorialVariant};
use assay_pipeline::{
    Bundle, Identifier, IdentifierOptions, Judge, ModelSpec, PipelineError, Prepared,
    bundle::References,
};
use ndarray::{Array1, Array2, ArrayView2};

const OUTPUTS: [Landmark; 3] = [Landmark::FeatureMap, Landmark::Features, Landmark::Logits];

fn bundle() -> Bundle {
    let network = fixture::line_network(TutorialVariant::SmallGap { pool: 8 });
    fixture::bundle(network, &OUTPUTS)
}

fn identifier() -> Identifier {
    Identifier::new(bundle(), &IdentifierOptions::default()).unwrap()
}

/// The same by a bundle that keeps this mean of its training spectra.
fn with_mean(mean: &[f32]) -> Identifier {
    let bundle = bundle();
    let (bins, width) = (mean.len(), bundle.head().features());
    let references = References {
        vectors: Array2::zeros((1, bins)),
        features: Array2::zeros((1, width)),
        mean: Some(Array1::from_vec(mean.to_vec())),
    };
    let bundle = bundle.with_references(&references).unwrap();
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
    let bins = bundle().contents().recipe.bins();
    let hidden: Vec<f32> = (0..bins).map(|bin| -9.0 + (bin % 7) as f32).collect();
    let identifier = with_mean(&hidden);
    let judge = identifier.judge();
    let prepared = prepared(judge);
    let settings = ShapleySettings {
        hidden: Hidden::TrainingMean,
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
    ] {
        let error = refused(&settings);
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let error = refused(&ShapleySettings {
        hidden: Hidden::TrainingMean,
        ..settings(8, 100)
    });
    assert!(
        error.to_string().contains("train the model again"),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
}

fn image_identifier() -> Identifier {
    let bundle = fixture::bundle(fixture::image_network(), &OUTPUTS);
    Identifier::new(bundle, &IdentifierOptions::default()).unwrap()
}

fn network(identifier: &Identifier) -> ImageNetwork {
    ImageNetwork::load(identifier.bundle(), &ImageOptions::default()).unwrap()
}

#[test]
fn pixels_add_up_to_the_logits_of_the_model() {
    let identifier = image_identifier();
    let network = network(&identifier);
    assert!(network.reuses());
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
        let mut run = ImageShapley::start(judge, &prepared, asked, &settings).unwrap();
        let mut told = 0;
        while !run.progress().finished {
            let progress = run.step().unwrap();
            assert!(progress.rows >= told);
            told = progress.rows;
        }
        let found = run.finish().unwrap();
        assert_eq!((found.side, found.evals), (96, 60));
        assert!(told > 20, "{told}");
        for (class, &logit) in logits.iter().enumerate() {
            let values = found.pixels(class);
            assert_eq!(values.len(), 96 * 96);
            let sum: f64 = values.iter().copied().map(f64::from).sum();
            let size: f64 = values.iter().map(|v| f64::from(v.abs())).sum();
            let off = (found.base[class] + sum - found.full[class]).abs();
            assert!(off <= 1e-6 * (size + found.full[class].abs()), "{off}");
            let off = (found.full[class] - f64::from(logit)).abs();
            assert!(off <= 1e-3 * f64::from(logit.abs()).max(1.0), "{off}");
            assert!(size > 1e-6);
        }
        let mut covered = vec![0; 96 * 96];
        for block in &found.blocks {
            for row in block.rows.0..block.rows.1 {
                let columns = block.columns.0..block.columns.1;
                columns.for_each(|column| covered[row * 96 + column] += 1);
            }
        }
        assert!(covered.iter().all(|count| *count == 1));
        assert!(found.blocks.len() >= 8, "{}", found.blocks.len());
        let (low, high) = identifier.bundle().contents().recipe.energy_range_kev();
        assert_eq!(found.span_kev((0, 96)), (low, high));
        assert!((found.span_kev((0, 48)).1 - 0.5 * (low + high)).abs() < 1e-9);

        let others: Vec<f32> = features.iter().map(|f| f + 1.0).collect();
        let asked = (&network, &*others);
        let error = ImageShapley::start(judge, &prepared, asked, &settings).unwrap_err();
        assert!(matches!(error, ExplainError::OtherNetwork), "{error}");
    }
}

#[test]
fn an_explanation_of_pixels_is_taken_up_to_the_bit() {
    let identifier = image_identifier();
    let network = network(&identifier).forgetful();
    let judge = identifier.judge();
    let prepared = prepared(judge);
    let (features, _) = identifier.extract(&prepared).unwrap();
    let hiding = || Hiding::Image {
        settings: ImageShapleySettings {
            max_evals: 60,
            ..ImageShapleySettings::default()
        },
        network: &network,
        features: &features,
    };
    let begin = |state| {
        let asked = (judge, &prepared);
        ShapleyRun::begin(asked, hiding(), state, by(&identifier))
    };
    let mut straight = begin(None).unwrap();
    let mut stopped = begin(None).unwrap();
    while !straight.progress().finished {
        straight.step(by(&identifier)).unwrap();
        let stored = serde_json::to_string(&stopped.state()).unwrap();
        stopped = begin(Some(serde_json::from_str(&stored).unwrap())).unwrap();
        stopped.step(by(&identifier)).unwrap();
    }
    assert_eq!(stopped.finish().unwrap(), straight.finish().unwrap());

    let energies = Hiding::Energies(ShapleySettings::default());
    let asked = (judge, &prepared);
    let state = Some(straight.state());
    let error = ShapleyRun::begin(asked, energies, state, by(&identifier)).unwrap_err();
    assert!(error.to_string().contains("anew"), "{error}");
}

#[test]
fn a_model_without_an_image_has_no_pixels() {
    let error = ImageNetwork::load(&bundle(), &ImageOptions::default()).unwrap_err();
    assert!(matches!(error, ExplainError::NoImage), "{error}");
}

/// A base that is not in the catalogue is known by its model alone.
#[test]
fn pixels_of_a_foreign_base_are_explained_by_the_whole_model() {
    let (spec, graph) = fixture::image_network();
    let ModelSpec::Cnn2d {
        imaging, dropout, ..
    } = spec.clone()
    else {
        panic!("{spec:?}")
    };
    let foreign = ModelSpec::Cnn2d {
        base: "somebody-elses".to_owned(),
        imaging,
        dropout,
    };
    let found: Vec<_> = [spec, foreign]
        .into_iter()
        .map(|spec| {
            let bundle = fixture::bundle((spec, graph.clone()), &OUTPUTS);
            let identifier = Identifier::new(bundle, &IdentifierOptions::default()).unwrap();
            let network = network(&identifier);
            let judge = identifier.judge();
            let prepared = prepared(judge);
            let (features, _) = identifier.extract(&prepared).unwrap();
            let settings = ImageShapleySettings {
                max_evals: 40,
                ..ImageShapleySettings::default()
            };
            let asked = (&network, &*features);
            let mut run = ImageShapley::start(judge, &prepared, asked, &settings).unwrap();
            while !run.step().unwrap().finished {}
            (network.reuses(), run.finish().unwrap())
        })
        .collect();
    let [(true, pieces), (false, whole)] = &found[..] else {
        panic!("only a base of the catalogue is cut into pieces")
    };
    assert_eq!(pieces.classes, whole.classes);
    let size: f64 = whole.blocks.iter().map(|block| block.values[0].abs()).sum();
    assert_eq!(pieces.blocks.len(), whole.blocks.len());
    for (one, other) in pieces.blocks.iter().zip(&whole.blocks) {
        assert_eq!((one.rows, one.columns), (other.rows, other.columns));
        let off = (one.values[0] - other.values[0]).abs();
        assert!(off <= 1e-4 * size, "{off} of {size}");
    }
}
