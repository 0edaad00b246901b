//! Groups of options that several commands share, and the checks of single values.

mod bases;
mod foreign;
#[cfg(feature = "train")]
pub(crate) mod gate;
mod json;
mod model;
mod reasons;
mod recipe;
#[cfg(feature = "train")]
mod spec;
#[cfg(feature = "train")]
pub(crate) mod training;

pub(crate) use bases::BasesOption;
pub(crate) use foreign::ForeignOptions;
pub(crate) use json::{JsonFile, JsonFlag, JsonTarget};
pub(crate) use model::{ModelKind, ModelOptions};
pub(crate) use reasons::ReasonOptions;
pub(crate) use recipe::RecipeOptions;
#[cfg(feature = "train")]
pub(crate) use spec::SpecOptions;

/// A number above 0 and below 1.
pub(crate) fn open_unit(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("a number above 0 and below 1 is needed".to_owned()),
    }
}

/// A number from 0 to below 1.
pub(crate) fn below_one(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..1.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to below 1 is needed".to_owned()),
    }
}

/// A finite number above 0.
#[cfg(feature = "train")]
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("a number above 0 is needed".to_owned()),
    }
}

/// Two finite numbers, separated by a comma.
pub(crate) fn pair(text: &str) -> Result<(f64, f64), String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    text.split_once(',')
        .and_then(|(first, second)| Some((number(first)?, number(second)?)))
        .ok_or_else(|| "two numbers, separated by a comma, are needed".to_owned())
}
