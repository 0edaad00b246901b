//! What can be set about running models, and what values are allowed.

use assay_core::Digest;
use assay_infer::SessionOptions;
use assay_runtime::config::Check;
use assay_store::ModelRef;
use serde::{Deserialize, Serialize};
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// Most rows of one request.
pub const MAX_ROWS: usize = 1024;

/// How models are run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InferenceConfig {
    /// Models that are loaded at the start and followed: `name` (its alias production),
    /// `name@alias`, `name:version` or a digest. Empty: every name whose alias production exists.
    pub models: Vec<String>,
    /// The model of requests that name none.
    pub default_model: String,
    /// Most models in memory at a time; while an alias moves, its next model is one more.
    pub max_loaded_models: usize,
    /// How often the registry is asked whether aliases have moved, in seconds.
    pub poll_interval_s: f64,
    /// How long a refused bundle is not tried again, in seconds.
    pub refusal_s: f64,
    /// Most pixels of images (rows × S²) that are taken from the queue at once.
    pub batch_pixels: usize,
    /// Most rows that are taken from the queue at once, for models without images too.
    pub batch_rows: usize,
    /// Most rows that wait for one model; more are refused.
    pub max_queue_rows: usize,
    /// Threads of one model; empty takes as many as there are cores.
    pub threads: Option<NonZeroUsize>,
    /// How long the feature cache is waited for, in seconds, before features are computed.
    pub cache_timeout_s: f64,
    /// The ONNX Runtime library; empty searches the usual places.
    pub runtime_library: Option<PathBuf>,
    /// Largest message; the process sets it to what its server takes.
    #[serde(skip)]
    pub max_message_bytes: Option<usize>,
}

impl Default for InferenceConfig {
    fn default() -> Self {
        Self {
            models: Vec::new(),
            default_model: "default".to_owned(),
            max_loaded_models: 4,
            poll_interval_s: 5.0,
            refusal_s: 300.0,
            batch_pixels: 8_000_000,
            batch_rows: 256,
            max_queue_rows: 4096,
            threads: None,
            cache_timeout_s: 0.25,
            runtime_library: None,
            max_message_bytes: None,
        }
    }
}

impl Check for InferenceConfig {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let default = std::iter::once(("default_model", &self.default_model));
        let models = self.models.iter().map(|model| ("models", model));
        for (field, model) in default.chain(models) {
            if model.is_empty() {
                faults.push(format!("{field}: a name is empty; name a model"));
            } else if let Err(error) = ModelRef::parse(model, model) {
                faults.push(format!("{field}: {model:?} cannot be used: {error}"));
            }
        }
        if self.models.len() > self.max_loaded_models {
            faults.push(format!(
                "models: there are {} names, but max_loaded_models is {}; allow as many as are named",
                self.models.len(),
                self.max_loaded_models
            ));
        }
        let counts = [
            ("max_loaded_models", self.max_loaded_models),
            ("batch_pixels", self.batch_pixels),
            ("batch_rows", self.batch_rows),
            ("max_queue_rows", self.max_queue_rows),
        ];
        for (field, value) in counts {
            if value == 0 {
                faults.push(format!("{field}: 0 is outside 1 and more"));
            }
        }
        let seconds = [
            ("poll_interval_s", self.poll_interval_s, 0.05),
            ("refusal_s", self.refusal_s, 0.0),
            ("cache_timeout_s", self.cache_timeout_s, 0.001),
        ];
        for (field, value, least) in seconds {
            if !(least..=86_400.0).contains(&value) {
                faults.push(format!("{field}: {value} is outside {least} to 86400"));
            }
        }
        faults
    }
}

impl InferenceConfig {
    pub(crate) fn session(&self) -> SessionOptions {
        SessionOptions {
            threads: self.threads,
            ..SessionOptions::default()
        }
    }

    pub(crate) const fn poll_interval(&self) -> Duration {
        seconds(self.poll_interval_s)
    }

    pub(crate) const fn refusal(&self) -> Duration {
        seconds(self.refusal_s)
    }

    pub(crate) const fn cache_timeout(&self) -> Duration {
        seconds(self.cache_timeout_s)
    }

    /// The reference that a text stands for.
    pub(crate) fn parse(&self, model: &str) -> Result<Asked, assay_store::StoreError> {
        Ok(match ModelRef::parse(model, &self.default_model)? {
            ModelRef::Digest(digest) => Asked::Bundle(digest),
            named @ ModelRef::Named { .. } => Asked::Named(named.to_string(), named),
        })
    }
}

/// A model as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// By digest.
    Bundle(Digest),
    /// By a name with alias or version, written in full.
    Named(String, ModelRef),
}

/// Checked by [`InferenceConfig::faults`] to be a duration.
const fn seconds(value: f64) -> Duration {
    Duration::from_millis((value * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed_and_every_fault_is_named() {
        assert_eq!(InferenceConfig::default().faults(), Vec::<String>::new());
        let config = InferenceConfig {
            models: vec![String::new(), "a b".to_owned()],
            max_loaded_models: 0,
            poll_interval_s: f64::NAN,
            batch_rows: 0,
            ..InferenceConfig::default()
        };
        let faults = config.faults();
        for word in [
            "models: a name is empty",
            "models: \"a b\"",
            "models: there are 2",
            "max_loaded_models: 0",
            "poll_interval_s: NaN",
            "batch_rows: 0",
        ] {
            let found = faults.iter().any(|fault| fault.contains(word));
            assert!(found, "{word}: {faults:?}");
        }
        assert_eq!(faults.len(), 6);
    }
}
