//! The content of an explanation as CSV, one table per part, full precision.

use super::{Explanation, Peak, Shap, ShapValues};
use crate::ReportError;

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvTable {
    /// File name, such as `peaks.csv`.
    pub file_name: &'static str,
    /// RFC 4180 text with a header line; missing values are empty.
    pub text: String,
}

/// Every table that the explanation has content for.
///
/// # Errors
/// When a number is not finite or parts contradict each other.
pub fn csv_tables(explanation: &Explanation) -> Result<Vec<CsvTable>, ReportError> {
    explanation.check()?;
    let mut tables = vec![classes(explanation)?, spectrum(explanation)?];
    if let Some(importance) = &explanation.importance {
        let rows = importance.values.iter().enumerate().map(|(bin, value)| {
            let energy_kev = importance.first_kev + importance.step_kev * bin as f64;
            vec![energy_kev.to_string(), value.to_string()]
        });
        tables.push(table(
            "importance.csv",
            &["energy_kev", "importance"],
            rows,
        )?);
    }
    if let Some(evidence) = &explanation.peaks {
        let rows = evidence.peaks.iter().map(peak);
        tables.push(table("peaks.csv", &PEAK_COLUMNS, rows)?);
    }
    if let Some(scores) = &explanation.gate_scores {
        let rows = scores.scores.iter().map(|score| vec![score.to_string()]);
        tables.push(table("gate_scores.csv", &["score"], rows)?);
    }
    if let Some(map) = explanation
        .image
        .as_ref()
        .and_then(|image| image.map.as_ref())
    {
        let rows = map.values.iter().enumerate().map(|(at, value)| {
            let (row, column) = (at / map.side, at % map.side);
            vec![row.to_string(), column.to_string(), value.to_string()]
        });
        tables.push(table("map.csv", &["row", "column", "importance"], rows)?);
    }
    if let Some(shap) = &explanation.shap {
        tables.push(shapley(shap)?);
    }
    Ok(tables)
}

const PEAK_COLUMNS: [&str; 9] = [
    "energy_kev",
    "energy_sigma_kev",
    "net_area",
    "net_area_sigma",
    "fwhm_kev",
    "candidates",
    "logit_change",
    "gate_change",
    "rescales_image",
];

fn peak(peak: &Peak) -> Vec<String> {
    let optional = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    vec![
        peak.energy_kev.to_string(),
        optional(peak.energy_sigma_kev),
        peak.net_area.to_string(),
        peak.net_area_sigma.to_string(),
        optional(peak.fwhm_kev),
        peak.candidates.join("; "),
        optional(peak.logit_change),
        optional(peak.gate_change),
        peak.rescales_image.to_string(),
    ]
}

fn classes(explanation: &Explanation) -> Result<CsvTable, ReportError> {
    let rows = explanation.verdict.by_probability().into_iter().map(|c| {
        vec![
            c.class.clone(),
            c.probability.to_string(),
            c.logit.to_string(),
        ]
    });
    table("classes.csv", &["class", "probability", "logit"], rows)
}

fn spectrum(explanation: &Explanation) -> Result<CsvTable, ReportError> {
    let spectrum = &explanation.spectrum;
    let rows = spectrum.counts.iter().enumerate().map(|(channel, counts)| {
        let energy_kev = spectrum.calibration.energy_kev(channel as f64);
        vec![
            channel.to_string(),
            energy_kev.to_string(),
            counts.to_string(),
        ]
    });
    table("spectrum.csv", &["channel", "energy_kev", "counts"], rows)
}

fn shapley(shap: &Shap) -> Result<CsvTable, ReportError> {
    let classes = shap.classes.iter().map(|totals| totals.class.as_str());
    let columns = |places: &[&'static str]| -> Vec<&str> {
        places.iter().copied().chain(classes.clone()).collect()
    };
    match &shap.values {
        ShapValues::Segments { edges_kev, values } => {
            let rows = edges_kev.windows(2).enumerate().map(|(i, edges)| {
                let mut row: Vec<String> = edges.iter().map(f64::to_string).collect();
                row.extend(values.iter().filter_map(|v| v.get(i)).map(f64::to_string));
                row
            });
            table("shap.csv", &columns(&["from_kev", "to_kev"]), rows)
        }
        ShapValues::Image { blocks, .. } => {
            let rows = blocks.iter().map(|block| {
                let (row, column) = (block.row_kev, block.column_kev);
                let places = [row.0, row.1, column.0, column.1].into_iter();
                let numbers = places.chain(block.values.iter().copied());
                numbers.map(|number| number.to_string()).collect()
            });
            let places = [
                "row_from_kev",
                "row_to_kev",
                "column_from_kev",
                "column_to_kev",
            ];
            table("shap.csv", &columns(&places), rows)
        }
    }
}

fn table(
    file_name: &'static str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<CsvTable, ReportError> {
    let broken = |error: &dyn std::fmt::Display| {
        ReportError::Render(format!("table {file_name} cannot be written: {error}"))
    };
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(columns).map_err(|e| broken(&e))?;
    for row in rows {
        writer.write_record(&row).map_err(|e| broken(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| broken(&e))?;
    let text = String::from_utf8(bytes).map_err(|e| broken(&e))?;
    Ok(CsvTable { file_name, text })
}
