//! From spectra to a model's input vectors.

use super::{Dataset, DatasetRow};
use crate::{PipelineError, fault::Fault, fault::Faults};
use assay_core::Classified;
use assay_spectrum::{Recipe, Spectrum, SpectrumError};
use ndarray::Array2;
use rayon::prelude::*;

impl Dataset {
    /// Input vectors of all rows, in their order.
    ///
    /// # Shapes
    /// `[rows, recipe.bins()]`
    ///
    /// # Errors
    /// With every spectrum that the recipe refuses.
    pub fn vectors(&self, recipe: &Recipe) -> Result<Array2<f32>, PipelineError> {
        self.vectors_of(recipe, |row| Ok(row.spectrum.clone()))
    }

    /// Input vectors of all rows after `change`, which sees each row and gives the spectrum to
    /// use in its place: thinned, shifted, or as it was.
    ///
    /// # Shapes
    /// `[rows, recipe.bins()]`
    ///
    /// # Errors
    /// With every spectrum that `change` or the recipe refuses.
    pub fn vectors_of(
        &self,
        recipe: &Recipe,
        change: impl Fn(&DatasetRow) -> Result<Spectrum, SpectrumError> + Sync,
    ) -> Result<Array2<f32>, PipelineError> {
        let results: Vec<Result<Vec<f32>, Fault>> = self
            .rows
            .par_iter()
            .map(|row| {
                change(row)
                    .and_then(|spectrum| input_vector(recipe, &spectrum))
                    .map_err(|error| Fault {
                        line: row.line,
                        message: format!("{}: {error}", row.file),
                        kind: error.kind(),
                    })
            })
            .collect();
        let bins = recipe.bins();
        let mut matrix = Array2::zeros((self.rows.len(), bins));
        let mut faults = Vec::new();
        for (mut target, result) in matrix.outer_iter_mut().zip(results) {
            match result {
                Ok(vector) => target.iter_mut().zip(vector).for_each(|(t, v)| *t = v),
                Err(fault) => faults.push(fault),
            }
        }
        match Faults::of(faults) {
            None => Ok(matrix),
            Some(faults) => Err(PipelineError::Dataset(faults)),
        }
    }
}

/// The one place where a spectrum becomes what a network takes: double precision ends here.
pub(crate) fn input_vector(
    recipe: &Recipe,
    spectrum: &Spectrum,
) -> Result<Vec<f32>, SpectrumError> {
    #[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
    Ok(recipe
        .apply(spectrum)?
        .into_iter()
        .map(|value| value as f32)
        .collect())
}
