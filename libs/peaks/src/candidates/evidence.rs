//! What the rest of a spectrum says about an element.

use super::expected::{Expected, Library, LineOrigin, escape_ratio};
use crate::PeakList;
use crate::refine::detection_limit;

/// A line must be there where its expected area exceeds so many detection limits.
const TESTABLE: f64 = 2.0;
/// And it is there with this part of the expected area: efficiency and absorption are rough.
const IN_PROPORTION: f64 = 0.5;
/// The element's amount is read off its strongest lines at this rank: below the middle, because
/// other elements add to some of them.
const RANK: f64 = 0.3;

/// One strong line of an element as the spectrum has it.
#[derive(Debug, Clone, Copy)]
struct Line {
    energy_kev: f64,
    response: f64,
    /// Number and area of the peak at its place.
    peak: Option<(usize, f64)>,
    /// Least area that would be seen there.
    limit: f64,
}

/// Strong lines of all elements, found or not.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    list: &'a PeakList,
    offsets_kev: &'a [f64],
    tolerances_kev: &'a [f64],
    lines: Vec<Vec<Line>>,
    /// Area over response of each element, by its own strongest lines.
    amounts: Vec<f64>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(
        list: &'a PeakList,
        library: &Library,
        offsets_kev: &'a [f64],
        tolerances_kev: &'a [f64],
    ) -> Self {
        let mut evidence = Self {
            list,
            offsets_kev,
            tolerances_kev,
            lines: Vec::new(),
            amounts: Vec::new(),
        };
        for element in &library.elements {
            let lines: Vec<Line> = element
                .strongest
                .iter()
                .map(|&(energy_kev, response)| Line {
                    energy_kev,
                    response,
                    peak: evidence.peak_at(energy_kev),
                    limit: evidence.limit(energy_kev),
                })
                .collect();
            let mut amounts: Vec<f64> = lines
                .iter()
                .map(|line| line.peak.map_or(line.limit, |(_, area)| area) / line.response)
                .collect();
            amounts.sort_by(f64::total_cmp);
            let rank = (RANK * amounts.len().saturating_sub(1) as f64).round() as usize;
            evidence
                .amounts
                .push(amounts.get(rank).copied().unwrap_or(0.0));
            evidence.lines.push(lines);
        }
        evidence
    }

    /// The nearest peak within its tolerance.
    fn peak_at(&self, energy_kev: f64) -> Option<(usize, f64)> {
        let peaks = &self.list.peaks;
        let place = peaks.partition_point(|p| p.energy_kev < energy_kev);
        let range = place.saturating_sub(4)..(place + 4).min(peaks.len());
        let distance = |i: usize| (peaks[i].energy_kev - self.offsets_kev[i] - energy_kev).abs();
        range
            .filter(|&i| distance(i) <= self.tolerances_kev[i])
            .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
            .map(|i| (i, peaks[i].net_area_counts))
    }

    /// Least area that would be seen at an energy; infinite outside the spectrum.
    fn limit(&self, energy_kev: f64) -> f64 {
        let reach = 1.25 * self.list.resolution.fwhm_kev(energy_kev);
        self.list
            .counts_between(energy_kev - reach, energy_kev + reach)
            .map_or(f64::INFINITY, detection_limit)
    }

    /// Which part of the element's other lines is there, where a peak is wholly this line; `None`
    /// where none of them would be seen.
    pub(super) fn corroboration(&self, peak: usize, expected: &Expected) -> Option<f64> {
        let element = expected.element?;
        let area = self.list.peaks[peak].net_area_counts;
        if matches!(
            expected.origin,
            LineOrigin::SingleEscape | LineOrigin::DoubleEscape
        ) {
            let (full, full_area) = match self.peak_at(expected.line_kev) {
                Some(found) => found,
                None => return Some(0.0),
            };
            let ratio = escape_ratio(expected.origin, expected.line_kev);
            let enough = (full_area * ratio / area / IN_PROPORTION).min(1.0);
            let amount = full_area / expected.response * ratio;
            let rest = self.others(element, full, expected.line_kev, amount);
            return Some(enough * rest.unwrap_or(1.0));
        }
        self.others(element, peak, expected.line_kev, area / expected.response)
    }

    fn others(&self, element: usize, peak: usize, line_kev: f64, amount: f64) -> Option<f64> {
        let (mut seen, mut all) = (0.0, 0.0);
        for line in &self.lines[element] {
            let wanted = amount * line.response;
            let own = (line.energy_kev - line_kev).abs() < 0.5
                || line.peak.is_some_and(|(at, _)| at == peak);
            if own || wanted < TESTABLE * line.limit {
                continue;
            }
            let weight = line.response.sqrt();
            let found = line.peak.map_or(0.0, |(_, area)| area);
            all += weight;
            seen += weight * (found / (IN_PROPORTION * wanted)).min(1.0);
        }
        (all > 0.0).then(|| seen / all)
    }

    /// Which part of a peak's area the element accounts for by the amount that its strongest
    /// lines allow.
    pub(super) fn explained(&self, peak: usize, expected: &Expected) -> f64 {
        let Some(element) = expected.element else {
            return 1.0;
        };
        let area = self.list.peaks[peak].net_area_counts;
        let amount = self.amounts[element];
        (amount * expected.response / (IN_PROPORTION * area)).clamp(0.0, 1.0)
    }
}
