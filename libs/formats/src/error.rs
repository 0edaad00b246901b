//! Why a file is refused. The caller knows the file's name and puts it in front.

use assay_core::{Classified, ErrorKind};
use std::fmt::Display;

/// A refusal, with the line and field, the value found and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Nothing in the file.
    #[error("the file is empty; a spectrum is needed")]
    Empty,
    /// Larger than any spectrum.
    #[error("the file has {size_bytes} bytes; at most {limit_bytes} are read")]
    TooLarge {
        /// Size of the file.
        size_bytes: usize,
        /// Largest size read.
        limit_bytes: usize,
    },
    /// More of something than any instrument writes.
    #[error("line {line}: more than {limit} {what}; split the file or remove what is not needed")]
    TooMany {
        /// Line, counted from 1.
        line: usize,
        /// What there is too much of.
        what: &'static str,
        /// Largest number read.
        limit: usize,
    },
    /// Not a text file.
    #[error(
        "byte {offset} is {byte:#04x}: a binary file, not text; SPE, N42 and CSV files are text"
    )]
    Binary {
        /// Offset of the first byte that no text has, counted from 0.
        offset: usize,
        /// That byte.
        byte: u8,
    },
    /// Neither name nor content tell the format.
    #[error(
        "neither the name nor the content (it begins {start:?}) tells the format; SPE (ORTEC \
         ASCII), CHN (ORTEC binary), N42 and CSV are read"
    )]
    UnknownFormat {
        /// How the content begins.
        start: String,
    },
    /// Something that a spectrum cannot do without.
    #[error("the file has no {what}; {advice}")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A value that cannot be used.
    #[error("line {line}: {field} is {value:?}; allowed: {allowed}")]
    Field {
        /// Line, counted from 1.
        line: usize,
        /// Name of the field.
        field: String,
        /// The value found, shortened.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// Fewer or more counts than the file itself declares.
    #[error(
        "line {line}: $DATA declares channels {first} to {last}, {declared} counts, but {found} \
         follow; the file is truncated or damaged, so copy it from the instrument again"
    )]
    CountMismatch {
        /// Line at which the counts end, counted from 1.
        line: usize,
        /// First declared channel.
        first: u32,
        /// Last declared channel.
        last: u32,
        /// Declared number of counts.
        declared: usize,
        /// Counts found; one more than declared where there are more.
        found: usize,
    },
    /// A value of a binary file that cannot be used.
    #[error("byte {offset}: {field} is {value}; allowed: {allowed}")]
    BinaryField {
        /// Offset of the value, counted from 0.
        offset: usize,
        /// Name of the field.
        field: &'static str,
        /// The value found.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A binary file that ends too early.
    #[error(
        "the file ends after {size_bytes} bytes, inside {what} (bytes {start} to {end}); it is \
         truncated, so copy it from the instrument again"
    )]
    Truncated {
        /// Size of the file.
        size_bytes: usize,
        /// The part that is not whole.
        what: String,
        /// First byte of that part.
        start: usize,
        /// Last byte of that part.
        end: usize,
    },
    /// Text that is no XML document.
    #[error(
        "line {line}: {problem}, which is no well-formed XML; the file is truncated or damaged, \
         so copy it from the instrument again"
    )]
    Xml {
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A spectrum that does not fit into a format.
    #[error("{format} cannot hold {field} {value}; allowed: {allowed}; write SPE or CSV instead")]
    NotWritable {
        /// Name of the format.
        format: &'static str,
        /// What does not fit.
        field: String,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

impl FormatError {
    pub(crate) fn field(
        line: usize,
        field: impl Into<String>,
        value: &[u8],
        allowed: impl Into<String>,
    ) -> Self {
        Self::Field {
            line,
            field: field.into(),
            value: shorten(value),
            allowed: allowed.into(),
        }
    }

    pub(crate) fn out_of_range(
        line: usize,
        field: impl Into<String>,
        value: impl Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::field(line, field, value.to_string().as_bytes(), allowed)
    }
}

/// At most 40 characters of a value from a file: enough to find it, never a flood.
pub(crate) fn shorten(value: &[u8]) -> String {
    shorten_to(value, 40)
}

/// At most so many characters.
pub(crate) fn shorten_to(value: &[u8], longest: usize) -> String {
    let head = &value[..value.len().min(4 * longest)];
    let text = String::from_utf8_lossy(head);
    if value.len() <= head.len() && text.chars().count() <= longest {
        return text.into_owned();
    }
    text.chars().take(longest).chain(['…']).collect()
}

impl Classified for FormatError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } | Self::TooMany { .. } => ErrorKind::ResourceExhausted,
            _ => ErrorKind::InvalidArgument,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shortened_at_characters() {
        assert_eq!(shorten(b"12x"), "12x");
        assert_eq!(shorten("é".repeat(40).as_bytes()), "é".repeat(40));
        assert_eq!(
            shorten("é".repeat(90).as_bytes()),
            format!("{}…", "é".repeat(40))
        );
        assert_eq!(shorten(&[0xff, b'a']), "\u{fffd}a");
    }
}
