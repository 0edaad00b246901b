//! One spectrum whose lines are known: its explanations made and scored.

use super::curves::{Areas, by_score, shuffled};
use super::lines::{PeakKind, TrueLine, kinds};
use super::ranking::{Ranking, chance};
use super::regions::{CellMap, RegionScore, occluded};
use super::removal::{Curves, Level, Removal, levels, rows};
use super::settings::TruthSettings;
use crate::{EvidencePlan, ExplainError};
use assay_core::ClassLabel;
use assay_infer::MappedFeatures;
use assay_peaks::Peak;
use assay_pipeline::{Judge, PipelineError, Prepared};
use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::Serialize;
use std::ops::Range;

/// By what peaks are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The evidence: what the class loses in logit without the peak.
    Evidence,
    /// What it loses when a window of the input vector around the peak is hidden.
    Occlusion,
    /// The net area of the peak, without any model.
    Area,
    /// By chance.
    Random,
}

/// How well one order does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OrderScore {
    /// The order.
    pub order: Order,
    /// Distinguishing peaks against the others; absent where either kind is missing.
    pub ranking: Option<Ranking>,
    /// Peaks taken out one after the other; the lower the better.
    pub deletion: Areas,
    /// Peaks put back one after the other into the spectrum without any; the higher the better.
    pub insertion: Areas,
}

/// The explanations of one spectrum against its true lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpectrumScore {
    /// The explained class.
    pub class: ClassLabel,
    /// Its probability.
    pub probability: f64,
    /// Whether it is the most probable one.
    pub right: bool,
    /// Peaks that were tested.
    pub peaks: usize,
    /// Those of them that are distinguishing lines.
    pub distinguishing: usize,
    /// Those of them at which no true line is.
    pub unmatched: usize,
    /// One per [`Order`], in its order.
    pub orders: Vec<OrderScore>,
    /// The class activation map; absent for a model without one.
    pub regions: Option<RegionScore>,
}

/// One spectrum, the class to explain, and the truth about it.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The spectrum.
    pub prepared: &'a Prepared,
    /// Its features with their map, where the model gives one.
    pub mapped: Option<&'a MappedFeatures>,
    /// The class to explain.
    pub class: usize,
    /// Its true lines.
    pub lines: &'a [TrueLine],
    /// What tells its random orders from those of other spectra.
    pub number: u64,
}

/// Makes the explanations of one class and scores them; `features` maps `[n, bins]` to
/// `[n, features]`.
///
/// # Errors
/// When a setting is out of its range, when peaks cannot be found or taken out, or the network
/// fails.
pub fn score<F>(
    judge: &Judge,
    case: &Case<'_>,
    settings: &TruthSettings,
    mut features: F,
) -> Result<SpectrumScore, ExplainError>
where
    F: FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, PipelineError>,
{
    settings.check()?;
    let plan = EvidencePlan::new(judge, case.prepared, &settings.evidence)?;
    let (list, tested) = (plan.peaks().clone(), plan.tested().to_vec());
    let computed = features(plan.vectors())?;
    let evidence = plan.conclude(judge, computed.view(), Some(case.class))?;
    let whole = Level {
        logit: evidence.whole.logit,
        probability: evidence.whole.probability,
    };
    let peaks: Vec<Peak> = tested.iter().map(|&peak| list.peaks[peak]).collect();
    let axis = Axis { judge, case };
    let map = case.mapped;
    let map = map.map(|mapped| CellMap::of(judge.bundle(), mapped, case.class));
    let map = map.transpose()?;
    let windows = axis.windows(&peaks, settings.window_kev, map.as_ref());
    let lost = axis.lost(whole, &windows, &mut features)?;
    let (lost_by_peak, lost_by_cell) = lost.split_at(peaks.len());

    let change = |&peak: &usize| {
        let without = evidence.peaks[peak].without.as_ref();
        without.map_or(0.0, |without| -without.logit_change)
    };
    let areas = peaks.iter().map(|peak| peak.net_area_counts);
    let scores = [
        (Order::Evidence, tested.iter().map(change).collect()),
        (Order::Occlusion, lost_by_peak.to_vec()),
        (Order::Area, areas.collect()),
    ];
    let removal = Removal {
        judge,
        prepared: case.prepared,
        peaks: &list,
        tested: &tested,
        class: case.class,
    };
    let mut orders: Vec<Vec<usize>> = scores.iter().map(|(_, s)| by_score(s)).collect();
    orders.extend((0..settings.draws as u64).map(|draw| {
        let counters = [case.number, draw];
        shuffled(peaks.len(), settings.seed, &counters)
    }));
    let curves = removal.curves(&orders, settings.steps, whole, &mut features)?;
    let kinds = kinds(&peaks, case.lines);
    let count = |kind| kinds.iter().filter(|k| **k == kind).count();
    Ok(SpectrumScore {
        right: evidence.whole.closed_set_label == evidence.label,
        class: evidence.label,
        probability: whole.probability,
        peaks: peaks.len(),
        distinguishing: count(PeakKind::Distinguishing),
        unmatched: count(PeakKind::Unmatched),
        orders: order_scores(&scores, &curves, &kinds)?,
        regions: map.map(|map| map.score(lost_by_cell, &axis.lines())),
    })
}

