//! How spectra become input vectors.

use crate::failure::{Failure, Result};
use assay_spectrum::{CalibrationTerms, EnergyGrid, Recipe};
use clap::{Args, ValueEnum};
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TermsOption {
    /// Intercept and slope, as published
    Linear,
    /// With the quadratic term of the file
    Quadratic,
}

/// Options that say how spectra become input vectors.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preprocessing")]
pub(crate) struct RecipeOptions {
    /// Energy axis of the model, for detectors other than the published one: lower and upper
    /// edge in keV, number of fine bins, fine bins summed into one, bins dropped at the low end
    /// [default: -3.621,11730.799535,16384,4,40]
    #[arg(long, value_name = "LO,HI,FINE,REBIN,DROP", value_parser = grid,
          allow_hyphen_values = true)]
    grid: Option<EnergyGrid>,

    /// Bins of the axis that the model sees [default: 0..2631, up to about 7650 keV]
    #[arg(long, value_name = "FIRST..END", value_parser = bin_range)]
    valid_bins: Option<Range<usize>>,

    /// Terms of the energy calibration to use [default: linear, as published]
    #[arg(long, value_enum, value_name = "TERMS")]
    calibration: Option<TermsOption>,

    /// Least share of the model's energy range that a spectrum must cover [default: 0.98]
    #[arg(long, value_name = "SHARE")]
    min_coverage: Option<f64>,
}

impl RecipeOptions {
    /// The recipe: `start` with the options given.
    pub(crate) fn apply(&self, start: Recipe) -> Result<Recipe> {
        let mut recipe = start;
        if let Some(grid) = self.grid {
            recipe.grid = grid;
            recipe.valid_bins.end = recipe.valid_bins.end.min(grid.bins());
        }
        if let Some(bins) = &self.valid_bins {
            recipe.valid_bins = bins.clone();
        }
        if let Some(terms) = self.calibration {
            recipe.calibration_terms = match terms {
                TermsOption::Linear => CalibrationTerms::Linear,
                TermsOption::Quadratic => CalibrationTerms::Quadratic,
            };
        }
        if let Some(share) = self.min_coverage {
            recipe.min_coverage = share;
        }
        recipe.check().map_err(Failure::from)?;
        Ok(recipe)
    }
}

fn grid(text: &str) -> Result<EnergyGrid, String> {
    const FORM: &str = "five numbers LO,HI,FINE,REBIN,DROP are needed, such as 0,3000,8192,2,20";
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let [lo, hi, fine, rebin, drop] = parts[..] else {
        return Err(FORM.to_owned());
    };
    let energy = |text: &str| text.parse::<f64>().map_err(|_| format!("{text:?}: {FORM}"));
    let count = |text: &str| {
        text.parse::<usize>()
            .map_err(|_| format!("{text:?}: {FORM}"))
    };
    let grid = EnergyGrid {
        lo_kev: energy(lo)?,
        hi_kev: energy(hi)?,
        fine_bins: count(fine)?,
        rebin: count(rebin)?,
        drop_bins: count(drop)?,
    };
    grid.check().map_err(|error| error.to_string())?;
    Ok(grid)
}

fn bin_range(text: &str) -> Result<Range<usize>, String> {
    let bounds = text.split_once("..").and_then(|(first, end)| {
        Some(first.trim().parse::<usize>().ok()?..end.trim().parse::<usize>().ok()?)
    });
    bounds.ok_or_else(|| "two numbers FIRST..END are needed, such as 0..2631".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_and_ranges_are_read_or_refused_with_their_form() {
        assert_eq!(
            grid("-3.621,11730.799535,16384,4,40").unwrap(),
            EnergyGrid::nist_pgaa()
        );
        assert!(grid("0,100").unwrap_err().contains("LO,HI"));
        assert!(grid("0,100,10,3,0").unwrap_err().contains("rebin"));
        assert_eq!(bin_range("0..2631").unwrap(), 0..2631);
        assert!(bin_range("5").is_err());
    }
}
