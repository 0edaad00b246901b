//! Charts as plotly figures, each with its values as a table for those who cannot see it.
//! Colours are names that the page's script replaces by the theme's Okabe–Ito values.

mod curves;
mod gate;
mod gate_place;
mod k_choice;
mod lr_finder;

pub(crate) use curves::training_charts;
pub(crate) use gate::gate_chart;
pub(crate) use gate_place::gate_place_chart;
pub(crate) use k_choice::k_chart;
pub(crate) use lr_finder::lr_finder_chart;

use serde_json::{Value, json};

/// One chart.
pub(crate) struct Chart {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What the chart shows, in sentences.
    pub(crate) summary: String,
    pub(crate) height_px: u32,
    /// JSON that is safe inside a script element.
    pub(crate) spec: String,
    pub(crate) table: Table,
}

/// The values of a chart.
pub(crate) struct Table {
    pub(crate) headers: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Serialises a figure so that no text in it can end the script element around it.
fn spec(data: &[Value], layout: &Value) -> String {
    inside_script(&json!({ "data": data, "layout": layout }).to_string())
}

/// JSON whose texts cannot end the script element around it.
pub(crate) fn inside_script(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Text for a chart, whose labels plotly reads as a small HTML dialect.
fn chart_text(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Chart text in lines short enough for the legend of a narrow page.
fn legend_text(text: &str) -> String {
    const WIDTH: usize = 40;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| chart_text(line)).collect();
    lines.join("<br>")
}

/// A vertical line over the whole height of a chart.
fn vertical_line(x: f64, dash: &str) -> Value {
    json!({
        "type": "line", "xref": "x", "yref": "paper",
        "x0": x, "x1": x, "y0": 0, "y1": 1,
        "line": { "color": "@ink", "width": 1.5, "dash": dash },
    })
}

/// A word at the top of a vertical line; on a logarithmic axis `x` is the exponent.
fn line_label(x: f64, text: &str, anchor: &str) -> Value {
    json!({
        "x": x, "y": 1, "xref": "x", "yref": "paper", "text": text, "showarrow": false,
        "xanchor": anchor, "yanchor": "bottom", "font": { "size": 12 },
    })
}

fn cell(value: Option<f64>, format: fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_cannot_leave_its_script_element() {
        let text = spec(&[json!({ "name": "</script><b>&" })], &json!({}));
        assert!(!text.contains(['<', '>', '&']));
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["data"][0]["name"], "</script><b>&");
    }
}
