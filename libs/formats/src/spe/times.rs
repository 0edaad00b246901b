//! The `$MEAS_TIM` block: live time, then real time, in seconds.

use crate::text::Lines;
use crate::{FormatError, WarningCode, number, warning::Warnings};

/// Live and real time where the file has them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Times {
    pub(crate) live_s: Option<f64>,
    pub(crate) real_s: Option<f64>,
}

impl Times {
    /// Reads the block's body.
    ///
    /// # Errors
    /// When a time is NaN or infinite.
    pub(super) fn read(body: Lines<'_>, warnings: &mut Warnings) -> Result<Self, FormatError> {
        let mut found = Vec::with_capacity(2);
        for line in body {
            let text = line.bytes.trim_ascii();
            if text
                .windows(2)
                .any(|pair| pair.iter().all(u8::is_ascii_whitespace))
            {
                warnings.add(WarningCode::TimeSpacing, line.number, || {
                    "several blanks between live and real time".to_owned()
                });
            }
            let tokens = text
                .split(u8::is_ascii_whitespace)
                .filter(|token| !token.is_empty());
            found.extend(
                tokens
                    .take(2 - found.len())
                    .map(|token| (line.number, token)),
            );
            if found.len() == 2 {
                break;
            }
        }
        let mut time = |index: usize, field| match found.get(index) {
            Some(&(line, token)) => usable_time(token, line, field, warnings),
            None => Ok(None),
        };
        Ok(Self {
            live_s: time(0, "live time (s)")?,
            real_s: time(1, "real time (s)")?,
        })
    }

    /// Warns where the two times, each usable, do not fit together or one is missing.
    pub(crate) fn warn(self, line: Option<usize>, warnings: &mut Warnings) {
        match (self.live_s, self.real_s) {
            (Some(live), Some(real)) if live > real => {
                warnings.add(WarningCode::LiveExceedsReal, line, || {
                    format!("the live time {live} s is longer than the real time {real} s")
                });
            }
            (Some(_), Some(_)) => {}
            (live, _) => {
                let what = if live.is_none() { "live" } else { "real" };
                warnings.add(WarningCode::TimeMissing, line, || {
                    format!("the file has no usable {what} time")
                });
            }
        }
    }
}

/// A positive time; `None` after a warning where it is zero, negative or no number.
///
/// # Errors
/// When it is NaN or infinite.
pub(crate) fn usable_time(
    token: &[u8],
    line: usize,
    field: &'static str,
    warnings: &mut Warnings,
) -> Result<Option<f64>, FormatError> {
    let shown = || crate::error::shorten(token);
    match number::float(token) {
        Some(time) if !time.is_finite() => Err(FormatError::field(
            line,
            field,
            token,
            "a finite number of seconds",
        )),
        Some(time) if time > 0.0 => Ok(Some(time)),
        Some(0.0) => {
            warnings.add(WarningCode::TimeZero, line, || {
                format!("the {field} is zero; left out")
            });
            Ok(None)
        }
        _ => {
            warnings.add(WarningCode::TimeUnusable, line, || {
                format!(
                    "the {field} is {:?}, not a number of seconds; left out",
                    shown()
                )
            });
            Ok(None)
        }
    }
}
