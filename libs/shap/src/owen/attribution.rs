//! Finished values and the check that they add up.

use crate::ShapError;
use ndarray::Array2;

/// Difference allowed between base plus values and the output, relative to the numbers summed.
/// Values telescope in 64 bits, so that only the rounding of sums over millions of players is
/// left.
const ADDITIVITY: f64 = 1e-9;

/// How much each player moves each output.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// `[players, outputs]`.
    pub values: Array2<f64>,
    /// Outputs with everything hidden.
    pub base: Vec<f64>,
    /// Outputs with nothing hidden.
    pub full: Vec<f64>,
    /// Indices of the outputs explained among those of the model.
    pub outputs: Vec<usize>,
    /// Model rows spent.
    pub rows: usize,
}

/// How much each block of players moves each output.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockAttribution<B> {
    /// Blocks that share no player and together are all, each with one value per output.
    pub blocks: Vec<(B, Vec<f64>)>,
    /// Outputs with everything hidden.
    pub base: Vec<f64>,
    /// Outputs with nothing hidden.
    pub full: Vec<f64>,
    /// Indices of the outputs explained among those of the model.
    pub outputs: Vec<usize>,
    /// Model rows spent.
    pub rows: usize,
}

impl Attribution {
    /// Checks that base and values add up to the output.
    ///
    /// # Errors
    /// Names the first output that differs.
    pub fn check_additivity(&self) -> Result<(), ShapError> {
        for (column, values) in self.values.columns().into_iter().enumerate() {
            let ends = (self.base[column], self.full[column]);
            check(self.outputs[column], ends, values.iter().copied())?;
        }
        Ok(())
    }
}

impl<B> BlockAttribution<B> {
    /// The same for blocks.
    ///
    /// # Errors
    /// Names the first output that differs.
    pub fn check_additivity(&self) -> Result<(), ShapError> {
        for (column, &output) in self.outputs.iter().enumerate() {
            let ends = (self.base[column], self.full[column]);
            check(
                output,
                ends,
                self.blocks.iter().map(|(_, values)| values[column]),
            )?;
        }
        Ok(())
    }
}

fn check(
    output: usize,
    (base, full): (f64, f64),
    values: impl Iterator<Item = f64>,
) -> Result<(), ShapError> {
    let (sum, size) = values.fold((0.0, 0.0), |(sum, size), value| {
        (sum + value, size + f64::abs(value))
    });
    let tolerance = ADDITIVITY * (size + base.abs() + full.abs());
    let sum = base + sum;
    // The comparison is this way round so that NaN fails it.
    let adds_up = (sum - full).abs() <= tolerance;
    if adds_up {
        return Ok(());
    }
    Err(ShapError::NotAdditive {
        output,
        base,
        sum,
        full,
        tolerance,
    })
}
