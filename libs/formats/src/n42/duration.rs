//! Durations as ISO 8601 writes them: `PT1H30M`, `P1DT0.5S`.

use super::element::Inside;
use crate::{FormatError, WarningCode, number, warning::Warnings};

/// A positive duration in seconds; `None` after a warning where it is zero, negative or nothing
/// that is understood. A plain number is taken for seconds.
///
/// # Errors
/// When the element's text is no well-formed XML.
pub(super) fn read(
    inside: &Inside<'_>,
    line: usize,
    field: &str,
    warnings: &mut Warnings,
) -> Result<Option<f64>, FormatError> {
    let text = inside.text(line)?;
    let text = text.trim();
    let shown = || crate::error::shorten(text.as_bytes());
    let seconds = parse(text).or_else(|| {
        let seconds = number::float(text.as_bytes())?;
        warnings.add(WarningCode::DurationPlain, line, || {
            format!(
                "the {field} is {:?}, a plain number; it was read as seconds",
                shown()
            )
        });
        Some(seconds)
    });
    match seconds {
        Some(seconds) if seconds > 0.0 && seconds.is_finite() => return Ok(Some(seconds)),
        Some(0.0) => warnings.add(WarningCode::TimeZero, line, || {
            format!("the {field} is zero; left out")
        }),
        _ => warnings.add(WarningCode::TimeUnusable, line, || {
            format!(
                "the {field} is {:?}, no duration such as PT60.5S; left out",
                shown()
            )
        }),
    }
    Ok(None)
}

/// Seconds of a duration. Years and months have no fixed length and must be zero.
fn parse(text: &str) -> Option<f64> {
    let text = text.to_ascii_uppercase();
    let rest = text.strip_prefix('P')?;
    let (days, clock) = rest.split_once('T').unwrap_or((rest, ""));
    let mut seconds = None;
    let mut add = |part: &str, units: &[(char, f64)]| -> Option<()> {
        let mut rest = part;
        while let Some(end) = rest.find(|c| units.iter().any(|&(unit, _)| unit == c)) {
            let length_s = units
                .iter()
                .find(|&&(unit, _)| rest[end..].starts_with(unit))?
                .1;
            let value: f64 = rest[..end].replace(',', ".").parse().ok()?;
            if !(value >= 0.0 && value.is_finite() && (length_s > 0.0 || value == 0.0)) {
                return None;
            }
            seconds = Some(seconds.unwrap_or(0.0) + value * length_s);
            rest = &rest[end + 1..];
        }
        rest.is_empty().then_some(())
    };
    add(
        days,
        &[('Y', 0.0), ('M', 0.0), ('W', 604_800.0), ('D', 86_400.0)],
    )?;
    add(clock, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)])?;
    seconds
}

/// The duration as `PT…S`, exact; what is unknown is zero.
pub(super) fn write(seconds: Option<f64>) -> String {
    format!("PT{}S", seconds.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_iso_8601() {
        for (text, seconds) in [
            ("PT60S", 60.0),
            ("PT1H30M0.5S", 5400.5),
            ("P1DT1S", 86_401.0),
            ("P2W", 1_209_600.0),
            ("P0Y0M0DT0H0M12.25S", 12.25),
            ("PT1,5S", 1.5),
            ("pt1e+3s", 1000.0),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
        }
        for text in [
            "", "P", "PT", "60", "-PT5S", "PT-5S", "PT5", "P1Y", "P1M", "PTS", "PT1X", "PT1S1",
            "PTinfS", "PTnanS", "5S", "P1S",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn oddities_warn() {
        for (text, expected, code) in [
            ("12.5", Some(12.5), Some(WarningCode::DurationPlain)),
            ("PT0S", None, Some(WarningCode::TimeZero)),
            ("PT-1S", None, Some(WarningCode::TimeUnusable)),
            ("soon", None, Some(WarningCode::TimeUnusable)),
            (" PT5S\n", Some(5.0), None),
        ] {
            let mut warnings = Warnings::default();
            let inside = Inside {
                raw: text.into(),
                offset: 0,
            };
            let read = read(&inside, 1, "live time", &mut warnings).unwrap();
            let codes: Vec<_> = warnings.finish().iter().map(|w| w.code).collect();
            assert_eq!((read, codes), (expected, Vec::from_iter(code)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_durations_are_read_back_to_the_bit(bits: u64) {
            let seconds = f64::from_bits(bits).abs();
            prop_assume!(seconds.is_finite());
            prop_assert_eq!(parse(&write(Some(seconds))), Some(seconds));
        }

        #[test]
        fn no_text_panics(text in "P?[0-9.YMWDTHSeé,-]{0,20}|\\PC*") {
            parse(&text);
        }
    }
}
