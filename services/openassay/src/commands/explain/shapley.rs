//! Shapley values of ranges of energy or of the pixels of the image.

use crate::{
    context::Context,
    failure::{Failure, Result},
};
use assay_core::ErrorKind;
use assay_explain::{
    Hiding, ImageNetwork, ImageOptions, Over, ShapleyRun, ShapleySpec, ShapleyValues,
};
use assay_infer::Watch;
use assay_pipeline::{Identifier, Prepared};
use ndarray::ArrayView2;

/// Values with the words for how they were made.
pub(super) struct Shapley {
    pub(super) method: String,
    pub(super) values: ShapleyValues,
}

/// Hides parts of a spectrum, or of its image, until the budget is spent. `features` are those of
/// the spectrum, `class` the one that the explanation is about.
pub(super) fn find(
    context: &Context,
    identifier: &Identifier,
    (prepared, features): (&Prepared, &[f32]),
    (spec, class): (&ShapleySpec, usize),
) -> Result<Shapley> {
    let judge = identifier.judge();
    let network;
    let (title, hiding) = match spec.over {
        Over::Energies => {
            let settings = spec.energies(Some(class));
            ("hiding ranges of energy", Hiding::Energies(settings))
        }
        Over::Image => {
            let options = ImageOptions {
                threads: context.session_options().threads,
                ..ImageOptions::default()
            };
            network = ImageNetwork::load(judge.bundle(), &options)?;
            let hiding = Hiding::Image {
                settings: spec.image(Some(class)),
                network: &network,
                features,
            };
            ("hiding pixels", hiding)
        }
    };
    let values = context.watched(title, |watch| {
        let mut features =
            |vectors: ArrayView2<'_, f32>| identifier.features(vectors, &Watch::none());
        let mut run = ShapleyRun::begin((judge, prepared), hiding, None, &mut features)?;
        loop {
            let progress = run.progress();
            watch.report(progress.rows.min(progress.max_evals), progress.max_evals);
            if watch.is_cancelled() {
                return Err(Failure::new(ErrorKind::Cancelled, "interrupted"));
            }
            if progress.finished {
                return run.finish().map_err(Failure::from);
            }
            run.step(&mut features)?;
        }
    });
    Ok(Shapley {
        method: spec.in_words(),
        values: values?,
    })
}
