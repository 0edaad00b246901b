//! What a bundle carries of its training spectra: some with their features, so that whoever runs it
//! can tell whether this machine and runtime give what the training gave, and the mean of all, behind
//! which parts of a spectrum can be hidden. Kept beside the arrays of the gate.

use super::BundleContents;
use assay_openset::NamedArrays;
use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};

const VECTORS: &str = "reference.vectors";
const FEATURES: &str = "reference.features";
const MEAN: &str = "training.mean";

/// Input vectors of some training spectra with the features that the training had of them, and the
/// mean of all.
#[derive(Debug, Clone, PartialEq)]
pub struct References {
    /// `[references, bins]`
    pub vectors: Array2<f32>,
    /// `[references, features]`
    pub features: Array2<f32>,
    /// `[bins]`, the mean of the input vectors of all training spectra, copies of them left out.
    /// Bundles of the first versions have none.
    pub mean: Option<Array1<f32>>,
}

impl References {
    /// Adds them to the arrays of a gate.
    pub(super) fn add_to(&self, arrays: &mut NamedArrays) {
        for (name, values) in [(VECTORS, &self.vectors), (FEATURES, &self.features)] {
            arrays.insert(name.to_owned(), values.mapv(f64::from).into_dyn());
        }
        if let Some(mean) = &self.mean {
            arrays.insert(MEAN.to_owned(), mean.mapv(f64::from).into_dyn());
        }
    }

    /// Takes them out of the arrays of a gate; `None` where there are none. The error says what is
    /// wrong with them.
    pub(super) fn take_from(
        arrays: &mut NamedArrays,
        contents: &BundleContents,
    ) -> Result<Option<Self>, String> {
        let mean = arrays.remove(MEAN);
        let taken = (arrays.remove(VECTORS), arrays.remove(FEATURES));
        let (vectors, features) = match taken {
            (None, None) if mean.is_none() => return Ok(None),
            (Some(vectors), Some(features)) => (vectors, features),
            _ => {
                return Err(format!(
                    "{VECTORS:?} and {FEATURES:?} belong together, and {MEAN:?} to them"
                ));
            }
        };
        let references = Self {
            vectors: matrix(VECTORS, vectors)?,
            features: matrix(FEATURES, features)?,
            mean: mean.map(line).transpose()?,
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
            finite(name, values.iter())?;
        }
        if let Some(mean) = &self.mean {
            let (found, bins) = (mean.len(), contents.recipe.bins());
            if found != bins {
                return Err(format!(
                    "{MEAN:?} has {found} values, but {bins} are needed"
                ));
            }
            finite(MEAN, mean.iter())?;
        }
        Ok(())
    }
}

fn finite<'a>(name: &str, mut values: impl Iterator<Item = &'a f32>) -> Result<(), String> {
    match values.find(|value| !value.is_finite()) {
        Some(value) => Err(format!("{name:?} has {value}; every value must be finite")),
        None => Ok(()),
    }
}

fn line(array: ArrayD<f64>) -> Result<Array1<f32>, String> {
    let line = array
        .into_dimensionality::<Ix1>()
        .map_err(|error| format!("{MEAN:?} is no list: {error}"))?;
    Ok(line.mapv(|value| value as f32))
}

fn matrix(name: &str, array: ArrayD<f64>) -> Result<Array2<f32>, String> {
    let matrix = array
        .into_dimensionality::<Ix2>()
        .map_err(|error| format!("{name:?} is no matrix: {error}"))?;
    Ok(matrix.mapv(|value| value as f32))
}
