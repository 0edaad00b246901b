//! Which peaks are fitted together, and in which channels.

use crate::Resolution;
use crate::channels::Channels;
use crate::profile::FWHM_PER_SIGMA;
use crate::region::{Component, PeakForm};
use crate::search::Found;
use assay_lines::ELECTRON_KEV;

/// Continuum on each side of a region, beyond what its peaks reach, in widths.
const CONTINUUM_FWHM: f64 = 1.5;
/// Least continuum between two regions, in widths.
const BETWEEN_FWHM: f64 = 1.2;
/// How far a calibration may put annihilation radiation from its energy, and the spread
/// that the momentum of bound electrons gives it beside the resolution: 2 to 2.5 keV in solids.
const ANNIHILATION_KEV: f64 = 2.0;
const ANNIHILATION_FWHM_KEV: f64 = 2.3;
/// What of this spread and of the resolution a broad peak may have, at least and at most.
const BROAD: (f64, f64) = (0.9, 1.25);
/// A peak is taken for the single escape of a stronger one above this energy, where it stands one
/// electron mass below it within this distance and is strong enough to show its width.
const ESCAPES_FROM_KEV: f64 = 1700.0;
const ESCAPE_KEV: f64 = 1.5;
const ESCAPE_SIGNIFICANCE: f64 = 15.0;
/// Boron's line: its energy, and half of its width (7Li recoils with 0.016 of the speed of
/// light).
pub(crate) const BORON_KEV: f64 = 477.595;
const BORON_HALF_KEV: f64 = 7.67;
/// Channels on each side of boron's line that say what lies beneath it.
const BORON_SIDE_KEV: (f64, f64) = (9.5, 14.0);
/// What its flat top must reach in every part, in standard deviations and of the continuum.
const BORON_SIGNIFICANCE: f64 = 6.0;
const BORON_PART: f64 = 0.01;
/// Part of its own half width by which its position, and to which its half width may change.
const BORON_MOVE: f64 = 0.2;
const BORON_SLOWED: f64 = 0.84;
/// How uneven its top may be.
const EDGE_PART: f64 = 0.1;

/// Peaks of one region with its channels.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) low: usize,
    pub(crate) end: usize,
    pub(crate) peaks: Vec<Component>,
}

impl Group {
    /// Two groups, cut where its peaks are furthest apart; `None` of a single peak.
    pub(crate) fn halves(&self) -> Option<[Self; 2]> {
        let gap = |i: usize| self.peaks[i].center - self.peaks[i - 1].center;
        let cut = (1..self.peaks.len()).max_by(|&a, &b| gap(a).total_cmp(&gap(b)))?;
        let (left, right) = self.peaks.split_at(cut);
        let middle = 0.5 * (self.peaks[cut - 1].center + self.peaks[cut].center);
        let middle = (middle.round().max(0.0) as usize).clamp(self.low, self.end);
        let part = |low, end, peaks: &[Component]| Self {
            low,
            end,
            peaks: peaks.to_vec(),
        };
        Some([part(self.low, middle, left), part(middle, self.end, right)])
    }
}

/// A component with how far it reaches to each side.
#[derive(Debug, Clone, Copy)]
struct Reaching {
    peak: Component,
    reach: f64,
    fwhm: f64,
}

/// Puts peaks into regions.
pub(crate) fn group(
    channels: &Channels,
    resolution: &Resolution,
    found: &[Found],
    most: usize,
) -> Vec<Group> {
    let peaks = reaching(channels, resolution, found);
    let mut parts: Vec<&[Reaching]> = Vec::new();
    let together = |a: &Reaching, b: &Reaching| {
        b.peak.center - a.peak.center < a.reach + b.reach + BETWEEN_FWHM * a.fwhm
    };
    for part in peaks.chunk_by(together) {
        divide(part, most, &mut parts);
    }
    (0..parts.len())
        .filter_map(|number| {
            let before = number.checked_sub(1).and_then(|n| parts[n].last());
            let after = parts.get(number + 1).and_then(|part| part.first());
            bounded(channels, parts[number], before, after)
        })
        .collect()
}

/// Cuts a part with too many peaks at its widest gaps.
fn divide<'a>(part: &'a [Reaching], most: usize, parts: &mut Vec<&'a [Reaching]>) {
    if part.len() <= most {
        parts.push(part);
        return;
    }
    let gap = |i: &usize| (part[*i].peak.center - part[*i - 1].peak.center) / part[*i].fwhm;
    let widest = (1..part.len())
        .max_by(|a, b| gap(a).total_cmp(&gap(b)))
        .unwrap_or(1);
    let (left, right) = part.split_at(widest);
    divide(left, most, parts);
    divide(right, most, parts);
}

fn bounded(
    channels: &Channels,
    part: &[Reaching],
    before: Option<&Reaching>,
    after: Option<&Reaching>,
) -> Option<Group> {
    let (first, last) = (part.first()?, part.last()?);
    let side = |r: &Reaching| r.reach + CONTINUUM_FWHM * r.fwhm;
    let mut low = first.peak.center - side(first);
    let mut high = last.peak.center + side(last);
    // Not into what the neighbour reaches, and where both reach, to the middle.
    if let Some(b) = before {
        let middle = 0.5 * (b.peak.center + first.peak.center);
        low = low.max((b.peak.center + b.reach).min(middle));
    }
    if let Some(a) = after {
        let middle = 0.5 * (a.peak.center + last.peak.center);
        high = high.min((a.peak.center - a.reach).max(middle));
    }
    let low = low.round().max(0.0) as usize;
    let end = (high.round().max(0.0) as usize + 1).min(channels.counts.len());
    (end > low + 4).then(|| Group {
        low,
        end,
        peaks: part.iter().map(|r| r.peak).collect(),
    })
}

