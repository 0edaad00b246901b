//! From bytes to lines: encodings, line ends, and the limits that keep memory bounded.

use crate::{FormatError, MAX_FILE_BYTES, WarningCode, warning::Warnings};
use std::borrow::Cow;

const HEAD_BYTES: usize = 4096;
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// # Errors
/// When there is nothing, or more than any spectrum needs.
pub(crate) fn check_size(bytes: &[u8]) -> Result<(), FormatError> {
    match bytes.len() {
        0 => Err(FormatError::Empty),
        size_bytes if size_bytes > MAX_FILE_BYTES => Err(FormatError::TooLarge {
            size_bytes,
            limit_bytes: MAX_FILE_BYTES,
        }),
        _ => Ok(()),
    }
}

/// The file as bytes in which ASCII means ASCII, without byte order mark and end padding.
///
/// # Errors
/// When the file is too large, empty or binary.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    warnings: &mut Warnings,
) -> Result<Cow<'a, [u8]>, FormatError> {
    check_size(bytes)?;
    let text = without_padding(as_ascii_superset(bytes, warnings));
    if let Some(offset) = first_nul(&text) {
        return Err(FormatError::Binary { offset, byte: 0 });
    }
    if text.trim_ascii().is_empty() {
        return Err(FormatError::Empty);
    }
    Ok(text)
}

/// The first few thousand bytes, decoded as far as possible, to tell the format by.
pub(crate) fn decode_head(bytes: &[u8]) -> Cow<'_, [u8]> {
    as_ascii_superset(
        &bytes[..bytes.len().min(HEAD_BYTES)],
        &mut Warnings::default(),
    )
}

fn as_ascii_superset<'a>(bytes: &'a [u8], warnings: &mut Warnings) -> Cow<'a, [u8]> {
    if let Some(rest) = bytes.strip_prefix(UTF8_MARK) {
        warnings.add(WarningCode::ByteOrderMark, 1, || {
            "the text begins with a byte order mark, which was left out".to_owned()
        });
        return Cow::Borrowed(rest);
    }
    let (skip, read): (usize, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, ..] => (2, u16::from_le_bytes),
        [0xfe, 0xff, ..] => (2, u16::from_be_bytes),
        [1..=0x7f, 0, 1..=0x7f, 0, ..] => (0, u16::from_le_bytes),
        [0, 1..=0x7f, 0, 1..=0x7f, ..] => (0, u16::from_be_bytes),
        _ => return Cow::Borrowed(bytes),
    };
    warnings.add(WarningCode::Utf16, 1, || {
        "the text is UTF-16; it was converted".to_owned()
    });
    let units = bytes[skip..]
        .chunks_exact(2)
        .map(|pair| read([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Cow::Owned(text.into_bytes())
}

/// Drops what old systems put after the end of a text: NULs and Ctrl-Z.
fn without_padding(mut text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let padding = text
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, 0 | 0x1a))
        .count();
    let end = text.len() - padding;
    match &mut text {
        Cow::Borrowed(bytes) => *bytes = &bytes[..end],
        Cow::Owned(bytes) => bytes.truncate(end),
    }
    text
}

fn first_nul(text: &[u8]) -> Option<usize> {
    // `contains` is the fast search; the position is only wanted for the message.
    text.contains(&0)
        .then(|| text.iter().position(|&byte| byte == 0))
        .flatten()
}

/// UTF-8, or Latin-1 (with a warning) where it is not.
pub(crate) fn to_string(
    text: &[u8],
    line: impl Into<Option<usize>>,
    warnings: &mut Warnings,
) -> String {
    if let Ok(text) = str::from_utf8(text) {
        return text.to_owned();
    }
    warnings.add(WarningCode::Latin1Text, line, || {
        "text that is not UTF-8 was read as Latin-1".to_owned()
    });
    text.iter().map(|&byte| char::from(byte)).collect()
}

/// One line without its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    pub(crate) bytes: &'a [u8],
}

/// Walks over lines that end in LF, CRLF or CR, counting them from 1.
#[derive(Debug, Clone)]
pub(crate) struct Lines<'a> {
    pub(crate) rest: &'a [u8],
    pub(crate) number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            number: 1,
        }
    }

    /// The next line, left where it is.
    pub(crate) fn peek(&self) -> Option<Line<'a>> {
        self.clone().next()
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let end = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let line = Line {
            number: self.number,
            bytes: &self.rest[..end],
        };
        self.rest = &self.rest[end..];
        self.skip_line_end();
        Some(line)
    }
}

impl Lines<'_> {
    /// Steps over one line end, where one stands.
    pub(crate) fn skip_line_end(&mut self) {
        let length = match self.rest {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return,
        };
        self.rest = &self.rest[length..];
        self.number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> (Vec<u8>, Vec<WarningCode>) {
        let mut warnings = Warnings::default();
        let text = decode(bytes, &mut warnings).unwrap().into_owned();
        (text, warnings.finish().iter().map(|w| w.code).collect())
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "$SPEC_ID:\nµ-metal\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(text.as_bytes()), (text.into(), vec![]));
        let marked = [UTF8_MARK, text.as_bytes()].concat();
        assert_eq!(
            decoded(&marked),
            (text.into(), vec![WarningCode::ByteOrderMark])
        );
        for utf16 in [
            &le,
            &be,
            &[&[0xff, 0xfe], &*le].concat(),
            &[&[0xfe, 0xff], &*be].concat(),
        ] {
            assert_eq!(decoded(utf16), (text.into(), vec![WarningCode::Utf16]));
        }
    }

    #[test]
    fn padding_goes_and_binary_is_refused() {
        assert_eq!(decoded(b"1\n2\n\x1a\0\0").0, b"1\n2\n");
        let refused = |bytes: &[u8]| decode(bytes, &mut Warnings::default()).unwrap_err();
        assert_eq!(
            refused(b"\x89PNG\r\n\0x"),
            FormatError::Binary { offset: 6, byte: 0 }
        );
        for empty in [&b""[..], b" \r\n\t", &[0; 64], UTF8_MARK, &[0xff, 0xfe]] {
            assert_eq!(refused(empty), FormatError::Empty, "{empty:?}");
        }
        let huge = vec![b'0'; MAX_FILE_BYTES + 1];
        assert!(matches!(refused(&huge), FormatError::TooLarge { .. }));
    }

    #[test]
    fn line_ends_of_all_systems_count_once() {
        let lines: Vec<_> = Lines::new(b"a\r\nb\nc\rd\n\r\re")
            .map(|l| (l.number, l.bytes))
            .collect();
        let expected: [(usize, &[u8]); 7] = [
            (1, b"a"),
            (2, b"b"),
            (3, b"c"),
            (4, b"d"),
            (5, b""),
            (6, b""),
            (7, b"e"),
        ];
        assert_eq!(lines, expected);
    }
}
