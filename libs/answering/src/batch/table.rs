//! `results.csv`: one line per row of the data set, for spreadsheets (RFC 4180, UTF-8, CRLF).

use super::line::{ResultLine, RowAnswer, RowExplanation};
use assay_core::UNKNOWN;
use assay_pipeline::Verdict;

/// The first columns of every table.
///
/// `spectrum` digest, `label`, `role` and `group` of the data set; `verdict` KNOWN or UNKNOWN;
/// `identified` the material or UNKNOWN; `closed_set_label` the most probable class and
/// `closed_set_probability` its probability; the gate's `detector`, `gate_score`,
/// `gate_threshold`, `p_value` and `p_value_n`; `bundle` digest; `warnings` separated by `; `.
/// Instead of all from `verdict` on, a row without an answer has `error_kind` and `error`.
///
/// Words that a spreadsheet would take for a formula (they begin with `=`, `+`, `-`, `@`, a tab or
/// a line break) have an apostrophe before them; `results.jsonl` has every word as it is.
pub(super) const COLUMNS: [&str; 17] = [
    "spectrum",
    "label",
    "role",
    "group",
    "verdict",
    "identified",
    "closed_set_label",
    "closed_set_probability",
    "detector",
    "gate_score",
    "gate_threshold",
    "p_value",
    "p_value_n",
    "bundle",
    "warnings",
    "error_kind",
    "error",
];

/// What a spreadsheet takes for the beginning of a formula, or skips before one.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// The table of a batch, made some lines at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    /// Regions per row; none in identify jobs.
    pub(super) regions: Option<usize>,
}

impl Table {
    /// The line of names. With `regions`, the columns `explained_label` and, per region,
    /// `region_1_from_kev`, `region_1_to_kev`, `region_1_peak_kev` and `region_1_share` follow.
    pub(super) fn first_line(self) -> Result<Vec<u8>, String> {
        let mut columns: Vec<_> = COLUMNS.map(str::to_owned).into();
        if let Some(regions) = self.regions {
            columns.push("explained_label".to_owned());
            for region in 1..=regions {
                let parts = ["from_kev", "to_kev", "peak_kev", "share"];
                columns.extend(parts.map(|part| format!("region_{region}_{part}")));
            }
        }
        written(std::iter::once(columns))
    }

    /// The lines of some rows.
    pub(super) fn lines(self, rows: &[ResultLine]) -> Result<Vec<u8>, String> {
        written(rows.iter().map(|row| self.fields(row)))
    }

    fn fields(self, line: &ResultLine) -> Vec<String> {
        let mut fields = vec![
            line.spectrum.to_string(),
            line.label
                .as_ref()
                .map_or_else(String::new, |l| text(l.as_str())),
            line.role.as_str().to_owned(),
            text(&line.group),
        ];
        fields.extend(answer_fields(line.answer.as_ref()));
        fields.extend(match &line.error {
            None => [String::new(), String::new()],
            Some(error) => [kind_name(error.kind), text(&error.message)],
        });
        if let Some(regions) = self.regions {
            fields.extend(explanation_fields(line.explanation.as_ref(), regions));
        }
        fields
    }
}

/// Records as lines.
pub(super) fn written(records: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, String> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for record in records {
        writer.write_record(&record).map_err(|e| e.to_string())?;
    }
    writer.into_inner().map_err(|e| e.to_string())
}

/// Words from outside, with an apostrophe before what a spreadsheet would compute.
pub(super) fn text(words: &str) -> String {
    if words.starts_with(FORMULA) {
        format!("'{words}")
    } else {
        words.to_owned()
    }
}

/// The kind's name as in JSON.
fn kind_name(kind: assay_core::ErrorKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        _ => format!("{kind:?}"),
    }
}

fn answer_fields(answer: Option<&RowAnswer>) -> [String; 11] {
    let Some(answer) = answer else {
        return Default::default();
    };
    let verdict = match answer.verdict {
        Verdict::Known => "KNOWN",
        Verdict::Unknown => UNKNOWN,
    };
    let best = &answer.closed_set_label;
    let mut probabilities = answer.class_probabilities.iter();
    let probability = probabilities.find(|class| class.label == *best);
    let warnings: Vec<_> = answer.warnings.iter().map(|w| w.message.as_str()).collect();
    [
        verdict.to_owned(),
        answer
            .label
            .as_ref()
            .map_or_else(|| UNKNOWN.to_owned(), |l| text(l.as_str())),
        text(best.as_str()),
        probability.map_or_else(String::new, |class| class.probability.to_string()),
        text(&answer.gate.detector),
        answer.gate.score.to_string(),
        answer.gate.threshold.to_string(),
        answer.gate.p_value.to_string(),
        answer.gate.n.to_string(),
        answer.bundle.to_string(),
        text(&warnings.join("; ")),
    ]
}

fn explanation_fields(explanation: Option<&RowExplanation>, regions: usize) -> Vec<String> {
    let mut fields = Vec::with_capacity(1 + 4 * regions);
    if let Some(explanation) = explanation {
        fields.push(text(&explanation.label));
        for region in explanation.regions.iter().take(regions) {
            let ends = [region.from_kev, region.to_kev];
            let numbers = ends.into_iter().chain([region.peak_kev, region.share]);
            fields.extend(numbers.map(|number| number.to_string()));
        }
    }
    fields.resize(1 + 4 * regions, String::new());
    fields
}
