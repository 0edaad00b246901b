//! Gate scores of the known and unknown spectra against the threshold, one panel per group.

use super::{Chart, Table, line_label, spec, vertical_line};
use crate::evaluation::{EvaluationPart, PartKind, Role};
use crate::number;
use crate::report::GateSummary;
use serde_json::{Value, json};

const BINS: usize = 60;
/// Beyond this ratio of largest to smallest distance a linear axis squeezes the known spectra
/// into one bar.
const LOG_RATIO: f64 = 8.0;

pub(super) struct Group {
    pub(super) name: String,
    pub(super) colour: &'static str,
    pub(super) scores: Vec<f64>,
}

/// The histogram panels; none without scores.
pub(crate) fn gate_chart(gate: &GateSummary, parts: &[EvaluationPart]) -> Option<Chart> {
    let groups = groups(parts);
    let all: Vec<f64> = groups.iter().flat_map(|g| &g.scores).copied().collect();
    if all.is_empty() {
        return None;
    }
    let axis = Axis::over(&all, gate.threshold);
    let mut layout = layout(&axis, gate.threshold, groups.len());
    let mut data = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let (x, y) = panel_axes(index);
        data.push(bars(group, &axis, &x, &y));
        panel_layout(&mut layout, index, groups.len(), group);
    }
    Some(Chart {
        id: "gate-scores",
        title: "Gate scores",
        summary: summary(gate, &groups, &axis),
        height_px: 130 + 130 * groups.len() as u32,
        spec: spec(&data, &layout),
        table: table(gate, &groups),
    })
}

fn groups(parts: &[EvaluationPart]) -> Vec<Group> {
    let mut groups = Vec::new();
    for part in parts {
        for role in [Role::Known, Role::Unknown] {
            let scores: Vec<f64> = part
                .spectra
                .iter()
                .filter(|row| row.role == role)
                .filter_map(|row| row.gate_score)
                .collect();
            if scores.is_empty() {
                continue;
            }
            let (words, colour) = match (part.kind, role) {
                (PartKind::Training, Role::Known) => ("known, out of fold", "@faint"),
                (PartKind::TrainingInSample, Role::Known) => ("known, in sample", "@faint"),
                (PartKind::Test, Role::Known) => ("known", "@blue"),
                (_, Role::Unknown) => ("unknown", "@vermillion"),
            };
            groups.push(Group {
                name: format!("{}: {words}", part.name),
                colour,
                scores,
            });
        }
    }
    groups
}

/// Horizontal axis: the score itself, or the distance −score on a logarithmic scale.
pub(super) struct Axis {
    pub(super) logarithmic: bool,
    low: f64,
    width: f64,
}

impl Axis {
    pub(super) fn over(scores: &[f64], threshold: f64) -> Self {
        let with_threshold = || scores.iter().copied().chain([threshold]);
        let highest = with_threshold().fold(f64::NEG_INFINITY, f64::max);
        let lowest = with_threshold().fold(f64::INFINITY, f64::min);
        let logarithmic = highest < 0.0 && lowest / highest > LOG_RATIO;
        let (low, high) = if logarithmic {
            (-(-lowest).log10(), -(-highest).log10())
        } else {
            (lowest, highest)
        };
        let width = ((high - low) / BINS as f64).max(f64::MIN_POSITIVE.max(low.abs() * 1e-9));
        Self {
            logarithmic,
            low,
            width,
        }
    }

    /// Position on the axis, in units in which the bins are equally wide.
    pub(super) fn position(&self, score: f64) -> f64 {
        if self.logarithmic {
            -(-score).log10()
        } else {
            score
        }
    }

    fn bin(&self, score: f64) -> usize {
        (((self.position(score) - self.low) / self.width) as usize).min(BINS - 1)
    }

    fn centre(&self, bin: usize) -> f64 {
        self.low + (bin as f64 + 0.5) * self.width
    }

    /// What a score is called in hover texts.
    fn score(&self, position: f64) -> f64 {
        if self.logarithmic {
            -(10f64.powf(-position))
        } else {
            position
        }
    }

    /// Marks at whole and half decades, labelled with the score.
    fn ticks(&self) -> Option<(Vec<f64>, Vec<String>)> {
        if !self.logarithmic {
            return None;
        }
        let high = self.low + BINS as f64 * self.width;
        let mut positions = Vec::new();
        for decade in (-high).floor() as i32 - 1..=(-self.low).ceil() as i32 {
            for factor in [1.0, 2.0, 5.0] {
                let position = -(factor * 10f64.powi(decade)).log10();
                if (self.low..=high).contains(&position) {
                    positions.push(position);
                }
            }
        }
        let texts = positions
            .iter()
            .map(|&p| {
                let distance = 10f64.powf(-p);
                if (0.01..10_000.0).contains(&distance) {
                    format!("−{}", (distance * 1e6).round() / 1e6)
                } else {
                    format!("−{distance:.0e}")
                }
            })
            .collect();
        Some((positions, texts))
    }
}

