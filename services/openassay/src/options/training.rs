//! How to train: schedule of rates, validation, augmentation, device, checkpoints.

use assay_train::{Augmentation, DeviceChoice, Validation};
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;

/// Published way to follow in every choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reproduce {
    /// The PyChemAuth tutorial "Classifying 1D spectra with CNNs"
    Tutorial,
}

/// Shape of the cycles of the learning rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Clr {
    None,
    Triangular,
    Triangular2,
    ExpRange(f64),
}

/// Options of the schedule of learning rates.
#[derive(Debug, Args)]
#[command(next_help_heading = "Learning rates")]
pub(crate) struct RateOptions {
    /// Passes over the training spectra [default: 60]
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<NonZeroUsize>,

    /// Spectra per step [default: cnn2d 10, cnn1d 100]
    #[arg(long, value_name = "N")]
    pub(crate) batch_size: Option<NonZeroUsize>,

    /// Cycles of the learning rate: none, triangular, triangular2 (half as high each time) or
    /// exp_range:GAMMA [default: cnn2d triangular2, cnn1d triangular]
    #[arg(long, value_name = "SHAPE", value_parser = clr)]
    pub(crate) clr: Option<Clr>,

    /// Epochs of half a cycle [default: 10]
    #[arg(long, value_name = "N")]
    pub(crate) step_size: Option<NonZeroUsize>,

    /// Part of the fall of the loss at which the lower bound is read from the finder's curve
    /// [default: cnn2d 0.9, cnn1d 0.5]
    #[arg(long, value_name = "SHARE", value_parser = super::open_unit)]
    pub(crate) lr_frac: Option<f64>,

    /// Bounds of the learning rate, instead of the finder's
    #[arg(long, value_name = "BASE,MAX", value_parser = bounds)]
    pub(crate) lr_bounds: Option<(f64, f64)>,

    /// Lowest rate that the finder tries [default: 1e-6]
    #[arg(long, value_name = "RATE", value_parser = super::positive)]
    pub(crate) lr_start: Option<f64>,

    /// Highest rate that the finder tries [default: 10]
    #[arg(long, value_name = "RATE", value_parser = super::positive)]
    pub(crate) lr_end: Option<f64>,

    /// Steps of the finder [default: 100]
    #[arg(long, value_name = "N")]
    pub(crate) lr_updates: Option<NonZeroUsize>,
}

/// Total counts of thinned copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thin(pub(crate) Vec<u64>);

/// Options of augmentation and of what is trained.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct FitOptions {
    /// Seed of every random draw [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Spectra for the validation curves: none, fraction:F (drawn from the training spectra;
    /// the delivered model is then fitted to all of them), or manifest:FILE
    /// [default: fraction:0.15]
    #[arg(long, value_name = "HOW", value_parser = validation)]
    pub(crate) validation: Option<Validation>,

    /// Also train on copies of every spectrum with fewer counts, as shorter measurements would
    /// give: total counts of each copy such as 1e6,1e5,1e4, or "short" for 1e6 down to 3000
    #[arg(long, value_name = "COUNTS", value_parser = thin)]
    pub(crate) thin: Option<Thin>,

    /// Also train on copies of every spectrum with another gain and offset: largest relative
    /// change of the gain and largest offset in keV, such as 0.002,3
    #[arg(long, value_name = "GAIN[,KEV]", value_parser = gain_shift)]
    pub(crate) gain_shift: Option<(f64, f64)>,

    /// Copies of every spectrum that --gain-shift makes
    #[arg(long, value_name = "N", default_value = "4", requires = "gain_shift")]
    pub(crate) copies: NonZeroUsize,

    /// cnn2d: train the base too, not only the head; slow
    #[arg(long)]
    pub(crate) fine_tune: bool,

    /// Device to train on: auto, cpu or cuda
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = device)]
    pub(crate) device: DeviceChoice,
}

fn device(text: &str) -> Result<DeviceChoice, String> {
    text.parse()
        .map_err(|error: assay_train::SpecificationError| error.to_string())
}

fn bounds(text: &str) -> Result<(f64, f64), String> {
    let (base, max) = super::pair(text)?;
    if 0.0 < base && base < max {
        Ok((base, max))
    } else {
        Err("0 < BASE < MAX is needed".to_owned())
    }
}

fn clr(text: &str) -> Result<Clr, String> {
    match text {
        "none" => Ok(Clr::None),
        "triangular" => Ok(Clr::Triangular),
        "triangular2" => Ok(Clr::Triangular2),
        _ => text
            .strip_prefix("exp_range:")
            .and_then(|gamma| gamma.parse::<f64>().ok())
            .filter(|gamma| *gamma > 0.0 && *gamma <= 1.0)
            .map(Clr::ExpRange)
            .ok_or_else(|| {
                "none, triangular, triangular2 or exp_range:GAMMA with GAMMA above 0 and up to 1 \
                 is needed"
                    .to_owned()
            }),
    }
}

fn validation(text: &str) -> Result<Validation, String> {
    text.parse()
        .map_err(|error: assay_train::SpecificationError| error.to_string())
}

fn thin(text: &str) -> Result<Thin, String> {
    match text {
        "short" => Ok(Thin(Augmentation::short_measurements().thin_to_counts)),
        list => counts(list).map_err(|fault| format!("{fault}; or \"short\"")),
    }
}

/// Whole numbers of counts, also written as 1e6.
pub(crate) fn counts(text: &str) -> Result<Thin, String> {
    text.split(',')
        .map(|count| match count.trim().parse::<f64>() {
            Ok(count) if (1.0..=1e15).contains(&count) && count.fract() == 0.0 => Ok(count as u64),
            _ => Err(format!(
                "{count:?}: whole numbers of counts separated by commas, such as 1e6,1e5,10000, \
                 are needed"
            )),
        })
        .collect::<Result<_, _>>()
        .map(Thin)
}

fn gain_shift(text: &str) -> Result<(f64, f64), String> {
    let (gain, offset) = text.split_once(',').unwrap_or((text, "0"));
    let number = |text: &str| text.trim().parse::<f64>().ok();
    match (number(gain), number(offset)) {
        (Some(gain), Some(offset))
            if (0.0..0.5).contains(&gain) && (0.0..1e4).contains(&offset) =>
        {
            Ok((gain, offset))
        }
        _ => Err(
            "a largest relative change of the gain from 0 to below 0.5 is needed, and optionally \
             a largest offset in keV, such as 0.002,3"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_or_refused_with_what_is_allowed() {
        assert_eq!(clr("exp_range:0.9"), Ok(Clr::ExpRange(0.9)));
        assert!(clr("exp_range:2").unwrap_err().contains("up to 1"));
        assert_eq!(thin("1e6, 300"), Ok(Thin(vec![1_000_000, 300])));
        assert!(thin("1.5").unwrap_err().contains("whole numbers"));
        assert!(thin("short").unwrap().0.contains(&3000));
        assert_eq!(gain_shift("0.002"), Ok((0.002, 0.0)));
        assert_eq!(gain_shift("0.002,3"), Ok((0.002, 3.0)));
        assert!(gain_shift("2").unwrap_err().contains("below 0.5"));
        assert_eq!(bounds("1e-4,0.1"), Ok((1e-4, 0.1)));
        assert!(bounds("0.1,1e-4").unwrap_err().contains("BASE < MAX"));
    }
}
