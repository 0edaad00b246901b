//! Spectra with their features that a bundle carries: whoever runs it can tell whether this
//! machine and runtime give what the training gave. Kept beside the arrays of the gate.

use super::BundleContents;
use assay_openset::NamedArrays;
use ndarray::{Array2, ArrayD, Ix2};

const VECTORS: &str = "reference.vectors";
const FEATURES: &str = "reference.features";

/// Input vectors of some training spectra, and the features that the training had of them.
#[derive(Debug, Clone, PartialEq)]
pub struct References {
    /// `[references, bins]`
    pub vectors: Array2<f32>,
    /// `[references, features]`
    pub features: Array2<f32>,
}

impl References {
    /// Adds them to the arrays of a gate.
    pub(super) fn add_to(&self, arrays: &mut NamedArrays) {
        for (name, values) in [(VECTORS, &self.vectors), (FEATURES, &self.features)] {
            arrays.insert(name.to_owned(), values.mapv(f64::from).into_dyn());
        }
    }

    /// Takes them out of the arrays of a gate; `None` where there are none. The error says what is
    /// wrong with them.
    pub(super) fn take_from(
        arrays: &mut NamedArrays,
        contents: &BundleContents,
    ) -> Result<Option<Self>, String> {
        let taken = (arrays.remove(VECTORS), arrays.remove(FEATURES));
        let (vectors, features) = match taken {
            (None, None) => return Ok(None),
            (Some(vectors), Some(features)) => (vectors, features),
            _ => return Err(format!("{VECTORS:?} and {FEATURES:?} belong together")),
        };
        let references = Self {
            vectors: matrix(VECTORS, vectors)?,
            features: matrix(FEATURES, features)?,
        };
        references.check(contents).map(|()| Some(references))
    }

    pub(super) fn check(&self, contents: &BundleContents) -> Result<(), String> {
        let rows = self.vectors.nrows();
        for (name, values, width) in [
            (VECTORS, &self.vectors, contents.recipe.bins()),
            (FEATURES, &self.features, contents.head.features),
        ] {
            if values.dim() != (rows, width) {
                return Err(format!(
                    "{name:?} has shape {:?}, but [{rows}, {width}] is needed",
                    values.shape()
                ));
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(format!("{name:?} has {value}; every value must be finite"));
            }
        }
        Ok(())
    }
}

fn matrix(name: &str, array: ArrayD<f64>) -> Result<Array2<f32>, String> {
    let matrix = array
        .into_dimensionality::<Ix2>()
        .map_err(|error| format!("{name:?} is no matrix: {error}"))?;
    Ok(matrix.mapv(|value| value as f32))
}
