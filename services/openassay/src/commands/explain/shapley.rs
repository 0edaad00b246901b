//! Shapley values of ranges of energy or of the pixels of the image.

use crate::{
    context::Context,
    failure::{Failure, Result},
    options::BasesOption,
};
use assay_core::ErrorKind;
use assay_explain::{
    ImageShapleySettings, ImageValues, SegmentShapley, SegmentValues, ShapleySettings,
    image_shapley,
};
use assay_infer::{MaskedNetwork, MaskedOptions, OnnxRuntime, Watch};
use assay_pipeline::{Identifier, Judge, Prepared, build_graph};
use assay_reporting::explanation::{ShapleyParts, ShapleyValues};
use ndarray::ArrayView2;
use std::ops::ControlFlow;

/// What is hidden.
pub(super) enum Over {
    /// Ranges of energy.
    Energies(ShapleySettings),
    /// Blocks of pixels.
    Image(ImageShapleySettings),
}

/// What was found.
pub(super) enum Values {
    Energies(SegmentValues),
    Image(ImageValues, (f64, f64)),
}

/// Values with the words for how they were made.
pub(super) struct Shapley {
    pub(super) method: String,
    pub(super) values: Values,
}

impl Over {
    /// How the values are made, in words.
    pub(super) fn method(&self) -> String {
        match self {
            Self::Energies(settings) => format!(
                "partition explainer, {} ranges of energy hidden behind their local background",
                settings.segments
            ),
            Self::Image(settings) => match settings.hidden {
                assay_explain::HiddenPixels::Blur(side) => format!(
                    "partition explainer, pixels hidden behind their mean over {side} × {side}"
                ),
                assay_explain::HiddenPixels::Constant(value) => {
                    format!("partition explainer, pixels hidden behind {value}")
                }
            },
        }
    }
}

/// Ranges of energy: the whole network runs for each.
pub(super) fn of_energies(
    context: &Context,
    identifier: &Identifier,
    prepared: &Prepared,
    settings: &ShapleySettings,
) -> Result<SegmentValues> {
    context.watched("hiding ranges of energy", |watch| {
        let mut features =
            |vectors: ArrayView2<'_, f32>| identifier.features(vectors, &Watch::none());
        let judge = identifier.judge();
        let mut shapley = SegmentShapley::start(judge, prepared, settings, &mut features)?;
        loop {
            let progress = shapley.progress();
            watch.report(progress.rows.min(progress.max_evals), progress.max_evals);
            if watch.is_cancelled() {
                return Err(Failure::new(ErrorKind::Cancelled, "interrupted"));
            }
            if progress.finished {
                return shapley.finish().map_err(Failure::from);
            }
            shapley.step(&mut features)?;
        }
    })
}

/// Pixels: what a block does not touch is computed once.
pub(super) fn of_image(
    context: &Context,
    identifier: &Identifier,
    (prepared, features): (&Prepared, &[f32]),
    settings: &ImageShapleySettings,
    bases: &BasesOption,
) -> Result<ImageValues> {
    let judge = identifier.judge();
    let network = network(context, judge, bases)?;
    context.watched("hiding pixels", |watch| {
        let mut go_on = |progress: assay_explain::Progress| {
            watch.report(progress.rows.min(progress.max_evals), progress.max_evals);
            if watch.is_cancelled() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let network = (&network, features);
        let values = image_shapley(judge, prepared, network, settings, &mut go_on);
        values.map_err(Failure::from)
    })
}

/// The way from image to features. A bundle holds it in one piece; the weights of the base, from
/// which it is cut, lie beside.
fn network(context: &Context, judge: &Judge, bases: &BasesOption) -> Result<MaskedNetwork> {
    let contents = judge.bundle().contents();
    if contents.model.imaging().is_none() {
        return Err(assay_explain::ExplainError::NoImage.into());
    }
    let folder = bases.find()?;
    let bins = contents.recipe.bins();
    let built = build_graph(&contents.model, bins, contents.classes.len(), &folder)?;
    let Some(base) = built.base else {
        return Err(assay_explain::ExplainError::NoImage.into());
    };
    let options = MaskedOptions {
        session: context.session_options(),
        ..MaskedOptions::default()
    };
    let runtime = OnnxRuntime::load(None)?;
    let network = MaskedNetwork::new(
        runtime,
        &built.graph,
        &base.weights,
        built.foreign,
        &options,
    );
    Ok(network?)
}

impl Shapley {
    /// For the page.
    pub(super) fn parts(&self) -> ShapleyParts<'_> {
        let method = &*self.method;
        match &self.values {
            Values::Energies(found) => ShapleyParts {
                method,
                model_rows: found.evals,
                classes: &found.classes,
                base: &found.base,
                full: &found.full,
                values: ShapleyValues::Segments {
                    edges_kev: &found.edges_kev,
                    values: &found.values,
                },
            },
            Values::Image(found, range_kev) => ShapleyParts {
                method,
                model_rows: found.evals,
                classes: &found.classes,
                base: &found.base,
                full: &found.full,
                values: ShapleyValues::Image {
                    range_kev: *range_kev,
                    side: found.side,
                    values: &found.values,
                },
            },
        }
    }
}
