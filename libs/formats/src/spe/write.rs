//! The SPE writer: CRLF lines, blocks in the order that ORTEC's programs use.

use super::{Header, INTERPRETED, read::title};
use crate::date;
use assay_spectrum::{EnergyCalibration, Spectrum};
use std::fmt::Write;

/// Writes a spectrum as ORTEC ASCII. [`crate::read_spe`] gives the same spectrum back, as long
/// as title and blocks have no control characters and no line that would begin a block.
#[must_use]
pub fn write_spe(spectrum: &Spectrum) -> Vec<u8> {
    let mut file = Lines(String::with_capacity(spectrum.counts.len() * 8 + 512));
    file.block("SPEC_ID", &title(&spectrum.title));
    if spectrum.live_time_s.is_some() || spectrum.real_time_s.is_some() {
        let seconds = |time: Option<f64>| time.unwrap_or(0.0);
        let (live, real) = (seconds(spectrum.live_time_s), seconds(spectrum.real_time_s));
        file.block("MEAS_TIM", &format!("{live} {real}"));
    }
    if let Some(time) = spectrum.start_time {
        file.block("DATE_MEA", &date::write(time));
    }
    file.data(spectrum);
    if let Some(calibration) = &spectrum.calibration {
        let terms = terms(calibration);
        file.block("ENER_FIT", &terms);
        file.block("MCA_CAL", &format!("3\n{terms}"));
    }
    for (name, text) in &spectrum.blocks {
        // A date that could not be understood is the one interpreted block that is kept.
        let is_date = name == "DATE_MEA" && spectrum.start_time.is_none();
        if is_date || !INTERPRETED.contains(&name.as_str()) {
            file.block(&block_name(name), text);
        }
    }
    file.line("$ENDRECORD:");
    file.0.into_bytes()
}

/// The one form in which a spectrum is kept and named by its digest: equal spectra give equal
/// bytes, on every machine.
///
/// [`crate::read_spe`] gives counts, first channel, calibration, times and start time back to the
/// last bit for every spectrum that passes [`Spectrum::check`] and has positive finite times and
/// a finite calibration with a term that is not zero.
#[must_use]
pub fn canonical_spe(spectrum: &Spectrum) -> Vec<u8> {
    write_spe(spectrum)
}

struct Lines(String);

impl Lines {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push_str("\r\n");
    }

    fn block(&mut self, name: &str, text: &str) {
        self.line(&format!("${name}:"));
        for line in text.split('\n') {
            if Header::parse(line.as_bytes()).is_some() {
                self.0.push(' ');
            }
            self.line(line);
        }
    }

    fn data(&mut self, spectrum: &Spectrum) {
        self.line("$DATA:");
        let last = spectrum.end_channel().saturating_sub(1);
        self.line(&format!("{} {last}", spectrum.first_channel));
        for count in &spectrum.counts {
            // Writing to a String cannot fail.
            let _ = write!(self.0, "{count}\r\n");
        }
    }
}

fn block_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = name.chars().take(60).map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("X_{name}")
    }
}

/// Intercept, slope and quadratic term with ORTEC's digits where these are exact, else with as
/// many as it takes.
fn terms(calibration: &EnergyCalibration) -> String {
    let fixed = |value: f64, digits: usize| {
        let short = format!("{value:.digits$}");
        if short.parse() == Ok(value) {
            short
        } else {
            value.to_string()
        }
    };
    let intercept = fixed(calibration.intercept_kev, 4);
    let slope = fixed(calibration.slope_kev_per_channel, 6);
    let quadratic = calibration.quadratic_kev_per_channel2;
    let short = format!("{quadratic:.6e}");
    let quadratic = if short.parse() == Ok(quadratic) {
        short
    } else {
        format!("{quadratic:e}")
    };
    format!("{intercept} {slope} {}", three_digit_exponent(&quadratic))
}

/// `1.5e-7` as ORTEC's programs write it: `1.5e-007`.
fn three_digit_exponent(number: &str) -> String {
    let parts = number.split_once('e');
    match parts.and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?))) {
        Some((digits, exponent)) => format!("{digits}e{exponent:+04}"),
        None => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_the_instrument_wrote_it() {
        let spectrum = Spectrum {
            calibration: Some(EnergyCalibration::new(-1.441, 0.71518, 1.5e-7).unwrap()),
            live_time_s: Some(7650.64),
            real_time_s: Some(7804.39),
            title: "Sample title.".to_owned(),
            blocks: vec![("SHAPE_CAL".to_owned(), "2\n1.0 2.0".to_owned())],
            ..Spectrum::from_counts(vec![0, 12])
        };
        let lines = [
            "$SPEC_ID:",
            "Sample title.",
            "$MEAS_TIM:",
            "7650.64 7804.39",
            "$DATA:",
            "0 1",
            "0",
            "12",
            "$ENER_FIT:",
            "-1.4410 0.715180 1.500000e-007",
            "$MCA_CAL:",
            "3",
            "-1.4410 0.715180 1.500000e-007",
            "$SHAPE_CAL:",
            "2",
            "1.0 2.0",
            "$ENDRECORD:",
            "",
        ];
        assert_eq!(
            String::from_utf8(write_spe(&spectrum)).unwrap(),
            lines.join("\r\n")
        );
    }

    #[test]
    fn text_cannot_smuggle_blocks_in() {
        let spectrum = Spectrum {
            title: "a\r\n$DATA:\r\n0 1".to_owned(),
            blocks: vec![
                ("ENDRECORD".to_owned(), String::new()),
                ("5 é".to_owned(), "$ENDRECORD:".to_owned()),
            ],
            ..Spectrum::from_counts(vec![3, 4])
        };
        let reading = crate::read_spe(&write_spe(&spectrum)).unwrap();
        assert_eq!(reading.spectrum.counts, [3, 4]);
        assert_eq!(
            reading.spectrum.blocks,
            [("X_5__".to_owned(), " $ENDRECORD:".to_owned())]
        );
    }
}
