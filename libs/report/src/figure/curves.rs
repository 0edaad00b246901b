//! Learning-rate schedule, loss and accuracy over the epochs.

use super::{Chart, Table, cell, legend_text, spec};
use crate::number;
use crate::report::{Epoch, Run};
use serde_json::{Value, json};

/// Order of the runs' colours.
const COLOURS: [&str; 6] = [
    "@blue",
    "@vermillion",
    "@green",
    "@purple",
    "@orange",
    "@sky",
];

/// Schedule, loss and accuracy; nothing without epochs.
pub(crate) fn training_charts(runs: &[Run]) -> Vec<Chart> {
    if runs.iter().all(|run| run.epochs.is_empty()) {
        return Vec::new();
    }
    vec![schedule(runs), loss(runs), accuracy(runs)]
}

/// Several runs need room for their legend.
fn height_px(runs: &[Run]) -> u32 {
    let lines = if runs.len() > 1 { 2 * runs.len() } else { 0 };
    300 + 22 * lines as u32
}

/// One line of a run: which values, and whether they belong to the validation spectra.
struct Line<'a> {
    run: &'a Run,
    colour: &'static str,
    of: fn(&Epoch) -> Option<f64>,
    validation: bool,
}

impl Line<'_> {
    fn trace(&self, several_runs: bool, unit: &str) -> Option<Value> {
        let values: Vec<_> = self.run.epochs.iter().map(self.of).collect();
        if values.iter().all(Option::is_none) {
            return None;
        }
        let epochs: Vec<_> = self.run.epochs.iter().map(|e| e.epoch).collect();
        let part = if self.validation {
            "validation"
        } else {
            "training"
        };
        let name = if several_runs {
            legend_text(&format!("{part}: {}", self.run.name))
        } else {
            part.to_owned()
        };
        let dash = if self.validation { "dot" } else { "solid" };
        Some(json!({
            "type": "scatter", "mode": "lines", "name": name, "x": epochs, "y": values,
            "line": { "color": self.colour, "width": 2, "dash": dash },
            "hovertemplate": format!("epoch %{{x}}<br>%{{y:.4g}}{unit}"),
        }))
    }
}

type Getter = fn(&Epoch) -> Option<f64>;

fn traces(runs: &[Run], training: Getter, validation: Getter, unit: &str) -> Vec<Value> {
    let several = runs.len() > 1;
    runs.iter()
        .zip(COLOURS.iter().cycle())
        .flat_map(|(run, &colour)| {
            [(training, false), (validation, true)].map(|(of, validation)| Line {
                run,
                // A run of its own has room for a second colour; several runs need one each.
                colour: if validation && !several {
                    "@vermillion"
                } else {
                    colour
                },
                of,
                validation,
            })
        })
        .filter_map(|line| line.trace(several, unit))
        .collect()
}

fn schedule(runs: &[Run]) -> Chart {
    // Runs of one schedule would cover each other.
    let mut shown: Vec<&Run> = Vec::new();
    for run in runs.iter().filter(|run| !run.epochs.is_empty()) {
        let same = |other: &&Run| rates(other).eq(rates(run));
        if !shown.iter().any(same) {
            shown.push(run);
        }
    }
    let several = shown.len() > 1;
    let data: Vec<_> = shown
        .iter()
        .zip(COLOURS.iter().cycle())
        .map(|(run, colour)| {
            let epochs: Vec<_> = run.epochs.iter().map(|e| e.epoch).collect();
            json!({
                "type": "scatter", "mode": "lines+markers",
                "name": legend_text(&run.name), "showlegend": several,
                "x": epochs, "y": rates(run).collect::<Vec<_>>(),
                "line": { "color": colour, "width": 1.5 }, "marker": { "size": 4 },
                "hovertemplate": "epoch %{x}<br>rate %{y:.4g}",
            })
        })
        .collect();
    let layout = json!({
        "xaxis": { "title": { "text": "epoch" } },
        "yaxis": { "title": { "text": "learning rate" }, "rangemode": "tozero",
                   "exponentformat": "power" },
    });
    let bounds = |fold: fn(f64, f64) -> f64, start| {
        number::brief(shown.iter().flat_map(|run| rates(run)).fold(start, fold))
    };
    Chart {
        id: "schedule",
        title: "Learning-rate schedule",
        summary: format!(
            "Learning rate per epoch, between {} and {}.",
            bounds(f64::min, f64::INFINITY),
            bounds(f64::max, f64::NEG_INFINITY)
        ),
        height_px: height_px(runs),
        spec: spec(&data, &layout),
        table: table(runs, &[("learning rate", |e| Some(e.learning_rate))], |v| {
            number::plain(v)
        }),
    }
}

