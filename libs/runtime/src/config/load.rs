//! Puts the layers of a configuration together and finds all that is wrong with them.

mod merge;

use super::{Check, ConfigFaults, layer};
use serde::{Serialize, de::DeserializeOwned};
use std::{ffi::OsString, path::PathBuf};

/// Where a configuration comes from; later ones win.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those that begin with `OPENASSAY_` count.
    pub environment: Vec<(String, String)>,
    /// Flags of their own: key such as `server.listen`, and value.
    pub flags: Vec<(String, String)>,
    /// What was given to `--set`, such as `server.listen=127.0.0.1:0`.
    pub assignments: Vec<String>,
}

impl Sources {
    /// A file, if any, the environment of this process, and what was given to `--set`.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, assignments: Vec<String>) -> Self {
        // What is no Unicode must not be passed over in silence.
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let environment = std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        Self {
            file,
            environment,
            assignments,
            ..Self::default()
        }
    }

    /// With a flag of its own for a key, where it was given.
    #[must_use]
    pub fn with_flag(mut self, key: &str, value: Option<String>) -> Self {
        self.flags
            .extend(value.map(|value| (key.to_owned(), value)));
        self
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
    let (assigned, slips) = layer::of_assignments(&sources.assignments);
    faults.extend(slips);
    settings.extend(assigned);
    let merged = merge::merge::<T>(&defaults, settings, &mut faults);
    match serde_json::from_value::<T>(merged.tree.clone()) {
        Ok(config) => {
            let found = config.faults().into_iter();
            faults.extend(found.map(|fault| merged.placed(fault)));
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

#[cfg(test)]
mod tests;
