//! Single settings out of a file, the environment and flags, each with where it comes from.

use super::ConfigFaults;
use serde_json::{Map, Value};
use std::{fmt, path::Path};
use toml_edit::{ImDocument, Item};

/// What names of environment variables begin with.
const PREFIX: &str = "OPENASSAY_";
/// What stands between the sections of a name.
const NESTING: &str = "__";

/// One value for one key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// Section and key.
    pub(super) path: Vec<String>,
    /// What was written there.
    pub(super) written: Written,
    /// Where, for people.
    pub(super) origin: String,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Written {
    /// With its type.
    Typed(Value),
    /// As text, whose type is that of the key.
    Text(String),
}

impl Written {
    /// The values it can mean for a key with this default, the likeliest first.
    pub(super) fn meanings(&self, default: Option<&Value>) -> Vec<Value> {
        match self {
            Self::Typed(value) => vec![value.clone()],
            Self::Text(text) => {
                let verbatim = Value::String(text.clone());
                match (serde_json::from_str(text), default) {
                    (Err(_), _) => vec![verbatim],
                    (Ok(parsed), Some(Value::String(_))) => vec![verbatim, parsed],
                    (Ok(parsed), _) => vec![parsed, verbatim],
                }
            }
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path.join("."))
    }
}

/// Settings of a TOML file. A table is one setting where the default has no table.
pub(super) fn of_file(path: &Path, defaults: &Value) -> Result<Vec<Setting>, ConfigFaults> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigFaults::one(format!("cannot read {}: {error}", path.display())))?;
    let table: Map<String, Value> = toml::from_str(&text).map_err(|error| {
        // Only the message and the place: the quoted line could hold a secret.
        let line = error.span().map_or(1, |span| line_at(&text, span.start));
        ConfigFaults::one(format!(
            "{} line {line}: {}",
            path.display(),
            error.message().replace('\n', ": ")
        ))
    })?;
    let mut settings = Vec::new();
    let file = path.display();
    let places = ImDocument::parse(text.as_str()).ok();
    collect(
        table,
        Some(defaults),
        &mut Vec::new(),
        &mut |path, value| {
            let line = places
                .as_ref()
                .and_then(|document| place_of(document.as_item(), &path))
                .map_or(String::new(), |at| format!(" line {}", line_at(&text, at)));
            settings.push(Setting {
                path,
                written: Written::Typed(value),
                origin: format!("{file}{line}"),
            });
        },
    );
    Ok(settings)
}

/// Where the last key of a path begins, in bytes of the file.
fn place_of(document: &Item, path: &[String]) -> Option<usize> {
    let (last, above) = path.split_last()?;
    let section = above.iter().try_fold(document, |item, key| item.get(key))?;
    let (key, _) = section.as_table_like()?.get_key_value(last)?;
    Some(key.span()?.start)
}

/// The line of a byte, from 1.
fn line_at(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.matches('\n').count() + 1
}

fn collect(
    table: Map<String, Value>,
    defaults: Option<&Value>,
    above: &mut Vec<String>,
    found: &mut impl FnMut(Vec<String>, Value),
) {
    for (key, value) in table {
        let default = defaults.and_then(|defaults| defaults.get(&key));
        above.push(key);
        match value {
            Value::Object(inner) if default.is_some_and(Value::is_object) => {
                collect(inner, default, above, found);
            }
            value => found(above.clone(), value),
        }
        above.pop();
    }
}

/// Settings among environment variables: `OPENASSAY_SERVER__LISTEN` is `server.listen`. A name
/// without two underscores counts only when it is a key outside all sections, because programs
/// use such names for other things; one that looks like a slip is a fault.
pub(super) fn of_environment(
    variables: &[(String, String)],
    defaults: &Value,
) -> (Vec<Setting>, Vec<String>) {
    let mut settings = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let path: Vec<String> = rest.split(NESTING).map(str::to_lowercase).collect();
        if let [key] = path.as_slice() {
            if let Some((section, inner)) = slip(key, defaults) {
                faults.push(format!(
                    "environment variable {name} is not read; two underscores lie between \
                     section and key: {PREFIX}{}{NESTING}{}",
                    section.to_uppercase(),
                    inner.to_uppercase()
                ));
            }
            if defaults.get(key).is_none_or(Value::is_object) {
                continue;
            }
        }
        settings.push(Setting {
            path,
            written: Written::Text(value.clone()),
            origin: format!("environment variable {name}"),
        });
    }
    (settings, faults)
}

/// The section and key that one underscore too few hides.
fn slip<'a>(key: &'a str, defaults: &Value) -> Option<(&'a str, &'a str)> {
    key.match_indices('_').find_map(|(at, _)| {
        let (section, inner) = (&key[..at], &key[at + 1..]);
        defaults.get(section)?.get(inner)?;
        Some((section, inner))
    })
}

/// Settings of flags of their own.
pub(super) fn of_flags(flags: &[(String, String)]) -> Vec<Setting> {
    flags
        .iter()
        .map(|(key, value)| of_command_line(key, value))
        .collect()
}

/// Settings of `--set section.key=value`; one without `=` is a fault.
pub(super) fn of_assignments(assignments: &[String]) -> (Vec<Setting>, Vec<String>) {
    let mut settings = Vec::new();
    let mut faults = Vec::new();
    for (index, assignment) in assignments.iter().enumerate() {
        match assignment.split_once('=') {
            Some((key, value)) => settings.push(of_command_line(key.trim(), value)),
            // Not repeated here: it could be a secret.
            None => faults.push(format!(
                "--set number {} has no `=`; write section.key=value, such as \
                 server.listen=127.0.0.1:0 (command line)",
                index + 1
            )),
        }
    }
    (settings, faults)
}

fn of_command_line(key: &str, value: &str) -> Setting {
    Setting {
        path: key.split('.').map(str::to_owned).collect(),
        written: Written::Text(value.to_owned()),
        origin: "command line".to_owned(),
    }
}