/// Rankings and curves of each order; the curves after those of the scores are of random orders.
fn order_scores(
    scores: &[(Order, Vec<f64>)],
    curves: &[Curves],
    kinds: &[PeakKind],
) -> Result<Vec<OrderScore>, ExplainError> {
    let distinguishing: Vec<bool> = kinds
        .iter()
        .map(|kind| *kind == PeakKind::Distinguishing)
        .collect();
    let (by_scores, by_chance) = curves.split_at(scores.len().min(curves.len()));
    let mut order_scores = Vec::with_capacity(scores.len() + 1);
    for ((order, scores), curves) in scores.iter().zip(by_scores) {
        let ranking = Ranking::of(scores, &distinguishing)?;
        order_scores.push(order_score(*order, ranking, *curves));
    }
    let ranking = chance(&distinguishing);
    order_scores.push(order_score(Order::Random, ranking, mean(by_chance)));
    Ok(order_scores)
}

fn order_score(order: Order, ranking: Option<Ranking>, curves: Curves) -> OrderScore {
    OrderScore {
        order,
        ranking,
        deletion: curves.deletion,
        insertion: curves.insertion,
    }
}

/// The mean over random orders.
fn mean(curves: &[Curves]) -> Curves {
    let areas = |of: fn(&Curves) -> Areas| {
        let sum = |value: fn(&Areas) -> f64| curves.iter().map(|c| value(&of(c))).sum::<f64>();
        let count = curves.len().max(1) as f64;
        Areas {
            logit: sum(|a| a.logit) / count,
            probability: sum(|a| a.probability) / count,
        }
    };
    Curves {
        deletion: areas(|c| c.deletion),
        insertion: areas(|c| c.insertion),
    }
}

/// The energy axis of the model, on which a spectrum's own energies may stand elsewhere: the
/// published recipe leaves out the quadratic term of the calibration.
struct Axis<'a> {
    judge: &'a Judge,
    case: &'a Case<'a>,
}

impl Axis<'_> {
    /// The true lines, by this axis.
    fn lines(&self) -> Vec<TrueLine> {
        let lines = self.case.lines.iter();
        lines
            .map(|line| TrueLine {
                energy_kev: self.energy_kev(line.energy_kev),
                ..*line
            })
            .collect()
    }

    /// The bins around each peak, then those of each cell.
    fn windows(&self, peaks: &[Peak], width_kev: f64, map: Option<&CellMap>) -> Vec<Range<usize>> {
        let around = |peak: &Peak| self.window(peak.energy_kev, width_kev);
        let mut windows: Vec<Range<usize>> = peaks.iter().map(around).collect();
        if let Some(CellMap { cells, .. }) = map {
            let bins = self.case.prepared.vector().len();
            windows.extend((0..cells.count).map(|cell| cells.bins(cell, bins)));
        }
        windows
    }

    fn energy_kev(&self, energy_kev: f64) -> f64 {
        let recipe = &self.judge.bundle().contents().recipe;
        let on_axis = self.case.prepared.spectrum().calibration.and_then(|full| {
            let channel = full.channel(energy_kev)?;
            Some(
                full.with_terms(recipe.calibration_terms)
                    .energy_kev(channel),
            )
        });
        on_axis.unwrap_or(energy_kev)
    }

    /// Bins whose centres are in a window around an energy of the file.
    fn window(&self, energy_kev: f64, width_kev: f64) -> Range<usize> {
        let recipe = &self.judge.bundle().contents().recipe;
        let centre =
            (self.energy_kev(energy_kev) - recipe.energy_kev(0)) / recipe.grid.bin_width_kev();
        let half = 0.5 * width_kev / recipe.grid.bin_width_kev();
        let first = (centre - half).ceil().max(0.0) as usize;
        let end = (centre + half).floor().max(-1.0) + 1.0;
        first.min(recipe.bins())..(end as usize).min(recipe.bins())
    }

    /// What the class loses in logit when each window is hidden.
    fn lost<F>(
        &self,
        whole: Level,
        windows: &[Range<usize>],
        mut features: F,
    ) -> Result<Vec<f64>, ExplainError>
    where
        F: FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, PipelineError>,
    {
        if windows.is_empty() {
            return Ok(Vec::new());
        }
        let vector = self.case.prepared.vector();
        let mut vectors = Array2::zeros((windows.len(), vector.len()));
        for (window, mut row) in windows.iter().zip(vectors.rows_mut()) {
            row.assign(&ArrayView1::from(&occluded(vector, window.clone())));
        }
        let levels = levels(
            self.judge,
            self.case.class,
            features(vectors.view())?.view(),
        )?;
        if levels.len() != windows.len() {
            return Err(rows(levels.len(), windows.len()));
        }
        Ok(levels
            .iter()
            .map(|level| whole.logit - level.logit)
            .collect())
    }
}