fn rates(run: &Run) -> impl Iterator<Item = f64> {
    run.epochs.iter().map(|e| e.learning_rate)
}

fn loss(runs: &[Run]) -> Chart {
    let data = traces(runs, |e| e.loss, |e| e.validation_loss, "");
    let values = || {
        runs.iter()
            .flat_map(|r| &r.epochs)
            .flat_map(|e| [e.loss, e.validation_loss])
            .flatten()
    };
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    let kind = if low > 0.0 && high / low > 50.0 {
        "log"
    } else {
        "linear"
    };
    let layout = json!({
        "xaxis": { "title": { "text": "epoch" } },
        "yaxis": { "title": { "text": "loss" }, "type": kind },
    });
    Chart {
        id: "loss",
        title: "Loss",
        summary: format!(
            "Mean loss per epoch. {}",
            last_values(runs, LOSS, number::brief)
        ),
        height_px: height_px(runs),
        spec: spec(&data, &layout),
        table: table(runs, &LOSS, number::plain),
    }
}

const LOSS: [(&str, Getter); 2] = [
    ("training loss", |e| e.loss),
    ("validation loss", |e| e.validation_loss),
];
const ACCURACY: [(&str, Getter); 2] = [
    ("training accuracy", |e| e.accuracy),
    ("validation accuracy", |e| e.validation_accuracy),
];

fn accuracy(runs: &[Run]) -> Chart {
    let data = traces(
        runs,
        |e| e.accuracy.map(|a| a * 100.0),
        |e| e.validation_accuracy.map(|a| a * 100.0),
        " %",
    );
    let layout = json!({
        "xaxis": { "title": { "text": "epoch" } },
        "yaxis": { "title": { "text": "accuracy / %" }, "range": [0, 102] },
    });
    Chart {
        id: "accuracy",
        title: "Accuracy",
        summary: format!(
            "Share of spectra classified rightly per epoch, the gate ignored. {}",
            last_values(runs, ACCURACY, number::percent)
        ),
        height_px: height_px(runs),
        spec: spec(&data, &layout),
        table: table(runs, &ACCURACY, number::percent),
    }
}

fn last_values(runs: &[Run], of: [(&str, Getter); 2], format: fn(f64) -> String) -> String {
    let mut text = String::new();
    for run in runs {
        let Some(last) = run.epochs.last() else {
            continue;
        };
        let parts: Vec<_> = of
            .iter()
            .filter_map(|(name, get)| Some(format!("{name} {}", format(get(last)?))))
            .collect();
        if !parts.is_empty() {
            text += &format!(
                "{}, at the end: {}. ",
                capitalised(&run.name),
                parts.join(", ")
            );
        }
    }
    text
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

fn table(runs: &[Run], columns: &[(&str, Getter)], format: fn(f64) -> String) -> Table {
    let mut headers = vec!["run".to_owned(), "epoch".to_owned()];
    headers.extend(columns.iter().map(|(name, _)| (*name).to_owned()));
    let rows = runs
        .iter()
        .flat_map(|run| run.epochs.iter().map(move |epoch| (run, epoch)))
        .map(|(run, epoch)| {
            let mut row = vec![run.name.clone(), epoch.epoch.to_string()];
            row.extend(columns.iter().map(|(_, get)| cell(get(epoch), format)));
            row
        })
        .collect();
    Table { headers, rows }
}
