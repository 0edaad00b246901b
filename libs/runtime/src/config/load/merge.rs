//! The defaults with every setting over them that is right, and where each came from.

use super::super::layer::{Setting, Written};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most values of text settings of one section whose meaning is tried both ways: each one more
/// doubles the work.
const MOST_AMBIGUOUS: usize = 10;

/// A configuration as a tree.
pub(super) struct Merged {
    pub(super) tree: Value,
    origins: BTreeMap<String, String>,
}

impl Merged {
    /// A fault that begins with a key, with the place where that key was set.
    pub(super) fn placed(&self, fault: String) -> String {
        let mut key = fault.split(':').next().unwrap_or_default();
        loop {
            if let Some(origin) = self.origins.get(key) {
                return format!("{fault} ({origin})");
            }
            match key.rsplit_once('.') {
                Some((above, _)) => key = above,
                None => return fault,
            }
        }
    }

    fn accept(&mut self, path: &[String], value: Value, origin: String) {
        put(&mut self.tree, path, value);
        self.origins.insert(path.join("."), origin);
    }
}

/// Puts settings over the defaults; later ones win. Each is tried alone, so that every fault has
/// its place; the settings of a section without defaults are tried together, as none of them is a
/// configuration by itself.
pub(super) fn merge<T: DeserializeOwned + Serialize>(
    defaults: &Value,
    settings: Vec<Setting>,
    faults: &mut Vec<String>,
) -> Merged {
    let mut merged = Merged {
        tree: defaults.clone(),
        origins: BTreeMap::new(),
    };
    let mut sections: BTreeMap<Vec<String>, Vec<Setting>> = BTreeMap::new();
    for setting in settings {
        if let Some(section) = section_without_defaults(defaults, &setting) {
            sections.entry(section).or_default().push(setting);
            continue;
        }
        // The whole section may be unset again.
        sections.remove(&setting.path);
        match meaning::<T>(defaults, &setting) {
            Ok(value) => merged.accept(&setting.path, value, setting.origin),
            Err(reason) => faults.push(format!("{setting}: {reason} ({})", setting.origin)),
        }
    }
    for (section, parts) in sections {
        match whole::<T>(defaults, &section, &parts) {
            Ok(value) => merged.accept(&section, value, origins(&parts)),
            Err(found) => faults.extend(found),
        }
    }
    merged
}

/// The section of a setting, where it is one that has no defaults: one that may be absent, or one
/// entry of a map.
fn section_without_defaults(defaults: &Value, setting: &Setting) -> Option<Vec<String>> {
    let path = &setting.path;
    let mut at = defaults;
    let mut depth = 0;
    while !at.is_null() {
        let known = at.as_object()?;
        depth += 1;
        if known.is_empty() {
            break;
        }
        at = known.get(path.get(depth - 1)?)?;
    }
    let table = matches!(setting.written, Written::Typed(Value::Object(_)));
    (path.len() > depth || (path.len() == depth && table)).then(|| path[..depth].to_vec())
}

