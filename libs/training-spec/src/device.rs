//! Which device is asked for.

use crate::SpecificationError;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The device asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// A GPU when there is one, the processor otherwise.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A GPU, or an error.
    Cuda,
}

impl FromStr for DeviceChoice {
    type Err = SpecificationError;

    fn from_str(text: &str) -> Result<Self, SpecificationError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            other => Err(SpecificationError::one(
                "execution.device",
                "--device",
                format!("is {other:?}: auto, cpu or cuda is required"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_are_checked() {
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda);
        let error = "tpu".parse::<DeviceChoice>().unwrap_err().to_string();
        assert!(error.contains("--device is \"tpu\""), "{error}");
    }
}
