//! Lines `# key: value`: everything about a measurement that is not a column.

use crate::spe::{Times, title, usable_time};
use crate::text::Line;
use crate::{FormatError, WarningCode, date, number, text, warning::Warnings};
use assay_spectrum::{EnergyCalibration, MAX_CHANNELS, StartTime};

/// Most comment lines that are kept.
const MAX_KEYS: usize = 1000;

/// Prefix of a key under which a block of another format is written.
pub(super) const BLOCK: &str = "block ";

/// What the comment lines of a file say.
#[derive(Default)]
pub(super) struct Comments {
    seen: Vec<String>,
    pub(super) times: Times,
    pub(super) title: String,
    pub(super) start_time: Option<StartTime>,
    pub(super) first_channel: Option<u32>,
    pub(super) blocks: Vec<(String, String)>,
    intercept_kev: Option<f64>,
    slope_kev_per_channel: Option<f64>,
    quadratic_kev_per_channel2: Option<f64>,
}

impl Comments {
    /// Takes one comment line in, its `#` included. Lines without a colon are remarks.
    ///
    /// # Errors
    /// When the value of a known key is no number that can be used.
    pub(super) fn take(
        &mut self,
        line: Line<'_>,
        warnings: &mut Warnings,
    ) -> Result<(), FormatError> {
        let number = line.number;
        let text = text::to_string(line.bytes, number, warnings);
        let text = text.trim().trim_start_matches('#');
        let Some((key, value)) = text.split_once(':') else {
            return Ok(());
        };
        let (written_key, value) = (key.trim(), value.trim());
        let key = written_key.to_ascii_lowercase().replace([' ', '-'], "_");
        let is_block = !KNOWN.contains(&key.as_str());
        if self.seen.contains(&key) && !is_block {
            warnings.add(WarningCode::DuplicateBlock, number, || {
                format!("{key:?} stands in the file again; the first value counts")
            });
            return Ok(());
        }
        if is_block {
            return self.take_block(written_key, value, number);
        }
        let finite = |field| number::finite(value.as_bytes(), number, field).map(Some);
        match key.as_str() {
            "live_time_s" | "live_time" => {
                let field = "live_time_s";
                self.times.live_s = usable_time(value.as_bytes(), number, field, warnings)?;
            }
            "real_time_s" | "real_time" => {
                let field = "real_time_s";
                self.times.real_s = usable_time(value.as_bytes(), number, field, warnings)?;
            }
            "start_time" => self.start_time = date::parse(value, number, warnings),
            "title" => self.title = title(&unquoted(value)),
            "first_channel" => {
                let channel = value.parse().ok().filter(|&channel| channel < MAX_CHANNELS);
                self.first_channel = Some(channel.ok_or_else(|| {
                    let allowed = format!("a whole number from 0 to {}", MAX_CHANNELS - 1);
                    FormatError::field(number, "first_channel", value.as_bytes(), allowed)
                })?);
            }
            "intercept_kev" | "intercept" => self.intercept_kev = finite("intercept_kev")?,
            "slope_kev_per_channel" | "slope" => {
                self.slope_kev_per_channel = finite("slope_kev_per_channel")?;
            }
            _ => self.quadratic_kev_per_channel2 = finite("quadratic_kev_per_channel2")?,
        }
        self.seen.push(key);
        Ok(())
    }

    fn take_block(&mut self, key: &str, value: &str, line: usize) -> Result<(), FormatError> {
        let name = key.strip_prefix(BLOCK).unwrap_or(key).trim();
        if name.is_empty() {
            return Ok(());
        }
        if self.blocks.len() == MAX_KEYS {
            return Err(FormatError::TooMany {
                line,
                what: "comment lines",
                limit: MAX_KEYS,
            });
        }
        self.blocks.push((name.to_owned(), unquoted(value)));
        Ok(())
    }

    /// The calibration that the comments state: slope at least.
    pub(super) fn calibration(&self, warnings: &mut Warnings) -> Option<EnergyCalibration> {
        let (intercept, quadratic) = (self.intercept_kev, self.quadratic_kev_per_channel2);
        let Some(slope_kev_per_channel) = self.slope_kev_per_channel else {
            if intercept.is_some() || quadratic.is_some() {
                warnings.add(WarningCode::CalibrationUnusable, None, || {
                    "the calibration lacks slope_kev_per_channel".to_owned()
                });
            }
            return None;
        };
        let calibration = EnergyCalibration {
            intercept_kev: intercept.unwrap_or(0.0),
            slope_kev_per_channel,
            quadratic_kev_per_channel2: quadratic.unwrap_or(0.0),
        };
        let terms = [intercept, Some(slope_kev_per_channel), quadratic];
        if terms.iter().all(|term| term.unwrap_or(0.0) == 0.0) {
            warnings.add(WarningCode::CalibrationAllZero, None, || {
                "all terms of the calibration are zero; the spectrum counts as not calibrated"
                    .to_owned()
            });
            return None;
        }
        Some(calibration)
    }
}

const KNOWN: [&str; 12] = [
    "live_time_s",
    "live_time",
    "real_time_s",
    "real_time",
    "start_time",
    "title",
    "first_channel",
    "intercept_kev",
    "intercept",
    "slope_kev_per_channel",
    "slope",
    "quadratic_kev_per_channel2",
];

/// Text in quotes, so that line ends and blanks at the ends survive.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The inverse of [`quoted`]; text that is not in quotes is taken as it stands.
fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    text
}
