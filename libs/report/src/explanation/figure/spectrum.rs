//! The spectrum over energy, coloured by importance, with its peaks and the map's cells.

use super::evidence_legend;
use super::peak_labels::{self, Places};
use crate::ReportError;
use crate::drawing::{
    AGAINST, Anchor, Axis, Drawing, FOR, INK, Label, NEUTRAL, RULE, SOFT, evidence_colour,
    nice_ticks,
};
use crate::explanation::{EnergyImportance, Explanation, Peak, words};

const WIDTH: f32 = 1200.0;
const LEFT: f32 = 84.0;
const RIGHT: f32 = 1180.0;
const TOP: f32 = 112.0;
const BOTTOM: f32 = 500.0;
/// Share of the plot's height above the highest count, for the labels of peaks.
const HEADROOM: f64 = 0.28;
/// The same where no peak has a label.
const BARE_HEADROOM: f64 = 0.05;
/// Counts that a logarithmic axis shows for an empty channel.
const FLOOR: f64 = 0.5;
/// Colours between no and full evidence: more cannot be told apart.
const COLOUR_STEPS: f64 = 12.0;

/// Draws the spectrum: logarithmic counts over keV with channels above, coloured by importance,
/// with labelled peaks and, where there is one, a strip with the importance and its cells.
///
/// # Errors
/// When a number is not finite or parts contradict each other.
pub fn spectrum_figure(explanation: &Explanation) -> Result<Drawing, ReportError> {
    explanation.check()?;
    let strip_px = if explanation.importance.is_some() {
        112.0
    } else {
        0.0
    };
    let frame = Frame::new(explanation, strip_px);
    let title = format!(
        "{} — {}",
        words::headline(&explanation.verdict),
        explanation.title
    );
    let mut drawing = Drawing::new(WIDTH, frame.axis_y + 92.0, title.clone());
    drawing.text(
        Label::new(LEFT, 30.0, title)
            .sized(19.0)
            .within(RIGHT - LEFT),
    );
    let reason = words::reasons(&explanation.verdict).swap_remove(0);
    drawing.text(Label::new(LEFT, 52.0, reason).soft().within(RIGHT - LEFT));
    frame.axes(&mut drawing);
    frame.line(&mut drawing);
    if let Some(evidence) = &explanation.peaks {
        frame.peaks(&mut drawing, &evidence.peaks);
    }
    if let Some(importance) = &explanation.importance {
        frame.strip(&mut drawing, importance);
        evidence_legend(
            &mut drawing,
            (LEFT, frame.axis_y + 74.0),
            &explanation.explained_class,
            true,
        );
    }
    Ok(drawing)
}

struct Frame<'a> {
    explanation: &'a Explanation,
    x: Axis,
    /// Of the logarithm of counts.
    y: Axis,
    /// Where the axis of energies lies, below the strip.
    axis_y: f32,
    largest: f64,
}

impl<'a> Frame<'a> {
    fn new(explanation: &'a Explanation, strip_px: f32) -> Self {
        let spectrum = &explanation.spectrum;
        let channels = spectrum.counts.len() as f64;
        let highest = spectrum.counts.iter().max().copied().unwrap_or(1).max(1) as f64;
        let low = FLOOR.log10();
        let calibration = &spectrum.calibration;
        let labelled = explanation
            .peaks
            .as_ref()
            .is_some_and(|e| !e.peaks.is_empty());
        let headroom = if labelled { HEADROOM } else { BARE_HEADROOM };
        Self {
            explanation,
            x: Axis {
                low: calibration.energy_kev(-0.5),
                high: calibration.energy_kev(channels - 0.5),
                from_px: LEFT,
                to_px: RIGHT,
            },
            y: Axis {
                low,
                high: low + (highest.log10() - low) / (1.0 - headroom),
                from_px: BOTTOM,
                to_px: TOP,
            },
            axis_y: BOTTOM + strip_px,
            largest: explanation
                .importance
                .as_ref()
                .map_or(0.0, EnergyImportance::largest),
        }
    }

    fn count_px(&self, counts: f64) -> f32 {
        self.y.px(counts.max(FLOOR).log10())
    }

    /// Evidence at an energy from −1 to 1, in steps; `None` outside what the model sees.
    fn evidence(&self, energy_kev: f64) -> Option<f64> {
        let value = self.explanation.importance.as_ref()?.at(energy_kev)?;
        if self.largest == 0.0 {
            return Some(0.0);
        }
        Some((f64::from(value) / self.largest * COLOUR_STEPS).round() / COLOUR_STEPS)
    }