/// The value that a setting stands for, tried alone on the defaults.
fn meaning<T: DeserializeOwned + Serialize>(
    defaults: &Value,
    setting: &Setting,
) -> Result<Value, String> {
    let default = find(defaults, &setting.path)?;
    let mut reason = None;
    for value in setting.written.meanings(default) {
        match attempt::<T>(defaults, &setting.path, &value) {
            Ok(config) => {
                return if lost(&value, &config, &setting.path).is_empty() {
                    Ok(value)
                } else {
                    Err("no such key".to_owned())
                };
            }
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    Err(reason.unwrap_or_default())
}

/// The value of a section out of all its parts.
fn whole<T: DeserializeOwned + Serialize>(
    defaults: &Value,
    section: &[String],
    parts: &[Setting],
) -> Result<Value, Vec<String>> {
    let mut reasons = Vec::new();
    for values in combinations(parts) {
        let mut value = Value::Null;
        for (part, written) in parts.iter().zip(values) {
            match &part.path[section.len()..] {
                [] => value = written,
                path => put(&mut value, path, written),
            }
        }
        match attempt::<T>(defaults, section, &value) {
            Ok(config) => {
                let lost = lost(&value, &config, section);
                if lost.is_empty() {
                    return Ok(value);
                }
                let origin = |key: &[String]| {
                    let from = parts.iter().rev().find(|part| key.starts_with(&part.path));
                    from.map_or_else(|| origins(parts), |part| part.origin.clone())
                };
                let tell =
                    |key: Vec<String>| format!("{}: no such key ({})", key.join("."), origin(&key));
                return Err(lost.into_iter().map(tell).collect());
            }
            Err(error) => reasons.push(error),
        }
    }
    // Where only a field is missing, all types were right.
    let missing = |reason: &&String| reason.starts_with("missing field");
    let reason = reasons.iter().find(missing).or(reasons.first());
    let reason = reason.map(String::as_str).unwrap_or_default();
    let (name, origins) = (section.join("."), origins(parts));
    Err(vec![format!("{name}: {reason} ({origins})")])
}

/// Every choice of meanings, the likeliest first.
fn combinations(parts: &[Setting]) -> Vec<Vec<Value>> {
    let mut ambiguous = 0;
    let mut chosen = vec![Vec::new()];
    for part in parts {
        let mut meanings = part.written.meanings(None);
        if meanings.len() > 1 {
            ambiguous += 1;
            if ambiguous > MOST_AMBIGUOUS {
                meanings.truncate(1);
            }
        }
        let longer = |values: &Vec<Value>, meaning: &Value| {
            let mut values = values.clone();
            values.push(meaning.clone());
            values
        };
        chosen = chosen
            .iter()
            .flat_map(|values| meanings.iter().map(move |meaning| longer(values, meaning)))
            .collect();
    }
    chosen
}

/// The places of parts, each once.
fn origins(parts: &[Setting]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for part in parts {
        if !names.contains(&part.origin.as_str()) {
            names.push(&part.origin);
        }
    }
    names.join(", ")
}

/// The defaults with one value, read as their type and written again.
fn attempt<T: DeserializeOwned + Serialize>(
    defaults: &Value,
    path: &[String],
    value: &Value,
) -> Result<Value, String> {
    let mut candidate = defaults.clone();
    put(&mut candidate, path, value.clone());
    let config: T =
        serde_json::from_value(candidate).map_err(|error| in_words(&error.to_string(), value))?;
    serde_json::to_value(config).map_err(|error| error.to_string())
}

/// The reason of the type's reader without names of this program's types.
fn in_words(reason: &str, value: &Value) -> String {
    if reason == "invalid socket address syntax" {
        let shown = value.as_str().map(|text| format!("{text:?} "));
        return format!(
            "{}is no address; write numbers for host and port, such as 127.0.0.1:50051",
            shown.unwrap_or_default()
        );
    }
    let Some((found, wanted)) = reason.rsplit_once(", expected ") else {
        return reason.to_owned();
    };
    let most: u32 = match wanted {
        "u8" => u8::MAX.into(),
        "u16" => u16::MAX.into(),
        "u32" => u32::MAX,
        "u64" | "usize" => return format!("{found}, expected a whole number"),
        "f32" | "f64" => return format!("{found}, expected a number"),
        _ => return reason.to_owned(),
    };
    format!("{found}, expected a whole number from 0 to {most}")
}

/// The default of a key; `None` where only the type itself knows its keys.
fn find<'a>(defaults: &'a Value, path: &[String]) -> Result<Option<&'a Value>, String> {
    let mut at = defaults;
    for key in path {
        match at {
            Value::Object(known) if known.is_empty() => return Ok(None),
            Value::Object(known) => {
                at = known.get(key).ok_or_else(|| unknown(key, known))?;
            }
            Value::Null => return Ok(None),
            _ => return Err("no such key: what stands before the last dot is a value".to_owned()),
        }
    }
    Ok(Some(at))
}

fn unknown(key: &str, known: &Map<String, Value>) -> String {
    let mut names: Vec<_> = known.keys().map(String::as_str).collect();
    names.sort_unstable();
    format!("no key {key} here; there are {}", names.join(", "))
}

/// The keys of a value that its type does not know: they are gone when it was read and written.
fn lost(value: &Value, config: &Value, path: &[String]) -> Vec<Vec<String>> {
    let kept = path.iter().try_fold(config, |at, key| at.get(key));
    match (value, kept) {
        (Value::Null, _) => Vec::new(),
        (_, None) => vec![path.to_vec()],
        (Value::Object(inner), Some(Value::Object(_))) => inner
            .iter()
            .flat_map(|(key, value)| {
                lost(value, config, &[path, std::slice::from_ref(key)].concat())
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn put(tree: &mut Value, path: &[String], value: Value) {
    let Some((last, sections)) = path.split_last() else {
        return;
    };
    let mut at = tree;
    for section in sections {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[section.as_str()];
    }
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    at[last.as_str()] = value;
}
