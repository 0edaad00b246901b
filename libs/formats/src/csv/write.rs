//! The CSV writer.

use super::comment::{BLOCK, quoted};
use assay_spectrum::Spectrum;
use std::fmt::Write;

/// Writes a table `channel,counts` with everything else in lines `# key: value`.
/// [`crate::read_csv`] gives the same spectrum back.
#[must_use]
pub fn write_csv(spectrum: &Spectrum) -> Vec<u8> {
    let mut text = String::with_capacity(spectrum.counts.len() * 12 + 512);
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# {key}: {value}");
    };
    if !spectrum.title.is_empty() {
        line("title", &quoted(&spectrum.title));
    }
    if let Some(time) = spectrum.live_time_s {
        line("live_time_s", &time);
    }
    if let Some(time) = spectrum.real_time_s {
        line("real_time_s", &time);
    }
    if let Some(time) = &spectrum.start_time {
        line("start_time", time);
    }
    if let Some(calibration) = &spectrum.calibration {
        line("intercept_kev", &calibration.intercept_kev);
        line("slope_kev_per_channel", &calibration.slope_kev_per_channel);
        line(
            "quadratic_kev_per_channel2",
            &calibration.quadratic_kev_per_channel2,
        );
    }
    for (name, block) in &spectrum.blocks {
        let plain = |c: char| {
            if matches!(c, ':' | '\n' | '\r') {
                '_'
            } else {
                c
            }
        };
        let name: String = name.chars().map(plain).collect();
        line(&format!("{BLOCK}{name}"), &quoted(block));
    }
    text.push_str("channel,counts\n");
    for (channel, count) in (u64::from(spectrum.first_channel)..).zip(&spectrum.counts) {
        let _ = writeln!(text, "{channel},{count}");
    }
    text.into_bytes()
}