    fn axes(&self, drawing: &mut Drawing) {
        for exponent in 0..=(self.y.high.floor() as i32) {
            let y = self.y.px(f64::from(exponent));
            drawing.line(vec![(LEFT, y), (RIGHT, y)], RULE, 0.7);
            let text = match exponent {
                0..=3 => format!("{}", 10u64.pow(exponent as u32)),
                _ => format!("10{}", superscript(exponent)),
            };
            drawing.text(Label::new(LEFT - 9.0, y + 4.5, text).anchored(Anchor::End));
        }
        for energy in nice_ticks(self.x.low.max(0.0), self.x.high, 12) {
            let x = self.x.px(energy);
            drawing.line(vec![(x, TOP), (x, self.axis_y)], RULE, 0.5);
            drawing.line(vec![(x, self.axis_y), (x, self.axis_y + 5.0)], INK, 1.0);
            let label = Label::new(x, self.axis_y + 20.0, format!("{energy}"));
            drawing.text(label.anchored(Anchor::Middle));
        }
        let spectrum = &self.explanation.spectrum;
        for channel in nice_ticks(0.0, spectrum.counts.len() as f64, 10) {
            let x = self.x.px(spectrum.calibration.energy_kev(channel));
            if x <= RIGHT {
                drawing.line(vec![(x, TOP - 5.0), (x, TOP)], SOFT, 1.0);
                let label = Label::new(x, TOP - 9.0, format!("{channel}")).soft();
                drawing.text(label.sized(11.5).anchored(Anchor::Middle));
            }
        }
        let middle = 0.5 * (LEFT + RIGHT);
        let energy = Label::new(middle, self.axis_y + 44.0, "energy / keV").sized(14.0);
        drawing.text(energy.anchored(Anchor::Middle));
        let channel = Label::new(middle, TOP - 28.0, "channel").soft();
        drawing.text(channel.anchored(Anchor::Middle));
        let counts = Label::new(26.0, 0.5 * (TOP + BOTTOM), "counts per channel").sized(14.0);
        drawing.text(counts.anchored(Anchor::Middle).upright());
        let corners = [(LEFT, TOP), (RIGHT, TOP), (RIGHT, BOTTOM), (LEFT, BOTTOM)];
        let frame: Vec<_> = corners.into_iter().chain([corners[0]]).collect();
        drawing.line(frame, SOFT, 1.0);
    }

    /// The spectrum in columns of one pixel, each from its lowest to its highest count.
    fn line(&self, drawing: &mut Drawing) {
        let mut run: Vec<(f32, f32)> = Vec::new();
        let mut run_evidence = None;
        for (x, low, high, energy_kev) in self.columns() {
            let evidence = self.evidence(energy_kev);
            if evidence != run_evidence && !run.is_empty() {
                let last = run[run.len() - 1];
                self.stroke(drawing, std::mem::take(&mut run), run_evidence);
                run.push(last);
            }
            run_evidence = evidence;
            run.push((x, self.count_px(low)));
            run.push((x, self.count_px(high)));
        }
        self.stroke(drawing, run, run_evidence);
    }

    fn stroke(&self, drawing: &mut Drawing, run: Vec<(f32, f32)>, evidence: Option<f64>) {
        match evidence {
            Some(evidence) => drawing.line(run, evidence_colour(evidence), 1.3),
            None if self.explanation.importance.is_some() => drawing.line(run, NEUTRAL, 0.8),
            None => drawing.line(run, INK, 1.1),
        }
    }

    fn columns(&self) -> Vec<(f32, f64, f64, f64)> {
        let spectrum = &self.explanation.spectrum;
        let mut columns: Vec<(f32, f64, f64, f64)> = Vec::new();
        for (channel, &counts) in spectrum.counts.iter().enumerate() {
            let energy_kev = spectrum.calibration.energy_kev(channel as f64);
            let x = self.x.px(energy_kev).floor() + 0.5;
            let counts = counts as f64;
            match columns.last_mut() {
                Some(last) if last.0 == x => {
                    last.1 = last.1.min(counts);
                    last.2 = last.2.max(counts);
                }
                _ => columns.push((x, counts, counts, energy_kev)),
            }
        }
        columns
    }

