//! ORTEC and IAEA ASCII spectra (`.SPE`): blocks that begin with a line `$NAME:`.

mod data;
mod read;
mod times;
mod write;

pub use read::read_spe;
pub(crate) use read::title;
pub(crate) use times::{Times, usable_time};
pub use write::{canonical_spe, write_spe};

use crate::text::Lines;

/// Blocks that this crate interprets; all others are kept as they are.
const INTERPRETED: [&str; 7] = [
    "SPEC_ID",
    "MEAS_TIM",
    "DATE_MEA",
    "DATA",
    "ENER_FIT",
    "MCA_CAL",
    "ENDRECORD",
];

/// Whether a text has a line that begins a block.
pub(crate) fn looks_like_spe(head: &[u8]) -> bool {
    Lines::new(head).any(|line| Header::parse(line.bytes).is_some())
}

/// The line that begins a block.
struct Header<'a> {
    /// Upper-case letters, digits and underscores, without `$` and colon.
    name: String,
    /// What stands behind the colon, normally nothing.
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    /// A `$` in the first column, a name, a colon. The colon may be missing behind the names
    /// that are known, so that a title such as `$5 sample` stays a title.
    #[inline]
    fn parse(line: &'a [u8]) -> Option<Self> {
        const LONGEST_NAME: usize = 64;
        let text = line.strip_prefix(b"$")?;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = text
            .iter()
            .position(|byte| !is_name(byte))
            .unwrap_or(text.len());
        if length > LONGEST_NAME || !text.first()?.is_ascii_alphabetic() {
            return None;
        }
        let name = str::from_utf8(&text[..length]).ok()?.to_ascii_uppercase();
        match text.get(length) {
            Some(b':') => Some(Self {
                name,
                rest: text[length + 1..].trim_ascii(),
            }),
            _ if !text[length..].trim_ascii().is_empty() => None,
            _ => INTERPRETED
                .contains(&name.as_str())
                .then_some(Self { name, rest: b"" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(line: &str) -> Option<String> {
        Header::parse(line.as_bytes()).map(|header| header.name)
    }

    #[test]
    fn headers_and_what_only_resembles_them() {
        for line in ["$DATA:", "$data:", "$DATA", "$DATA  ", "$DATA: 0 8"] {
            assert_eq!(name(line).as_deref(), Some("DATA"), "{line}");
        }
        assert_eq!(name("$MCA_166_ID:").as_deref(), Some("MCA_166_ID"));
        for line in [
            "",
            "$",
            "$:",
            "$5 sample:",
            " $DATA:",
            "DATA:",
            "$ROI",
            "$DATA 0 8",
            "$é:",
        ] {
            assert_eq!(name(line), None, "{line}");
        }
    }
}
