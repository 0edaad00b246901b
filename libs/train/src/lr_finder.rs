//! The learning-rate finder's arithmetic: rates that grow batch by batch, smoothing, the stop
//! rule, and bounds taken from the curve. The batches themselves are run by `fit`.

use crate::error::{Result, TrainError};
use assay_training_spec::{FinderSettings, RateBounds};
use serde::{Deserialize, Serialize};

/// One point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Rate of the batch. A 32-bit number, because the optimiser's rate is one.
    pub rate: f32,
    /// Loss of this batch alone. (The reference reads Keras' running mean over the epoch.)
    pub loss: f64,
    /// Bias-corrected exponential moving average of the losses so far.
    pub smoothed: f64,
}

/// Whether the search goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// Run another batch at [`RateFinder::rate`].
    Continue,
    /// The loss exploded or all batches were run.
    Finished,
}

/// The state of a search, fed with one loss per batch.
#[derive(Debug, Clone)]
pub struct RateFinder {
    settings: FinderSettings,
    multiplier: f64,
    rate: f32,
    average: f64,
    decay: f64,
    best: f64,
    curve: Vec<CurvePoint>,
}

impl RateFinder {
    /// A search that has not begun.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "update counts are small, and rates are 32-bit by design"
    )]
    pub fn new(settings: FinderSettings) -> Self {
        Self {
            multiplier: (settings.end_rate / settings.start_rate)
                .powf(1.0 / settings.updates as f64),
            rate: settings.start_rate as f32,
            average: 0.0,
            decay: 1.0,
            best: f64::INFINITY,
            curve: Vec::with_capacity(settings.updates),
            settings,
        }
    }

    /// Rate of the next batch.
    #[must_use]
    pub const fn rate(&self) -> f32 {
        self.rate
    }

    /// Takes the loss of the batch that ran at [`Self::rate`] and moves on.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the rate is a 32-bit number, rounded after every multiplication"
    )]
    pub fn record(&mut self, loss: f64) -> Search {
        let beta = self.settings.beta;
        self.average = beta * self.average + (1.0 - beta) * loss;
        self.decay = beta.powi(i32::try_from(self.curve.len() + 1).unwrap_or(i32::MAX));
        let smoothed = self.average / (1.0 - self.decay);
        self.curve.push(CurvePoint {
            rate: self.rate,
            loss,
            smoothed,
        });
        let counts = self.curve.len() > self.settings.skip;
        let exploded = counts && smoothed > self.settings.stop_factor * self.best;
        if exploded || !smoothed.is_finite() {
            return Search::Finished;
        }
        if counts {
            self.best = self.best.min(smoothed);
        }
        self.rate = (f64::from(self.rate) * self.multiplier) as f32;
        if self.curve.len() >= self.settings.updates {
            Search::Finished
        } else {
            Search::Continue
        }
    }

    /// The curve so far.
    #[must_use]
    pub fn curve(&self) -> &[CurvePoint] {
        &self.curve
    }

    /// Ends the search.
    #[must_use]
    pub fn into_curve(self) -> Vec<CurvePoint> {
        self.curve
    }
}

