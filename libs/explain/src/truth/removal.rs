//! Runs of the network for deletion and insertion curves: real spectra without sets of peaks.

use super::curves::{Areas, area, steps};
use crate::ExplainError;
use assay_peaks::PeakList;
use assay_pipeline::{Judge, PipelineError, Prepared};
use ndarray::{Array2, ArrayView1, ArrayView2};

/// Where one class stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub(super) logit: f64,
    pub(super) probability: f64,
}

/// The areas that one order of peaks has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curves {
    pub(super) deletion: Areas,
    pub(super) insertion: Areas,
}

/// What peaks are taken out of, and for which class.
pub(super) struct Removal<'a> {
    pub(super) judge: &'a Judge,
    pub(super) prepared: &'a Prepared,
    pub(super) peaks: &'a PeakList,
    /// Positions in `peaks` of those that orders are about; the others stay in always.
    pub(super) tested: &'a [usize],
    pub(super) class: usize,
}

impl Removal<'_> {
    /// Curves of several orders in one run of the network, from where the class stands with all
    /// peaks.
    ///
    /// # Shapes
    /// Each order holds every position in `tested` once.
    pub(super) fn curves<F>(
        &self,
        orders: &[Vec<usize>],
        most_steps: usize,
        whole: Level,
        mut features: F,
    ) -> Result<Vec<Curves>, ExplainError>
    where
        F: FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, PipelineError>,
    {
        let points = steps(self.tested.len(), most_steps);
        let inner = points.get(1..points.len() - 1).unwrap_or_default();
        let everything: Vec<usize> = (0..self.tested.len()).collect();
        let mut gone: Vec<&[usize]> = vec![&everything];
        for order in orders {
            gone.extend(inner.iter().map(|&count| &order[..count]));
            gone.extend(inner.iter().map(|&count| &order[count..]));
        }
        let mut vectors = Array2::zeros((gone.len(), self.prepared.vector().len()));
        for (gone, mut row) in gone.iter().zip(vectors.rows_mut()) {
            row.assign(&ArrayView1::from(&self.without(gone)?));
        }
        let levels = levels(self.judge, self.class, features(vectors.view())?.view())?;
        let Some((&empty, levels)) = levels.split_first() else {
            return Err(rows(0, gone.len()));
        };
        if levels.len() + 1 != gone.len() {
            return Err(rows(levels.len() + 1, gone.len()));
        }
        let curve = |order: usize, insertion: bool| {
            let from = (2 * order + usize::from(insertion)) * inner.len();
            let (first, last) = if insertion {
                (empty, whole)
            } else {
                (whole, empty)
            };
            let mut line = vec![first];
            line.extend_from_slice(&levels[from..from + inner.len()]);
            line.push(last);
            let logits: Vec<f64> = line.iter().map(|level| level.logit).collect();
            let probabilities: Vec<f64> = line.iter().map(|level| level.probability).collect();
            Areas {
                logit: area(&points, &logits),
                probability: area(&points, &probabilities),
            }
        };
        let curves = (0..orders.len()).map(|order| Curves {
            deletion: curve(order, false),
            insertion: curve(order, true),
        });
        Ok(curves.collect())
    }

    /// The input vector without some of the tested peaks.
    fn without(&self, gone: &[usize]) -> Result<Vec<f32>, ExplainError> {
        let peaks: Vec<usize> = gone.iter().map(|&position| self.tested[position]).collect();
        let spectrum = self.peaks.without(self.prepared.spectrum(), &peaks)?;
        let digest = self.prepared.digest();
        let prepared = self.judge.prepare_spectrum(&spectrum, digest, Vec::new())?;
        Ok(prepared.vector().to_vec())
    }
}

/// Where a class stands with each row of features.
pub(super) fn levels(
    judge: &Judge,
    class: usize,
    features: ArrayView2<'_, f32>,
) -> Result<Vec<Level>, ExplainError> {
    let level = |row: ArrayView1<'_, f32>| {
        let decision = judge.decide(&row.to_vec())?;
        let classes = decision.logits.len();
        let (Some(&logit), Some(&probability)) = (
            decision.logits.get(class),
            decision.probabilities.get(class),
        ) else {
            return Err(ExplainError::Class { class, classes });
        };
        Ok(Level {
            logit: f64::from(logit),
            probability: f64::from(probability),
        })
    };
    features.rows().into_iter().map(level).collect()
}

pub(super) fn rows(found: usize, expected: usize) -> ExplainError {
    ExplainError::Rows { found, expected }
}
