//! The parameters of a whole request. Those that are unknown are meant for models of other kinds
//! and change nothing, as with other servers; those whose omission would give a wrong answer are
//! refused.

use super::input::{no_shared_memory, shared_memory};
use assay_api::{
    WireError,
    open_inference::{InferParameter, infer_parameter::ParameterChoice},
};
use std::{collections::BTreeMap, time::Duration};

/// Those that say that a request belongs to others before it.
const SEQUENCE: [&str; 3] = ["sequence_id", "sequence_start", "sequence_end"];

/// What the parameters of a request say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    /// Time limit of the request, from its arrival.
    pub(super) timeout: Option<Duration>,
    /// Whether the answer is to be raw; `None`: as the request is.
    pub(super) raw: Option<bool>,
}

impl Parameters {
    /// Reads them.
    ///
    /// # Errors
    /// The first one that cannot be used.
    pub(super) fn read(parameters: &BTreeMap<String, InferParameter>) -> Result<Self, WireError> {
        if let Some(key) = shared_memory(parameters.keys()) {
            return Err(no_shared_memory("parameters", key));
        }
        if let Some(key) = SEQUENCE.iter().find(|key| parameters.contains_key(**key)) {
            return Err(WireError::field(
                format!("parameters.{key}"),
                "is there, but no model keeps a state between requests; leave it out",
            ));
        }
        let mut read = Self::default();
        if let Some(value) = parameters.get("timeout") {
            let time_us = integer(value).ok_or_else(|| {
                WireError::field(
                    "parameters.timeout",
                    "is no integer of 0 or more, in microseconds",
                )
            })?;
            read.timeout = (time_us > 0).then(|| Duration::from_micros(time_us));
        }
        if let Some(value) = parameters.get("binary_data_output") {
            let Some(ParameterChoice::BoolParam(raw)) = value.parameter_choice else {
                return Err(WireError::field(
                    "parameters.binary_data_output",
                    "is no truth value; send it as bool_param",
                ));
            };
            read.raw = Some(raw);
        }
        Ok(read)
    }
}

/// A parameter that is an integer of 0 or more.
pub(super) fn integer(value: &InferParameter) -> Option<u64> {
    match value.parameter_choice {
        Some(ParameterChoice::Int64Param(number)) => u64::try_from(number).ok(),
        Some(ParameterChoice::Uint64Param(number)) => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameters: &[(&str, ParameterChoice)]) -> Result<Parameters, String> {
        let parameters = parameters.iter().map(|(key, value)| {
            let value = InferParameter {
                parameter_choice: Some(value.clone()),
            };
            ((*key).to_owned(), value)
        });
        Parameters::read(&parameters.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_has_a_meaning_is_read_and_the_rest_changes_nothing() {
        use ParameterChoice::{BoolParam, DoubleParam, Int64Param, StringParam, Uint64Param};
        assert_eq!(read(&[]), Ok(Parameters::default()));
        let custom = [
            ("priority", Uint64Param(7)),
            ("triton_enable_empty_final_response", BoolParam(true)),
            ("color", StringParam("blue".to_owned())),
            ("timeout", Int64Param(0)),
        ];
        assert_eq!(read(&custom), Ok(Parameters::default()));
        for time_us in [Int64Param(1500), Uint64Param(1500)] {
            let found = read(&[
                ("timeout", time_us),
                ("binary_data_output", BoolParam(false)),
            ]);
            let expected = Parameters {
                timeout: Some(Duration::from_micros(1500)),
                raw: Some(false),
            };
            assert_eq!(found, Ok(expected));
        }
        for (key, value) in [
            ("timeout", Int64Param(-1)),
            ("timeout", DoubleParam(1.0)),
            ("binary_data_output", Int64Param(1)),
            ("sequence_id", Int64Param(3)),
            ("sequence_end", BoolParam(true)),
        ] {
            let error = read(&[(key, value)]).unwrap_err();
            assert!(error.starts_with(&format!("parameters.{key}: ")), "{error}");
        }
        let error = read(&[("shared_memory_region", StringParam("x".to_owned()))]);
        assert!(error.unwrap_err().contains("shared_memory_region"));
        let nothing = BTreeMap::from([("timeout".to_owned(), InferParameter::default())]);
        assert!(Parameters::read(&nothing).is_err());
    }
}