/// Takes the two bounds of a cycle from a curve.
///
/// The upper bound is the decade below the rate of the lowest smoothed loss. From the last rate
/// not above it, the walk goes left while the loss stays below
/// `loss + fraction · (baseline − loss)`; the base rate is the last one that did.
///
/// # Errors
/// When the curve is too short, has its minimum in the first fifth, never falls below its
/// baseline (mean of the first fifth) or gives bounds that coincide.
///
/// # Source
/// PyChemAuth `LearningRateFinder.estimate_clr`, after Smith, arXiv:1506.01186, section 3.3.
pub fn estimate_bounds(curve: &[CurvePoint], fraction: f64, skip: usize) -> Result<RateBounds> {
    let fail = |reason: String| TrainError::LearningRateBounds { reason };
    let curve = curve.get(skip..).unwrap_or_default();
    // A last point that is not finite tells that the loss exploded and nothing else.
    let curve = match curve.split_last() {
        Some((last, rest)) if !last.smoothed.is_finite() => rest,
        _ => curve,
    };
    let fifth = curve.len() / 5;
    if fifth == 0 {
        return Err(fail(format!(
            "it has {} points after leaving out the first {skip}, at least 5 are needed",
            curve.len()
        )));
    }
    let lowest = curve
        .iter()
        .enumerate()
        .min_by(|a, b| a.1.smoothed.total_cmp(&b.1.smoothed))
        .map_or(0, |(index, _)| index);
    let rate_at_lowest = f64::from(curve[lowest].rate);
    if lowest < fifth {
        return Err(fail(format!(
            "the lowest loss lies in its first fifth, at a rate of {rate_at_lowest:e}, \
             so start at a lower rate"
        )));
    }
    let max = 10.0_f64.powf(rate_at_lowest.log10().floor());
    let Some(start) = curve.iter().rposition(|p| f64::from(p.rate) <= max) else {
        return Err(fail(format!("no rate of it is at most {max:e}")));
    };
    let baseline = mean(&curve[..fifth]);
    let loss = curve[start].smoothed;
    if baseline < loss {
        return Err(fail(format!(
            "the loss at a rate of {max:e} is {loss}, above the {baseline} it began with"
        )));
    }
    let threshold = loss + fraction * (baseline - loss);
    let below = curve[..=start]
        .iter()
        .rev()
        .take_while(|point| point.smoothed < threshold)
        .count();
    // `below` counts from `start` leftwards; right of the first point that is not below.
    let base = curve
        .get(start + 1 - below)
        .map_or(max, |p| f64::from(p.rate));
    if base >= max {
        return Err(fail(format!(
            "the lower bound {base:e} is not below the upper bound {max:e}"
        )));
    }
    Ok(RateBounds { base, max })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a curve has far fewer than 2^53 points"
)]
fn mean(points: &[CurvePoint]) -> f64 {
    points.iter().map(|p| p.smoothed).sum::<f64>() / points.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve_of(losses: impl IntoIterator<Item = f64>) -> Vec<CurvePoint> {
        let mut finder = RateFinder::new(FinderSettings::default());
        for loss in losses {
            if finder.record(loss) == Search::Finished {
                break;
            }
        }
        finder.into_curve()
    }

    #[test]
    fn runs_exactly_the_updates_asked_for() {
        let curve = curve_of(std::iter::repeat(1.0));
        assert_eq!(curve.len(), 100);
        assert!((f64::from(curve[99].rate) / (10.0 / 1.174_897_554_939_529_6) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn an_exploding_or_undefined_loss_ends_the_search() {
        let settled = std::iter::repeat_n(1.0, 11);
        assert_eq!(curve_of(settled.chain([500.0, 1.0])).len(), 12);
        assert_eq!(curve_of([1.0, f64::NAN, 1.0]).len(), 2);
    }

    #[test]
    fn one_lucky_batch_at_the_start_neither_stops_the_search_nor_sets_the_bounds() {
        let falling = (0..99).map(|i| if i < 80 { 2.3 } else { 1.0 });
        let curve = curve_of(std::iter::once(0.01).chain(falling));
        assert_eq!(curve.len(), 100);
        assert!(estimate_bounds(&curve, 0.5, 0).is_err());
        assert!(estimate_bounds(&curve, 0.5, 10).is_ok());
    }

    #[test]
    fn every_refusal_names_the_way_out() {
        let flat = curve_of(std::iter::repeat(1.0));
        let rising = curve_of((0..100).map(|i| 1.0 + f64::from(i) * 0.01));
        for (curve, skip) in [(&flat, 0), (&rising, 0), (&flat, 98), (&flat, 500)] {
            let error = estimate_bounds(curve, 0.5, skip).unwrap_err().to_string();
            assert!(error.contains("--lr-bounds BASE,MAX"), "{error}");
        }
    }
}
