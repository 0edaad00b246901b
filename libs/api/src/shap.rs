//! How Shapley values are made, from the wire.

use crate::{WireError, explain as wire};
use assay_explain::{ExplainError, Hidden, HiddenPixels, Over, ShapleySpec};
use wire::shap_options::HiddenPixels as WirePixels;

/// Runs of the network that one request may ask for; more are for a job, which others do not wait
/// for and which survives a restart.
const MOST_EVALS: u32 = 10_000;

/// What is hidden, and how often. What is not said has its usual value.
///
/// # Errors
/// When a number is outside its range, or none of its enumeration; the field is named.
pub fn spec_from_wire(options: Option<&wire::ShapOptions>) -> Result<ShapleySpec, WireError> {
    let usual = ShapleySpec::default();
    let Some(options) = options else {
        return Ok(usual);
    };
    if options.max_evals > MOST_EVALS {
        let reason = format!(
            "is {}; allowed: 0 or 4 to {MOST_EVALS}, and up to 1000000 in a job of the lane explain",
            options.max_evals
        );
        return Err(WireError::field("max_evals", reason));
    }
    let or_usual = |found: u32, usual: usize| if found == 0 { usual } else { found as usize };
    let spec = ShapleySpec {
        over: match wire::ShapOver::try_from(options.over) {
            Ok(wire::ShapOver::Unspecified | wire::ShapOver::Energies) => Over::Energies,
            Ok(wire::ShapOver::Image) => Over::Image,
            Err(_) => {
                let allowed = "0, 1 (SHAP_OVER_ENERGIES), 2 (SHAP_OVER_IMAGE)";
                return Err(unknown("over", options.over, allowed));
            }
        },
        top_classes: options.top_classes as usize,
        max_evals: or_usual(options.max_evals, usual.max_evals),
        segments: or_usual(options.segments, usual.segments),
        hidden: match wire::HiddenEnergies::try_from(options.hidden) {
            Ok(wire::HiddenEnergies::Unspecified | wire::HiddenEnergies::LocalBackground) => {
                Hidden::LocalBackground
            }
            Ok(wire::HiddenEnergies::TrainingMean) => Hidden::TrainingMean,
            Err(_) => {
                let allowed = "0, 1 (HIDDEN_ENERGIES_LOCAL_BACKGROUND), 2 \
                               (HIDDEN_ENERGIES_TRAINING_MEAN)";
                return Err(unknown("hidden", options.hidden, allowed));
            }
        },
        pixels: match options.hidden_pixels {
            None => usual.pixels,
            Some(WirePixels::Blur(side)) => HiddenPixels::Blur(side as usize),
            Some(WirePixels::Constant(value)) => HiddenPixels::Constant(value),
        },
    };
    match spec.check() {
        Ok(()) => Ok(spec),
        Err(ExplainError::Setting {
            name,
            value,
            allowed,
        }) => Err(WireError::field(
            name,
            format!("is {value}; allowed: {allowed}"),
        )),
        Err(error) => Err(WireError::field("options", error)),
    }
}

fn unknown(field: &str, found: i32, allowed: &str) -> WireError {
    WireError::field(field, format!("is {found}; allowed: {allowed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_the_usual_and_everything_is_taken_over() {
        let usual = ShapleySpec::default();
        assert_eq!(spec_from_wire(None), Ok(usual.clone()));
        assert_eq!(
            spec_from_wire(Some(&wire::ShapOptions::default())),
            Ok(usual)
        );
        let options = wire::ShapOptions {
            over: wire::ShapOver::Image.into(),
            top_classes: 3,
            max_evals: 40,
            segments: 5,
            hidden: wire::HiddenEnergies::TrainingMean.into(),
            hidden_pixels: Some(WirePixels::Constant(-1.0)),
        };
        let expected = ShapleySpec {
            over: Over::Image,
            top_classes: 3,
            max_evals: 40,
            segments: 5,
            hidden: Hidden::TrainingMean,
            pixels: HiddenPixels::Constant(-1.0),
        };
        assert_eq!(spec_from_wire(Some(&options)), Ok(expected));
    }

    #[test]
    fn what_cannot_be_is_told_by_its_field() {
        let usual = wire::ShapOptions::default;
        for (options, told) in [
            (wire::ShapOptions { over: 3, ..usual() }, "over: is 3"),
            (
                wire::ShapOptions {
                    hidden: -1,
                    ..usual()
                },
                "hidden: is -1",
            ),
            (
                wire::ShapOptions {
                    max_evals: 3,
                    ..usual()
                },
                "max_evals: is 3",
            ),
            (
                wire::ShapOptions {
                    max_evals: 10_001,
                    ..usual()
                },
                "max_evals: is 10001; allowed: 0 or 4 to 10000",
            ),
            (
                wire::ShapOptions {
                    top_classes: 5,
                    ..usual()
                },
                "top_classes: is 5",
            ),
            (
                wire::ShapOptions {
                    segments: 1,
                    ..usual()
                },
                "segments: is 1",
            ),
            (
                wire::ShapOptions {
                    hidden_pixels: Some(WirePixels::Blur(0)),
                    ..usual()
                },
                "blur: is 0",
            ),
            (
                wire::ShapOptions {
                    hidden_pixels: Some(WirePixels::Constant(1.5)),
                    ..usual()
                },
                "constant: is 1.5",
            ),
        ] {
            let error = spec_from_wire(Some(&options)).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