/// Places of peaks to components, annihilation and boron with their own forms.
fn reaching(channels: &Channels, resolution: &Resolution, found: &[Found]) -> Vec<Reaching> {
    let boron = boron(channels, resolution);
    let annihilation = found
        .iter()
        .filter(|f| (channels.energy_kev(f.channel) - ELECTRON_KEV).abs() < ANNIHILATION_KEV)
        .max_by(|a, b| a.significance.total_cmp(&b.significance))
        .map(|f| f.channel);
    let mut all: Vec<Reaching> = found
        .iter()
        .filter(|f| boron.is_none_or(|b| !is_edge(channels, &b.peak, f)))
        .map(|f| {
            let fwhm = channels.fwhm(resolution, f.channel);
            let mut peak = Component::line(f.channel, fwhm / FWHM_PER_SIGMA);
            let mut reach = channels.reach(f.channel, fwhm);
            if annihilation == Some(f.channel) || is_escape(channels, found, f) {
                let spread = ANNIHILATION_FWHM_KEV / channels.gain_kev(f.channel) / fwhm;
                peak.form = PeakForm::BroadGaussian;
                peak.own = spread.hypot(1.0);
                peak.own_bounds = (BROAD.0, BROAD.1 * peak.own);
                reach *= peak.own;
            }
            Reaching { peak, reach, fwhm }
        })
        .collect();
    if let Some(boron) = boron {
        let place = all.partition_point(|r| r.peak.center < boron.peak.center);
        all.insert(place, boron);
    }
    all
}

/// Whether a peak is an edge of boron's line: no higher than its top is. Small true ones come
/// back from the residuals.
fn is_edge(channels: &Channels, boron: &Component, found: &Found) -> bool {
    if (found.channel - boron.center).abs() > 1.35 * boron.own {
        return false;
    }
    let last = channels.counts.len() - 1;
    let at = |index: f64| (index.round().max(0.0) as usize).min(last);
    let inside = at(boron.center - 0.6 * boron.own)..=at(boron.center + 0.6 * boron.own);
    let top = crate::robust::median(channels.counts[inside].to_vec()).unwrap_or(0.0);
    let height = channels.counts[at(found.channel)];
    height < (1.0 + EDGE_PART) * top + 5.0 * top.sqrt()
}

/// Whether a peak stands where the single escape of a stronger one would.
fn is_escape(channels: &Channels, found: &[Found], peak: &Found) -> bool {
    let full_kev = channels.energy_kev(peak.channel) + ELECTRON_KEV;
    if full_kev < ESCAPES_FROM_KEV || peak.significance < ESCAPE_SIGNIFICANCE {
        return false;
    }
    let first = found.partition_point(|f| channels.energy_kev(f.channel) < full_kev - ESCAPE_KEV);
    found[first..]
        .iter()
        .take_while(|f| channels.energy_kev(f.channel) < full_kev + ESCAPE_KEV)
        .any(|f| f.significance > peak.significance)
}

/// Boron's line, where every part of its flat top stands above a line through both sides.
fn boron(channels: &Channels, resolution: &Resolution) -> Option<Reaching> {
    let center = channels.index(BORON_KEV)?;
    let gain = channels.gain_kev(center);
    let at = |kev: f64| {
        let index = (center + kev / gain).round();
        (index >= 0.0 && index < channels.counts.len() as f64).then_some(index as usize)
    };
    let (near, far) = BORON_SIDE_KEV;
    let (a, b, c, d) = (at(-far)?, at(-near)?, at(near)?, at(far)?);
    let level =
        |low: usize, high: usize| crate::robust::median(channels.counts[low..=high].to_vec());
    let (left, right) = (level(a, b)?, level(c, d)?);
    let (first, last) = (at(-0.75 * BORON_HALF_KEV)?, at(0.75 * BORON_HALF_KEV)?);
    let part = (last - first) / 4;
    let stands = (0..4).all(|quarter| {
        let from = first + quarter * part;
        let gross: f64 = channels.counts[from..from + part].iter().sum();
        let along = (from as f64 + 0.5 * part as f64 - center) / (near + far) * 2.0 * gain;
        let line = 0.5 * (left + right) + 0.5 * (right - left) * along;
        let beneath = line.max(1.0) * part as f64;
        let net = gross - beneath;
        net > BORON_SIGNIFICANCE * (gross + 0.5 * beneath).sqrt() && net > BORON_PART * beneath
    });
    let fwhm = channels.fwhm(resolution, center);
    // The nucleus slows down while it radiates, so the top is somewhat narrower than that.
    let own = BORON_HALF_KEV / gain;
    stands.then_some(Reaching {
        peak: Component {
            center,
            center_bounds: (center - BORON_MOVE * own, center + BORON_MOVE * own),
            area: 0.0,
            sigma: fwhm / FWHM_PER_SIGMA,
            form: PeakForm::FlatTop,
            own,
            own_bounds: (BORON_SLOWED * own, own),
        },
        reach: own + 1.5 * fwhm,
        fwhm,
    })
}
