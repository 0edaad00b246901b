//! The published grid search: 50 combinations of alpha and k, 5 folds, 259 × 1280 features.

use crate::measure::{median_s, report};
use anyhow::Result;
use assay_core::keyed_rng;
use assay_openset::{
    Folds, Samples, ThresholdRule,
    search::{Grid, PUBLISHED_K, TeffSearch, teff},
};
use ndarray::Array2;
use rand_distr::{Distribution, StandardNormal};

const ROWS: usize = 259;
const FEATURES: usize = 1280;
const CLASSES: usize = 10;

pub(crate) fn run() -> Result<()> {
    // Cheap to make and as costly to decompose as features of spectra: class centres and noise.
    let centres = normal(CLASSES, FEATURES, 1);
    let class_index: Vec<usize> = (0..ROWS).map(|row| row % CLASSES).collect();
    let mut features = normal(ROWS, FEATURES, 2) * 0.3;
    for (mut row, &class) in features.outer_iter_mut().zip(&class_index) {
        row += &centres.row(class);
    }
    let grid = Grid::dime(&PUBLISHED_K);
    let search = TeffSearch {
        samples: Samples::features(features.view()),
        class_index: &class_index,
        known_classes: CLASSES,
        predicted: &class_index,
        grid: &grid,
        folds: Folds::Seeded { folds: 5, seed: 0 },
        rule: ThresholdRule::InSample,
    };
    let mut timing = median_s(7, || {
        std::hint::black_box(teff(&search)?);
        Ok(())
    })?;
    timing["combinations"] = grid
        .alphas
        .len()
        .saturating_mul(grid.detectors.len())
        .into();
    report("50 x 5 search on 259 x 1280 features", timing);
    Ok(())
}

fn normal(rows: usize, columns: usize, key: u64) -> Array2<f64> {
    let mut rng = keyed_rng(0, "bench features", &[key]);
    Array2::from_shape_simple_fn((rows, columns), || StandardNormal.sample(&mut rng))
}
