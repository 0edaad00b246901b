//! How well each candidate dimension tells left-out classes from known ones.

use super::{Chart, Table, chart_text, spec};
use crate::number;
use crate::report::KSelection;
use serde_json::{Value, json};

/// The chart of the choice of k; none with fewer than two candidates.
pub(crate) fn k_chart(selection: &KSelection) -> Option<Chart> {
    if selection.scores.len() < 2 {
        return None;
    }
    let k: Vec<String> = selection.scores.iter().map(|s| s.k.to_string()).collect();
    let series = |name: &str, values: Vec<f64>, colour: &str, symbol: &str| {
        json!({
            "type": "scatter", "mode": "lines+markers", "name": name, "x": k, "y": values,
            "line": { "color": colour, "width": 2 }, "marker": { "size": 8, "symbol": symbol },
            "hovertemplate": "k = %{x}<br>AUROC %{y:.4f}",
        })
    };
    let mean = selection.scores.iter().map(|s| s.mean_auroc).collect();
    let mut worst = series(
        "worst class",
        selection.scores.iter().map(|s| s.worst_auroc).collect(),
        "@vermillion",
        "square",
    );
    let classes: Vec<Value> = selection
        .scores
        .iter()
        .map(|s| {
            s.worst_class
                .as_deref()
                .map_or(json!(""), |c| json!(chart_text(c)))
        })
        .collect();
    worst["text"] = Value::Array(classes);
    worst["hovertemplate"] = json!("k = %{x}<br>AUROC %{y:.4f}<br>%{text}");
    let data = [series("mean over classes", mean, "@blue", "circle"), worst];
    let chosen = selection
        .scores
        .iter()
        .position(|s| s.k == selection.chosen);
    let shapes: Vec<_> = chosen
        .iter()
        .map(|&position| super::vertical_line(position as f64, "dash"))
        .collect();
    let labels: Vec<_> = chosen
        .iter()
        .map(|&position| {
            let text = format!("chosen: {}", selection.chosen);
            super::line_label(position as f64, &text, "center")
        })
        .collect();
    let layout = json!({
        "xaxis": { "type": "category", "title": { "text": "dimension k of the subspace" } },
        "yaxis": { "title": { "text": "AUROC" } },
        "shapes": shapes, "annotations": labels,
    });
    Some(Chart {
        id: "k-choice",
        title: "Choice of k",
        summary: format!("k = {} was chosen. {}", selection.chosen, selection.rule),
        height_px: 320,
        spec: spec(&data, &layout),
        table: table(selection),
    })
}

fn table(selection: &KSelection) -> Table {
    Table {
        headers: ["k", "mean AUROC", "worst AUROC", "worst class"]
            .map(String::from)
            .to_vec(),
        rows: selection
            .scores
            .iter()
            .map(|s| {
                vec![
                    s.k.to_string(),
                    number::share(s.mean_auroc),
                    number::share(s.worst_auroc),
                    s.worst_class.clone().unwrap_or_else(|| "–".into()),
                ]
            })
            .collect(),
    }
}