fn panel_axes(index: usize) -> (String, String) {
    match index {
        0 => ("x".into(), "y".into()),
        n => ("x".into(), format!("y{}", n + 1)),
    }
}

pub(super) fn bars(group: &Group, axis: &Axis, x: &str, y: &str) -> Value {
    let mut counts = [0_u32; BINS];
    for &score in &group.scores {
        counts[axis.bin(score)] += 1;
    }
    let filled = || (0..BINS).filter(|&bin| counts[bin] > 0);
    json!({
        "type": "bar", "name": super::chart_text(&group.name), "showlegend": false,
        "x": filled().map(|bin| axis.centre(bin)).collect::<Vec<_>>(),
        "y": filled().map(|bin| counts[bin]).collect::<Vec<_>>(),
        "customdata": filled().map(|bin| axis.score(axis.centre(bin))).collect::<Vec<_>>(),
        "width": axis.width * 0.92, "xaxis": x, "yaxis": y,
        "marker": { "color": group.colour, "line": { "color": "@ink", "width": 0.5 } },
        "hovertemplate": "score %{customdata:.4g}<br>%{y} spectra",
    })
}

pub(super) fn layout(axis: &Axis, threshold: f64, panels: usize) -> Value {
    let at = axis.position(threshold);
    let mut x = json!({
        "title": { "text": if axis.logarithmic {
            "gate score (logarithmic)"
        } else {
            "gate score"
        } },
        "anchor": panel_axes(panels - 1).1,
    });
    if let Some((positions, texts)) = axis.ticks() {
        x["tickmode"] = json!("array");
        x["tickvals"] = json!(positions);
        x["ticktext"] = json!(texts);
    }
    json!({
        "xaxis": x, "bargap": 0,
        "shapes": [vertical_line(at, "solid")],
        "annotations": [
            line_label(at, "refused ←\u{a0}", "right"),
            line_label(at, "\u{a0}→ accepted", "left"),
        ],
    })
}

fn panel_layout(layout: &mut Value, index: usize, panels: usize, group: &Group) {
    let height = 1.0 / panels as f64;
    let (top, bottom) = (
        1.0 - index as f64 * height,
        1.0 - (index + 1) as f64 * height,
    );
    let key = match index {
        0 => "yaxis".to_owned(),
        n => format!("yaxis{}", n + 1),
    };
    layout[key] = json!({
        "domain": [bottom, top - 0.24 * height], "rangemode": "tozero", "nticks": 4,
        "title": { "text": "spectra" },
    });
    if let Some(annotations) = layout["annotations"].as_array_mut() {
        annotations.push(json!({
            "x": 0, "y": top - 0.23 * height, "xref": "paper", "yref": "paper",
            "text": format!("<b>{}</b> ({})", super::chart_text(&group.name), group.scores.len()),
            "showarrow": false, "xanchor": "left", "yanchor": "bottom", "bgcolor": "@page",
        }));
    }
}

fn summary(gate: &GateSummary, groups: &[Group], axis: &Axis) -> String {
    let mut text = format!(
        "{}: a spectrum with a score of at least {} is accepted (line). ",
        gate.detector,
        number::plain(gate.threshold)
    );
    for group in groups {
        let accepted = accepted(gate, group);
        text += &format!(
            "{}: {accepted} of {} accepted. ",
            group.name,
            group.scores.len()
        );
    }
    text += "Further right is more alike to the training spectra. ";
    if axis.logarithmic {
        text += "The axis is logarithmic in the distance from the training subspace.";
    }
    text
}

fn accepted(gate: &GateSummary, group: &Group) -> usize {
    group
        .scores
        .iter()
        .filter(|&&score| score >= gate.threshold)
        .count()
}

fn table(gate: &GateSummary, groups: &[Group]) -> Table {
    let quantile = |sorted: &[f64], share: f64| {
        let position = (share * (sorted.len() - 1) as f64).round() as usize;
        number::plain(sorted[position])
    };
    Table {
        headers: [
            "group", "spectra", "accepted", "lowest", "median", "highest",
        ]
        .map(String::from)
        .to_vec(),
        rows: groups
            .iter()
            .map(|group| {
                let mut sorted = group.scores.clone();
                sorted.sort_by(f64::total_cmp);
                vec![
                    group.name.clone(),
                    group.scores.len().to_string(),
                    accepted(gate, group).to_string(),
                    quantile(&sorted, 0.0),
                    quantile(&sorted, 0.5),
                    quantile(&sorted, 1.0),
                ]
            })
            .collect(),
    }
}
