//! Instrument file formats: bytes to [`Spectrum`] and back. Readers forgive what instruments do
//! sloppily and say so in typed warnings; they refuse whatever could change a spectrum silently.
//! Nothing here opens files, and the memory a file costs is bounded by its size.

mod calibration;
mod chn;
mod csv;
mod date;
mod energies;
mod error;
mod n42;
mod number;
mod spe;
mod text;
mod warning;

pub use crate::csv::{read_csv, write_csv};
pub use chn::{read_chn, write_chn};
pub use error::FormatError;
pub use n42::{read_n42, write_n42};
pub use spe::{canonical_spe, read_spe, write_spe};
pub use warning::{Warning, WarningCode};

use assay_spectrum::Spectrum;
use serde::{Deserialize, Serialize};

/// Largest file that is read: 64 MiB.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// ORTEC and IAEA ASCII: blocks that begin `$NAME:`.
    Spe,
    /// ORTEC binary: counts of 32 bits between a header and a trailer.
    Chn,
    /// ANSI N42.42: XML of 2012 or 2006.
    N42,
    /// Columns of numbers, with `# key: value` lines.
    Csv,
}

impl Format {
    /// The format of a file: by its content where that is clear, else by its name's ending.
    #[must_use]
    pub fn detect(file_name: Option<&str>, bytes: &[u8]) -> Option<Self> {
        if chn::looks_like_chn(bytes) {
            return Some(Self::Chn);
        }
        let head = text::decode_head(bytes);
        if n42::looks_like_n42(&head) {
            return Some(Self::N42);
        }
        if spe::looks_like_spe(&head) {
            return Some(Self::Spe);
        }
        let ending = file_name
            .and_then(|name| name.rsplit_once('.'))
            .map(|(_, ending)| ending);
        let is = |known: &[&str]| {
            ending.is_some_and(|ending| known.iter().any(|k| k.eq_ignore_ascii_case(ending)))
        };
        if is(&["spe"]) {
            Some(Self::Spe)
        } else if is(&["chn"]) {
            Some(Self::Chn)
        } else if is(&["n42"]) {
            Some(Self::N42)
        } else if is(&["csv", "tsv", "txt", "dat"]) || csv::looks_like_csv(&head) {
            Some(Self::Csv)
        } else {
            None
        }
    }
}

/// What came out of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The first spectrum of the file.
    pub spectrum: Spectrum,
    /// What was forgiven, one entry per sort of oddity.
    pub warnings: Vec<Warning>,
    /// Further spectra of the file, which were not read.
    pub further_records: usize,
}

/// Reads a file of any known format.
///
/// # Errors
/// When the format is not known, or as the reader of that format.
pub fn read(bytes: &[u8], file_name: Option<&str>) -> Result<Reading, FormatError> {
    if bytes.is_empty() {
        return Err(FormatError::Empty);
    }
    match Format::detect(file_name, bytes) {
        Some(Format::Spe) => read_spe(bytes),
        Some(Format::Chn) => read_chn(bytes),
        Some(Format::N42) => read_n42(bytes),
        Some(Format::Csv) => read_csv(bytes),
        None => {
            // A file that is no text at all gets the clearer message.
            text::decode(bytes, &mut warning::Warnings::default())?;
            Err(FormatError::UnknownFormat {
                start: error::shorten(&bytes[..bytes.len().min(64)]),
            })
        }
    }
}
