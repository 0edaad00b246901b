//! Scores of many spectra as means.

use super::ranking::Ranking;
use super::regions::{RegionScore, Shares};
use super::trial::{Order, OrderScore, SpectrumScore};
use serde::Serialize;

/// Means over spectra; a figure that no spectrum has is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Number of spectra.
    pub spectra: usize,
    /// Spectra whose explained class is the most probable one.
    pub right: usize,
    /// Tested peaks, distinguishing ones among them, and those at which no true line is.
    pub peaks: usize,
    /// See [`Summary::peaks`].
    pub distinguishing: usize,
    /// See [`Summary::peaks`].
    pub unmatched: usize,
    /// One per [`Order`].
    pub orders: Vec<OrderSummary>,
    /// Class activation maps; absent for a model without them.
    pub regions: Option<RegionSummary>,
}

/// One order over all spectra.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OrderSummary {
    /// The order.
    pub order: Order,
    /// Spectra with peaks of both kinds, on which the two rankings are means.
    pub ranked: usize,
    /// Mean of [`Ranking::auroc`].
    pub auroc: Option<f64>,
    /// Mean of [`Ranking::average_precision`].
    pub average_precision: Option<f64>,
    /// Mean area under the deletion curve of the logit.
    pub deletion_logit: Option<f64>,
    /// The same of the probability.
    pub deletion_probability: Option<f64>,
    /// Mean area under the insertion curve of the logit.
    pub insertion_logit: Option<f64>,
    /// The same of the probability.
    pub insertion_probability: Option<f64>,
    /// Spectra in which the deletion curve of the logit lies lower than that of random orders.
    pub deletion_beats_random: usize,
    /// Spectra in which the insertion curve of the logit lies higher than that of random orders.
    pub insertion_beats_random: usize,
}

/// Class activation maps over all spectra.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RegionSummary {
    /// Number of cells.
    pub cells: usize,
    /// Width of one in keV.
    pub cell_width_kev: f64,
    /// See [`RegionScore::holding`].
    pub holding: ShareSummary,
    /// See [`RegionScore::ruled`].
    pub ruled: ShareSummary,
}

/// Means of [`Shares`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ShareSummary {
    /// Share of the cells.
    pub expected: Option<f64>,
    /// Of the class activation map.
    pub map: Option<f64>,
    /// Of occlusion.
    pub occlusion: Option<f64>,
    /// Spectra in which the map has more there than expected.
    pub map_beats_random: usize,
}

/// Puts scores together.
#[must_use]
pub fn summarise<'a>(scores: impl IntoIterator<Item = &'a SpectrumScore>) -> Summary {
    let scores: Vec<&SpectrumScore> = scores.into_iter().collect();
    let sum = |of: fn(&SpectrumScore) -> usize| scores.iter().map(|s| of(s)).sum();
    let orders = [
        Order::Evidence,
        Order::Occlusion,
        Order::Area,
        Order::Random,
    ];
    let regions: Vec<&RegionScore> = scores.iter().filter_map(|s| s.regions.as_ref()).collect();
    Summary {
        spectra: scores.len(),
        right: scores.iter().filter(|s| s.right).count(),
        peaks: sum(|s| s.peaks),
        distinguishing: sum(|s| s.distinguishing),
        unmatched: sum(|s| s.unmatched),
        orders: orders
            .iter()
            .map(|&order| of_order(&scores, order))
            .collect(),
        regions: regions.first().map(|first| RegionSummary {
            cells: first.cells,
            cell_width_kev: first.cell_width_kev,
            holding: of_shares(regions.iter().map(|r| r.holding)),
            ruled: of_shares(regions.iter().map(|r| r.ruled)),
        }),
    }
}

fn of_order(scores: &[&SpectrumScore], order: Order) -> OrderSummary {
    let found = |score: &SpectrumScore, order| -> Option<OrderScore> {
        score.orders.iter().find(|o| o.order == order).copied()
    };
    let all: Vec<OrderScore> = scores.iter().filter_map(|s| found(s, order)).collect();
    let pairs: Vec<(OrderScore, OrderScore)> = scores
        .iter()
        .filter_map(|s| Some((found(s, order)?, found(s, Order::Random)?)))
        .collect();
    let rankings: Vec<Ranking> = all.iter().filter_map(|o| o.ranking).collect();
    let over = |of: fn(&OrderScore) -> f64| mean(all.iter().map(of));
    OrderSummary {
        order,
        ranked: rankings.len(),
        auroc: mean(rankings.iter().map(|r| r.auroc)),
        average_precision: mean(rankings.iter().map(|r| r.average_precision)),
        deletion_logit: over(|o| o.deletion.logit),
        deletion_probability: over(|o| o.deletion.probability),
        insertion_logit: over(|o| o.insertion.logit),
        insertion_probability: over(|o| o.insertion.probability),
        deletion_beats_random: pairs
            .iter()
            .filter(|(own, random)| own.deletion.logit < random.deletion.logit)
            .count(),
        insertion_beats_random: pairs
            .iter()
            .filter(|(own, random)| own.insertion.logit > random.insertion.logit)
            .count(),
    }
}

fn of_shares(shares: impl Iterator<Item = Shares>) -> ShareSummary {
    let shares: Vec<Shares> = shares.collect();
    ShareSummary {
        expected: mean(shares.iter().map(|s| s.expected)),
        map: mean(shares.iter().filter_map(|s| s.map)),
        occlusion: mean(shares.iter().filter_map(|s| s.occlusion)),
        map_beats_random: shares
            .iter()
            .filter(|s| s.map.is_some_and(|map| map > s.expected))
            .count(),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    let sum: f64 = values.iter().sum();
    (!values.is_empty()).then(|| sum / values.len() as f64)
}

#[cfg(test)]
mod tests;
