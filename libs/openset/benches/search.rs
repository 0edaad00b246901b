//! Time of the published grid search, of the choice of k and of one fit, at the size of the
//! measured data set: 259 samples of 13 classes with 1280 features.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

use assay_core::keyed_rng;
use assay_openset::{
    Dime, Folds, KSearch, OpenSetError, Samples, ThresholdRule, choose_k,
    search::{self, Grid, PUBLISHED_K, TeffSearch},
};
use ndarray::Array2;
use rand::RngExt;
use std::{hint::black_box, time::Instant};

const ROWS: usize = 259;
const FEATURES: usize = 1280;
const CLASSES: usize = 13;
const KNOWN: usize = 10;

fn main() -> Result<(), OpenSetError> {
    let mut rng = keyed_rng(1, "bench", &[]);
    let noise = Array2::from_shape_fn((ROWS, FEATURES), |_| rng.random::<f64>());
    // Singular values that fall as those of real features: each class has its own offset.
    let class_index: Vec<usize> = (0..ROWS).map(|row| row % CLASSES).collect();
    let features = Array2::from_shape_fn((ROWS, FEATURES), |(i, j)| {
        1.0 + ((class_index[i] * 37 + j) % 101) as f64 / 50.0 + 0.2 * noise[[i, j]]
    });
    let grid = Grid::dime(&PUBLISHED_K);
    let teff = TeffSearch {
        samples: Samples::features(features.view()),
        class_index: &class_index,
        known_classes: KNOWN,
        predicted: &class_index,
        grid: &grid,
        folds: Folds::default(),
        rule: ThresholdRule::InSample,
    };
    let search = median_ms(|| search::teff(&teff).map(|result| result.best))?;
    println!("50 x 5 TEFF search on {ROWS} x {FEATURES}: {search:.0} ms");
    let nested = TeffSearch {
        rule: ThresholdRule::default(),
        ..teff
    };
    let nested = median_ms(|| search::teff(&nested).map(|result| result.best))?;
    println!("the same with out-of-fold thresholds: {nested:.0} ms");
    let choice = KSearch::new(features.view(), &class_index);
    let choice = median_ms(|| choose_k(&choice).map(|choice| choice.k))?;
    println!("choice of k, {CLASSES} classes left out in 5 folds: {choice:.0} ms");
    let fit = median_ms(|| Dime::fit(features.view(), 50).map(|dime| dime.basis().nrows()))?;
    println!("one DIME fit: {fit:.0} ms");
    Ok(())
}

fn median_ms<T>(work: impl Fn() -> Result<T, OpenSetError>) -> Result<f64, OpenSetError> {
    let mut times = [0.0; 7];
    for time in &mut times {
        let start = Instant::now();
        black_box(work()?);
        *time = start.elapsed().as_secs_f64() * 1e3;
    }
    times.sort_by(f64::total_cmp);
    Ok(times[3])
}
