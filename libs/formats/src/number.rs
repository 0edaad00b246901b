//! Numbers as instruments write them.

use crate::{FormatError, WarningCode, warning::Warnings};
use assay_spectrum::MAX_COUNTS_PER_CHANNEL;

const COUNTS_ALLOWED: &str = "whole numbers from 0 to 9007199254740992";

/// A decimal number; FORTRAN's `D` exponent is understood. The result may be NaN or infinite
/// where the text says so.
pub(crate) fn float(token: &[u8]) -> Option<f64> {
    let text = str::from_utf8(token).ok()?;
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    // C runtimes of Windows spell their non-numbers 1.#QNAN, -1.#IND, 1.#INF.
    if text.contains(".#") {
        return Some(f64::NAN);
    }
    text.contains(['D', 'd'])
        .then(|| text.replace(['D', 'd'], "e").parse().ok())
        .flatten()
}

/// A finite number, or an error that names line and field.
///
/// # Errors
/// When the token is no number, or NaN or infinite.
pub(crate) fn finite(token: &[u8], line: usize, field: &'static str) -> Result<f64, FormatError> {
    float(token)
        .filter(|value| value.is_finite())
        .ok_or_else(|| FormatError::field(line, field, token, "a finite number"))
}

/// One count. Whole numbers are the fast way; fractions are forgiven with a warning.
///
/// # Errors
/// When the token is no number, negative, not finite or too large to be exact.
pub(crate) fn count(
    token: &[u8],
    line: usize,
    field: impl Fn() -> String,
    warnings: &mut Warnings,
) -> Result<u64, FormatError> {
    if let Some(value) = small_whole(token) {
        return Ok(value);
    }
    let refuse = || FormatError::field(line, field(), token, COUNTS_ALLOWED);
    let value = float(token).ok_or_else(refuse)?;
    // 2^53 is exact as a float, and so is every whole number below it.
    if !(0.0..=MAX_COUNTS_PER_CHANNEL as f64).contains(&value) {
        return Err(refuse());
    }
    let digits_only = token.iter().all(u8::is_ascii_digit);
    if digits_only {
        // 17 digits or more: beyond the float's precision, so the exact value decides.
        let exact = str::from_utf8(token)
            .ok()
            .and_then(|text| text.parse::<u64>().ok());
        return exact
            .filter(|&count| count <= MAX_COUNTS_PER_CHANNEL)
            .ok_or_else(refuse);
    }
    let rounded = value.round();
    let written = || String::from_utf8_lossy(token).into_owned();
    if rounded == value {
        warnings.add(WarningCode::FloatCounts, line, || {
            format!(
                "{} is {} written as a decimal fraction; its value was taken",
                field(),
                written()
            )
        });
    } else {
        warnings.add(WarningCode::RoundedCounts, line, || {
            format!(
                "{} is {}, not a whole number; counts were rounded",
                field(),
                written()
            )
        });
    }
    Ok(rounded as u64)
}

/// At most 15 digits and nothing else: always exact and within bounds.
#[inline]
fn small_whole(token: &[u8]) -> Option<u64> {
    if token.is_empty() || token.len() > 15 {
        return None;
    }
    token.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| value * 10 + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(token: &str) -> (Result<u64, FormatError>, Vec<WarningCode>) {
        let mut warnings = Warnings::default();
        let count = count(
            token.as_bytes(),
            3,
            || "count of channel 7".to_owned(),
            &mut warnings,
        );
        (count, warnings.finish().iter().map(|w| w.code).collect())
    }

    #[test]
    fn whole_numbers_up_to_the_limit() {
        for (token, value) in [
            ("0", 0),
            ("0007", 7),
            ("63900000", 63_900_000),
            ("999999999999999", 999_999_999_999_999),
            ("9007199254740992", 1 << 53),
            ("00000000000000000012", 12),
        ] {
            assert_eq!(read(token), (Ok(value), vec![]), "{token}");
        }
    }

    #[test]
    fn fractions_are_forgiven() {
        for (token, value) in [
            ("12.0", 12),
            ("1.5e+003", 1500),
            ("+5", 5),
            ("-0", 0),
            ("1.D3", 1000),
        ] {
            assert_eq!(
                read(token),
                (Ok(value), vec![WarningCode::FloatCounts]),
                "{token}"
            );
        }
        assert_eq!(read("2.5"), (Ok(3), vec![WarningCode::RoundedCounts]));
    }

    #[test]
    fn refusals_name_line_field_value_and_range() {
        for token in [
            "-1",
            "-0.4",
            "nan",
            "inf",
            "1.#QNAN",
            "1e999",
            "9007199254740993",
            "12x",
            "0x10",
            "",
            "18446744073709551616",
            "1,5",
            "--",
            "²",
        ] {
            let error = read(token).0.unwrap_err().to_string();
            assert!(
                error.starts_with("line 3: count of channel 7 is "),
                "{error}"
            );
            assert!(
                error.ends_with("allowed: whole numbers from 0 to 9007199254740992"),
                "{error}"
            );
        }
    }
}
