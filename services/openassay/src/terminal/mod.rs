//! What the user sees: answers on standard output, everything else on standard error.

#[cfg(feature = "train")]
mod curve;
mod log;
mod progress;
mod table;

#[cfg(feature = "train")]
pub(crate) use curve::curve;
pub(crate) use log::start_logging;
pub(crate) use progress::{Bar, Progress};
pub(crate) use table::{Align, Table};

use crate::failure::{Failure, Result};
use assay_core::ErrorKind;
use std::io::{self, Write};

/// Writes an answer. A closed pipe ends the command without a complaint.
pub(crate) fn answer(text: &str) -> Result {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::new(
                ErrorKind::Unavailable,
                format!("cannot write to standard output: {error}"),
            ),
        })
}

/// Writes a message to standard error; when that is closed nobody wants to know.
pub(crate) fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A number with four significant digits.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs().log10().floor();
    if value == 0.0 {
        "0".to_owned()
    } else if (-3.0..5.0).contains(&magnitude) {
        let decimals = (3.0 - magnitude).clamp(0.0, 6.0) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.3e}")
    }
}
