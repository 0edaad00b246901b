//! Puts the layers of a configuration together and finds all that is wrong with them.

use super::{
    Check, ConfigFaults,
    layer::{self, Setting},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Where a configuration comes from; later ones win.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those that begin with `OPENASSAY_` count.
    pub environment: Vec<(String, String)>,
    /// Flags: key such as `server.listen`, and value.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// A file, if any, the environment of this process, and flags.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            file,
            environment,
            flags,
        }
    }
}

/// Reads a configuration: what no source names keeps its default.
///
/// # Errors
/// Everything that is wrong, at once: a file that cannot be read, keys that do not exist, values
/// of a wrong type, and what [`Check`] finds.
pub fn load<T>(sources: &Sources) -> Result<T, ConfigFaults>
where
    T: DeserializeOwned + Serialize + Default + Check,
{
    let defaults = serde_json::to_value(T::default())
        .map_err(|error| ConfigFaults::one(format!("defaults cannot be written: {error}")))?;
    let mut faults = Vec::new();
    let mut settings = match sources
        .file
        .as_ref()
        .map(|path| layer::of_file(path, &defaults))
    {
        None => Vec::new(),
        Some(Ok(settings)) => settings,
        Some(Err(unreadable)) => {
            faults.extend(unreadable.iter().map(str::to_owned));
            Vec::new()
        }
    };
    let (environment, slips) = layer::of_environment(&sources.environment, &defaults);
    faults.extend(slips);
    settings.extend(environment);
    settings.extend(layer::of_flags(&sources.flags));
    let merged = merge::<T>(&defaults, settings, &mut faults);
    match serde_json::from_value::<T>(merged) {
        Ok(config) => {
            faults.extend(config.faults());
            ConfigFaults::of(faults).map_or(Ok(config), Err)
        }
        Err(error) => {
            faults.push(error.to_string());
            Err(ConfigFaults::of(faults).unwrap_or_else(|| ConfigFaults::one("unreadable")))
        }
    }
}

/// A configuration as a TOML file, without its secrets.
///
/// # Errors
/// A value that TOML cannot hold.
pub fn print<T: Serialize>(config: &T) -> Result<String, ConfigFaults> {
    toml::to_string(config).map_err(|error| ConfigFaults::one(error.to_string()))
}

/// The defaults with all settings that are right.
fn merge<T: DeserializeOwned + Serialize>(
    defaults: &Value,
    settings: Vec<Setting>,
    faults: &mut Vec<String>,
) -> Value {
    let mut merged = defaults.clone();
    for setting in settings {
        match meaning::<T>(defaults, setting.clone()) {
            Ok(value) => put(&mut merged, &setting.path, value),
            Err(reason) => faults.push(format!("{setting}: {reason} ({})", setting.origin)),
        }
    }
    merged
}

/// The value that a setting stands for, tried alone on the defaults.
fn meaning<T: DeserializeOwned + Serialize>(
    defaults: &Value,
    setting: Setting,
) -> Result<Value, String> {
    let default = find(defaults, &setting.path)?;
    let mut reason = String::new();
    for value in setting.written.meanings(default) {
        let mut candidate = defaults.clone();
        put(&mut candidate, &setting.path, value.clone());
        match serde_json::from_value::<T>(candidate) {
            Ok(config) => {
                return if value.is_null() || survives(&config, &setting.path) {
                    Ok(value)
                } else {
                    Err("no such key".to_owned())
                };
            }
            Err(error) if reason.is_empty() => reason = error.to_string(),
            Err(_) => {}
        }
    }
    Err(reason)
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
    let names: Vec<_> = known.keys().map(String::as_str).collect();
    format!("no key {key} here; there are {}", names.join(", "))
}

/// Whether a key is still there after a value went through its type: unknown ones are lost.
fn survives<T: Serialize>(config: &T, path: &[String]) -> bool {
    let Ok(written) = serde_json::to_value(config) else {
        return false;
    };
    path.iter()
        .try_fold(&written, |at, key| at.get(key))
        .is_some()
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

#[cfg(test)]
mod tests;