    fn peaks(&self, drawing: &mut Drawing, peaks: &[Peak]) {
        let mut places = Places::default();
        let mut markers = Places::default();
        for peak in peak_labels::ranked(peaks) {
            let x = self.x.px(peak.energy_kev);
            if !(LEFT..=RIGHT).contains(&x) {
                continue;
            }
            let y =
                self.count_px(self.explanation.spectrum.highest_near(peak.energy_kev) as f64) - 7.0;
            if markers.take(x, 7.0) {
                marker(drawing, (x, y), peak.logit_change);
            }
            if !places.take(x, 14.5) {
                continue;
            }
            let text = peak_labels::text(peak);
            let length = crate::drawing::width_px(&text, 11.5);
            let label_x = x.max(LEFT + 8.0);
            let label = Label::new(label_x + 4.0, TOP + 7.0, text).sized(11.5);
            drawing.text(label.anchored(Anchor::End).upright());
            let end = TOP + 10.0 + length;
            if y - 7.0 > end {
                drawing.line(vec![(x, end), (x, y - 7.0)], RULE, 0.9);
            }
        }
    }

    fn strip(&self, drawing: &mut Drawing, importance: &EnergyImportance) {
        let (top, bottom) = (BOTTOM + 20.0, self.axis_y - 14.0);
        let zero = 0.5 * (top + bottom);
        let half = 0.5 * f64::from(bottom - top);
        let largest = self.largest.max(f64::MIN_POSITIVE);
        for (colour, sign) in [(FOR, 1.0), (AGAINST, -1.0)] {
            let (low, high) = importance.range_kev();
            let mut points = vec![(self.x.px(low), zero)];
            points.extend(importance.values.iter().enumerate().map(|(bin, &value)| {
                let energy = importance.first_kev + importance.step_kev * bin as f64;
                let height = (sign * f64::from(value)).max(0.0) / largest * half;
                (self.x.px(energy), zero - (sign * height) as f32)
            }));
            points.push((self.x.px(high), zero));
            drawing.area(points, colour, 0.75);
        }
        drawing.line(vec![(LEFT, zero), (RIGHT, zero)], SOFT, 0.8);
        let label = Label::new(26.0, zero, "importance").sized(12.0);
        drawing.text(label.anchored(Anchor::Middle).upright());
        for (y, text) in [(top + 9.0, "for"), (bottom, "against")] {
            let side = Label::new(LEFT - 9.0, y, text).sized(11.5).soft();
            drawing.text(side.anchored(Anchor::End));
        }
        self.cells(drawing, importance, bottom + 6.0);
        drawing.line(vec![(LEFT, self.axis_y), (RIGHT, self.axis_y)], SOFT, 1.0);
    }

    /// Edges of the cells, and what one of them covers.
    fn cells(&self, drawing: &mut Drawing, importance: &EnergyImportance, y: f32) {
        let Some(width_kev) = importance.cell_width_kev else {
            return;
        };
        let (low, high) = importance.range_kev();
        let count = ((high - low) / width_kev).round().clamp(1.0, 400.0) as usize;
        for cell in 0..=count {
            let x = self.x.px(low + width_kev * cell as f64);
            drawing.line(vec![(x, y - 5.0), (x, y + 5.0)], INK, 1.0);
        }
        let (from, to) = (self.x.px(low), self.x.px(low + width_kev * count as f64));
        drawing.line(vec![(from, y), (to, y)], INK, 1.0);
        let text =
            format!("one cell of the map = {width_kev:.0} keV: colours show regions, not peaks");
        let label = Label::new(RIGHT, self.axis_y + 74.0, text).sized(12.5);
        drawing.text(label.anchored(Anchor::End));
    }
}

fn marker(drawing: &mut Drawing, (x, y): (f32, f32), logit_change: Option<f64>) {
    let (colour, tip) = match logit_change {
        Some(change) if change < 0.0 => (FOR, -1.0),
        Some(change) if change > 0.0 => (AGAINST, 1.0),
        _ => (NEUTRAL, -1.0),
    };
    let base = y - tip * 3.5;
    let points = vec![(x - 4.0, base), (x + 4.0, base), (x, y + tip * 3.5)];
    drawing.area(points, colour, 1.0);
}

fn superscript(exponent: i32) -> String {
    exponent
        .to_string()
        .chars()
        .filter_map(|digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit.to_digit(10)? as usize))
        .collect()
}
