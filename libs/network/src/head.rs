//! The last dense layer as one function, so that every path through the program gives the same
//! bits for the same features.

use crate::{NetworkError, Tensor, Weights};

/// Name of the weight tensor of the head in a graph and in a file.
pub const WEIGHT: &str = "head.weight";
/// Name of the bias of the head in a graph and in a file.
pub const BIAS: &str = "head.bias";

/// A dense layer from features to logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    weight: Vec<f32>,
    bias: Vec<f32>,
    features: usize,
}

impl Head {
    /// A head from its weights.
    ///
    /// # Shapes
    /// `weight` is `[features, classes]`, row-major; `bias` is `[classes]`.
    ///
    /// # Errors
    /// When a length is zero or does not fit, or a number is not finite.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>) -> Result<Self, NetworkError> {
        if bias.is_empty() || weight.is_empty() || !weight.len().is_multiple_of(bias.len()) {
            return Err(NetworkError::Weights(format!(
                "{WEIGHT} has {} numbers for {} classes: features × classes are needed",
                weight.len(),
                bias.len()
            )));
        }
        check_finite(WEIGHT, &weight)?;
        check_finite(BIAS, &bias)?;
        let features = weight.len() / bias.len();
        Ok(Self {
            weight,
            bias,
            features,
        })
    }

    /// The head among the weights of a whole model.
    ///
    /// # Errors
    /// When `head.weight` or `head.bias` is missing or does not fit.
    pub fn from_weights(weights: &Weights) -> Result<Self, NetworkError> {
        let weight = weights.require(WEIGHT)?;
        let bias = weights.require(BIAS)?;
        if weight.shape.len() != 2 || weight.shape[1] != bias.data.len() {
            return Err(NetworkError::Weights(format!(
                "{WEIGHT} has shape {:?} and {BIAS} {:?}: [features, classes] and [classes] are \
                 needed",
                weight.shape, bias.shape
            )));
        }
        Self::new(weight.data.clone(), bias.data.clone())
    }

    /// `head.weight` and `head.bias`, as they stand in a model.
    #[must_use]
    pub fn to_weights(&self) -> Weights {
        [
            (
                WEIGHT.to_owned(),
                Tensor {
                    shape: vec![self.features, self.bias.len()],
                    data: self.weight.clone(),
                },
            ),
            (
                BIAS.to_owned(),
                Tensor {
                    shape: vec![self.bias.len()],
                    data: self.bias.clone(),
                },
            ),
        ]
        .into_iter()
        .collect()
    }

    /// Number of features.
    #[must_use]
    pub const fn features(&self) -> usize {
        self.features
    }

    /// Number of classes.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.bias.len()
    }

    /// The weights, `[features, classes]`, row-major.
    #[must_use]
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// The bias, `[classes]`.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// `features · weight + bias`, summed in 64 bits in the order of the features.
    ///
    /// # Shapes
    /// `[features]` → `[classes]`.
    ///
    /// # Errors
    /// When the length is wrong or a feature is not finite.
    pub fn logits(&self, features: &[f32]) -> Result<Vec<f32>, NetworkError> {
        if features.len() != self.features {
            return Err(NetworkError::Parameter {
                name: "number of features",
                value: features.len().to_string(),
                allowed: format!("this head takes {}", self.features),
            });
        }
        check_finite("features", features)?;
        let mut sums: Vec<f64> = self.bias.iter().copied().map(f64::from).collect();
        for (feature, row) in features.iter().zip(self.weight.chunks_exact(sums.len())) {
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += f64::from(*feature) * f64::from(*weight);
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "logits are stored as f32")]
        let logits: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
        check_finite("logits", &logits)?;
        Ok(logits)
    }
}

/// Class probabilities: `exp(l − max) / Σ exp(l − max)`, summed in 64 bits in order.
///
/// # Shapes
/// `[classes]` → `[classes]`.
///
/// # Errors
/// When there is no logit or one is not finite.
pub fn softmax(logits: &[f32]) -> Result<Vec<f32>, NetworkError> {
    check_finite("logits", logits)?;
    let Some(largest) = logits.iter().copied().max_by(f32::total_cmp) else {
        return Err(NetworkError::Parameter {
            name: "number of logits",
            value: "0".to_owned(),
            allowed: "at least one class is needed".to_owned(),
        });
    };
    let powers: Vec<f64> = logits
        .iter()
        .map(|logit| (f64::from(*logit) - f64::from(largest)).exp())
        .collect();
    let total: f64 = powers.iter().sum();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "probabilities are stored as f32"
    )]
    Ok(powers.into_iter().map(|p| (p / total) as f32).collect())
}

pub(crate) fn check_finite(what: &str, values: &[f32]) -> Result<(), NetworkError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(NetworkError::NotFinite {
            what: what.to_owned(),
            index,
            value: values[index],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Head {
        Head::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![0.5, -0.5]).unwrap()
    }

    #[test]
    fn multiplies_rows_by_features() {
        assert_eq!(small().logits(&[1.0, 0.0, -1.0]).unwrap(), [-3.5, -4.5]);
    }

    #[test]
    fn sums_in_64_bits() {
        let head = Head::new(vec![1.0, 1.0, 1.0], vec![0.0]).unwrap();
        assert_eq!(head.logits(&[1e8, 1.0, -1e8]).unwrap(), [1.0]);
    }

    #[test]
    fn refuses_nan_and_wrong_lengths() {
        let head = small();
        let message = head.logits(&[0.0, f32::NAN, 0.0]).unwrap_err().to_string();
        assert!(message.contains("features[1]"), "{message}");
        assert!(head.logits(&[0.0; 2]).is_err());
        assert!(head.logits(&[f32::MAX; 3]).is_err(), "overflow");
        assert!(Head::new(vec![f32::INFINITY], vec![0.0]).is_err());
        assert!(Head::new(vec![0.0; 5], vec![0.0; 2]).is_err());
        assert!(Head::new(vec![], vec![]).is_err());
        assert!(softmax(&[]).is_err());
        assert!(softmax(&[f32::NAN]).is_err());
    }

    #[test]
    fn softmax_is_stable_for_large_logits() {
        assert_eq!(softmax(&[1000.0, 1000.0]).unwrap(), [0.5, 0.5]);
        assert_eq!(softmax(&[0.0, -1000.0]).unwrap(), [1.0, 0.0]);
    }

    #[test]
    fn survives_the_way_through_weights() {
        assert_eq!(Head::from_weights(&small().to_weights()).unwrap(), small());
    }
}
