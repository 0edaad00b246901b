//! Where one spectrum's gate score lies among the training scores.

use super::gate::{Axis, Group, bars, layout};
use super::{Chart, Table, spec, vertical_line};
use crate::explanation::{GateScores, GateVerdict};
use crate::number;
use serde_json::json;

/// Histogram with threshold and the spectrum's place; nothing without scores.
pub(crate) fn gate_place_chart(gate: &GateVerdict, scores: &GateScores) -> Option<Chart> {
    if scores.scores.is_empty() {
        return None;
    }
    let group = Group {
        name: scores.name.clone(),
        colour: "@sky",
        scores: scores.scores.clone(),
    };
    let mut all = scores.scores.clone();
    all.push(gate.score);
    let axis = Axis::over(&all, gate.threshold);
    let mut layout = layout(&axis, gate.threshold, 1);
    layout["yaxis"] = json!({
        "rangemode": "tozero", "nticks": 5, "title": { "text": "training spectra" },
        "domain": [0, 0.8],
    });
    let at = axis.position(gate.score);
    // Room beside the outermost score, which may be this spectrum's line.
    let places = || {
        let with_threshold = all.iter().copied().chain([gate.threshold]);
        with_threshold.map(|score| axis.position(score))
    };
    let low = places().fold(f64::INFINITY, f64::min);
    let high = places().fold(f64::NEG_INFINITY, f64::max);
    let room = 0.03 * (high - low).max(f64::MIN_POSITIVE);
    layout["xaxis"]["range"] = json!([low - room, high + room]);
    // The label stands on the side with more room.
    let on_the_left = all.iter().filter(|&&score| score < gate.score).count() * 2 < all.len();
    if let Some(shapes) = layout["shapes"].as_array_mut() {
        let mut line = vertical_line(at, "dot");
        line["line"]["color"] = json!("@vermillion");
        line["line"]["width"] = json!(2.5);
        line["y1"] = json!(0.92);
        shapes.push(line);
    }
    if let Some(annotations) = layout["annotations"].as_array_mut() {
        annotations.push(json!({
            "x": at, "y": 0.92, "xref": "x", "yref": "paper", "showarrow": false,
            "text": format!("<b>\u{a0}this spectrum {}\u{a0}</b>", number::plain(gate.score)),
            "xanchor": if on_the_left { "left" } else { "right" }, "yanchor": "top",
            "bgcolor": "@page", "font": { "size": 12, "color": "@vermillion" },
        }));
    }
    Some(Chart {
        id: "gate-place",
        title: "Gate score of this spectrum among training scores",
        summary: summary(gate, scores, axis.logarithmic),
        height_px: 330,
        spec: spec(&[bars(&group, &axis, "x", "y")], &layout),
        table: table(gate, scores),
    })
}

fn at_or_below(scores: &[f64], score: f64) -> usize {
    scores.iter().filter(|&&other| other <= score).count()
}

fn summary(gate: &GateVerdict, scores: &GateScores, logarithmic: bool) -> String {
    let count = scores.scores.len();
    let axis = if logarithmic {
        " The axis is logarithmic in the distance from the training subspace."
    } else {
        ""
    };
    format!(
        "{}, {}: {} of {count} scores are at or below this spectrum's {} (dotted line); a score of \
         at least {} is accepted (solid line). Further right is more alike to the training \
         spectra.{axis}",
        gate.detector,
        scores.name,
        at_or_below(&scores.scores, gate.score),
        number::plain(gate.score),
        number::plain(gate.threshold),
    )
}

fn table(gate: &GateVerdict, scores: &GateScores) -> Table {
    let mut sorted = scores.scores.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| number::plain(sorted[(share * (sorted.len() - 1) as f64) as usize]);
    let rows = [
        ("this spectrum", number::plain(gate.score)),
        ("threshold", number::plain(gate.threshold)),
        ("lowest training score", at(0.0)),
        ("median training score", at(0.5)),
        ("highest training score", at(1.0)),
        ("training scores", sorted.len().to_string()),
    ];
    Table {
        headers: vec!["what".into(), "score".into()],
        rows: rows
            .map(|(name, value)| vec![name.to_owned(), value])
            .to_vec(),
    }
}
