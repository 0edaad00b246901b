//! The summary of a finished job in words: no JSON, whatever a later server puts into it.

use crate::terminal::number;
use assay_openset::GateRecord;
use assay_reporting::words;
use serde_json::Value;

/// One line for each field, in the order of the summary; names fill nine characters.
pub(super) fn lines(summary: &Value) -> String {
    let fields = summary.as_object().into_iter().flatten();
    fields
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name:<9} {}\n", in_words(name, value)))
        .collect()
}

fn in_words(name: &str, value: &Value) -> String {
    match (name, value.as_f64()) {
        ("gate", _) => gate(value),
        ("classes", _) => classes(value),
        ("accuracy", Some(accuracy)) => format!("{:.1} %", accuracy * 100.0),
        ("promoted", _) if value.is_boolean() => yes_or_no(value),
        _ => plain(value),
    }
}

fn gate(value: &Value) -> String {
    match serde_json::from_value::<GateRecord>(value.clone()) {
        Ok(gate) => format!(
            "{}; accepted at {} or above; alpha {}; threshold: {}; n = {}",
            words::detector(&gate.detector),
            number(gate.threshold),
            gate.alpha,
            words::threshold_rule(&gate.rule),
            gate.n
        ),
        Err(_) => plain(value),
    }
}

fn classes(value: &Value) -> String {
    match value.as_array() {
        Some(labels) => format!("{}: {}", labels.len(), plain(value)),
        None => plain(value),
    }
}

fn yes_or_no(value: &Value) -> String {
    if *value == Value::Bool(true) {
        "yes".to_owned()
    } else {
        "no".to_owned()
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(_) => yes_or_no(value),
        Value::Number(found) if found.is_f64() => number(found.as_f64().unwrap_or_default()),
        Value::Number(found) => found.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter();
            let named = fields.map(|(name, value)| format!("{name} {}", plain(value)));
            named.collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_training_is_told_in_words() {
        let summary = json!({
            "accuracy": 0.9876,
            "classes": ["Ash", "Coal, hard"],
            "epochs": 6,
            "gate": {
                "detector": {"detector": "dime", "k": 4},
                "alpha": 0.05,
                "rule": {"rule": "out_of_fold", "folds": 3, "seed": 0},
                "n": 18,
                "threshold": -3.25,
            },
            "loss": 0.125,
            "promoted": true,
        });
        let text = lines(&summary);
        assert!(!text.contains(['{', '}', '[', ']', '"']), "{text}");
        for line in [
            "accuracy  98.8 %\n",
            "classes   2: Ash, Coal, hard\n",
            "epochs    6\n",
            "loss      0.1250\n",
            "promoted  yes\n",
            "accepted at -3.250 or above; alpha 0.05;",
            "; n = 18\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let gate = text.lines().find(|line| line.starts_with("gate "));
        assert!(gate.is_some_and(|gate| gate.contains("k = 4")), "{text}");
    }

    #[test]
    fn what_nobody_knows_yet_is_no_json_either() {
        let summary = json!({
            "gate": {"kind": "new", "levels": [1, 2.5]},
            "nothing": null,
            "nested": {"a": {"b": false}},
        });
        let expected = "gate      kind new, levels 1, 2.500\nnested    a b no\n";
        assert_eq!(lines(&summary), expected);
    }
}
