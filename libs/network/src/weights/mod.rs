//! Named tensors of a network, their digest, and the check against a graph.

mod keras;
mod legacy_pth;
mod npz;
mod safetensors_file;

pub use keras::{convert_keras, from_keras};
pub use legacy_pth::{StoredData, StoredTensor, convert_legacy_pth, read_legacy_pth};

use crate::{Graph, NetworkError, head::check_finite};
use assay_core::{Digest, DigestBuilder};
use std::collections::BTreeMap;

/// A dense array of 32-bit floats, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Extent per axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// The values, last axis fastest.
    pub data: Vec<f32>,
}

impl Tensor {
    /// A tensor whose shape and data agree.
    ///
    /// # Errors
    /// When the product of the shape is not the number of values.
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Result<Self, NetworkError> {
        let count = shape.iter().try_fold(1_usize, |n, &e| n.checked_mul(e));
        if count != Some(data.len()) {
            return Err(NetworkError::Weights(format!(
                "shape {shape:?} does not hold {} values",
                data.len()
            )));
        }
        Ok(Self { shape, data })
    }
}

/// Tensors by name, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights(BTreeMap<String, Tensor>);

impl Weights {
    /// No tensors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One tensor.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// One tensor that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn require(&self, name: &str) -> Result<&Tensor, NetworkError> {
        self.get(name)
            .ok_or_else(|| NetworkError::Weights(format!("{name} is missing")))
    }

    /// Adds or replaces a tensor and returns the former one.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) -> Option<Tensor> {
        self.0.insert(name.into(), tensor)
    }

    /// Takes a tensor out.
    pub fn remove(&mut self, name: &str) -> Option<Tensor> {
        self.0.remove(name)
    }

    /// Adds all tensors of another set; those of the same name are replaced.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Names and tensors, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Number of tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no tensor.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tensors that a graph needs, leaving others out.
    ///
    /// # Errors
    /// When one is missing.
    pub fn only_for(&self, graph: &Graph) -> Result<Self, NetworkError> {
        graph
            .weight_shapes()
            .into_keys()
            .map(|name| Ok((name.clone(), self.require(&name)?.clone())))
            .collect()
    }

    /// Digest of names, shapes and values in the order of the names; it does not depend on the
    /// file that the weights came from.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = DigestBuilder::new("openassay weights 1").number(self.0.len() as u64);
        for (name, tensor) in &self.0 {
            digest = digest
                .bytes(name.as_bytes())
                .number(tensor.shape.len() as u64);
            for extent in &tensor.shape {
                digest = digest.number(*extent as u64);
            }
            digest = digest.f32s(&tensor.data);
        }
        digest.finish()
    }

    /// Checks that the weights are exactly those of a graph and all finite.
    ///
    /// # Errors
    /// Lists missing and superfluous names, or names the tensor of a wrong shape or the
    /// position of a number that is not finite.
    pub fn check(&self, graph: &Graph) -> Result<(), NetworkError> {
        let expected = graph.weight_shapes();
        let missing = listed(expected.keys().filter(|name| self.get(name).is_none()));
        let extra = listed(self.0.keys().filter(|name| !expected.contains_key(*name)));
        if !missing.is_empty() || !extra.is_empty() {
            let parts = [("missing: ", missing), ("not of this network: ", extra)];
            let text: Vec<String> = parts
                .into_iter()
                .filter(|(_, names)| !names.is_empty())
                .map(|(label, names)| format!("{label}{names}"))
                .collect();
            return Err(NetworkError::Weights(text.join("; ")));
        }
        for (name, shape) in &expected {
            let tensor = self.require(name)?;
            if tensor.shape != *shape || tensor.data.len() != shape.iter().product::<usize>() {
                return Err(NetworkError::Weights(format!(
                    "{name} has shape {:?} ({} values): {shape:?} is expected",
                    tensor.shape,
                    tensor.data.len()
                )));
            }
            check_finite(name, &tensor.data)?;
        }
        Ok(())
    }
}

impl FromIterator<(String, Tensor)> for Weights {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(tensors: I) -> Self {
        Self(tensors.into_iter().collect())
    }
}

/// At most eight names, so that a message stays readable when everything is wrong.
fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match names.len() {
        0..=8 => names.join(", "),
        n => format!("{} and {} more", names[..8].join(", "), n - 8),
    }
}

#[cfg(test)]
mod tests;
