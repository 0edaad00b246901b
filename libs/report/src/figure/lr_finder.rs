//! Learning-rate range test: loss over learning rate with the chosen bounds.

use super::{Chart, Table, cell, line_label, spec, vertical_line};
use crate::number;
use crate::report::{BoundsSource, LrFinder};
use serde_json::json;

/// The chart of a range test; none without points.
pub(crate) fn lr_finder_chart(finder: &LrFinder) -> Option<Chart> {
    if finder.points.is_empty() {
        return None;
    }
    let rates: Vec<f64> = finder.points.iter().map(|p| p.learning_rate).collect();
    let series = |name: &str, values: Vec<Option<f64>>, width: f64, colour: &str| {
        json!({
            "type": "scatter", "mode": "lines", "name": name, "x": rates, "y": values,
            "line": { "color": colour, "width": width },
            "hovertemplate": "rate %{x:.3g}<br>loss %{y:.4g}",
        })
    };
    let data = [
        series(
            "loss of the batch",
            finder.points.iter().map(|p| p.loss).collect(),
            1.0,
            "@faint",
        ),
        series(
            "smoothed",
            finder.points.iter().map(|p| p.smoothed).collect(),
            2.5,
            "@blue",
        ),
    ];
    let (mut shapes, mut labels) = (Vec::new(), Vec::new());
    if let Some(bounds) = finder.bounds {
        for (rate, name, anchor) in [
            (bounds.base_lr, "base", "right"),
            (bounds.max_lr, "max", "left"),
        ] {
            shapes.push(vertical_line(rate, "dash"));
            let text = format!("{name} {}", number::brief(rate));
            labels.push(line_label(rate.log10(), &text, anchor));
        }
    }
    let layout = json!({
        "xaxis": { "type": "log", "title": { "text": "learning rate" }, "dtick": 1,
                   "exponentformat": "power" },
        "yaxis": { "title": { "text": "loss" }, "range": loss_range(finder) },
        "shapes": shapes, "annotations": labels,
    });
    Some(Chart {
        id: "lr-finder",
        title: "Learning-rate finder",
        summary: summary(finder),
        height_px: 340,
        spec: spec(&data, &layout),
        table: table(finder),
    })
}

/// From below the lowest loss to what shows the plateau and the rise after the minimum: the
/// last updates of a test diverge and would flatten everything else.
fn loss_range(finder: &LrFinder) -> Option<[f64; 2]> {
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::NEG_INFINITY, f64::max);
    let smoothed = || finder.points.iter().filter_map(|p| p.smoothed);
    let plateau = largest(&mut smoothed().take(finder.points.len().div_ceil(2)));
    let high = largest(&mut smoothed()).min(1.5 * plateau.abs());
    let low = smoothed().fold(f64::INFINITY, f64::min);
    let margin = 0.08 * (high - low);
    (margin > 0.0 && margin.is_finite()).then_some([low - margin, high + margin])
}

fn summary(finder: &LrFinder) -> String {
    let count = finder.points.len();
    let bounds = match (finder.bounds, finder.source) {
        (Some(b), BoundsSource::Finder) => format!(
            "The cyclical rate runs between {} and {}, read from the smoothed curve (dashed lines).",
            number::brief(b.base_lr),
            number::brief(b.max_lr)
        ),
        (Some(b), BoundsSource::Given) => format!(
            "The cyclical rate runs between {} and {}, as given by the user (dashed lines).",
            number::brief(b.base_lr),
            number::brief(b.max_lr)
        ),
        (None, _) => "No bounds could be read from this curve.".into(),
    };
    format!("Loss over {count} updates while the learning rate rises step by step. {bounds}")
}

fn table(finder: &LrFinder) -> Table {
    Table {
        headers: ["learning rate", "loss", "smoothed loss"]
            .map(String::from)
            .to_vec(),
        rows: finder
            .points
            .iter()
            .map(|p| {
                vec![
                    number::plain(p.learning_rate),
                    cell(p.loss, number::plain),
                    cell(p.smoothed, number::plain),
                ]
            })
            .collect(),
    }
}
