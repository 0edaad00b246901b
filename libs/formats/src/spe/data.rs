//! The counts of a `$DATA` block. Nothing is allocated by what the file declares.

use super::Header;
use crate::text::{Line, Lines};
use crate::{FormatError, WarningCode, number, warning::Warnings};
use assay_spectrum::MAX_CHANNELS;

/// First channel and counts.
pub(super) struct Data {
    pub(super) first_channel: u32,
    pub(super) counts: Vec<u64>,
}

/// Declared channels, both included.
#[derive(Clone, Copy)]
struct Range {
    first: u32,
    last: u32,
}

impl Range {
    fn channels(self) -> usize {
        (self.last - self.first) as usize + 1
    }
}

/// Reads the block from the line behind its header up to the next header.
///
/// # Errors
/// When the declared range or a count cannot be used, or when their numbers do not match.
pub(super) fn read(lines: &mut Lines<'_>, warnings: &mut Warnings) -> Result<Data, FormatError> {
    let range = read_range(lines)?;
    let counts = read_counts(lines, range, warnings)?;
    let (declared, found) = (range.channels(), counts.len());
    if found < declared {
        let closed = !lines.rest.is_empty();
        if !is_off_by_one(range, found, closed) {
            return Err(mismatch(lines.number, range, found));
        }
        warnings.add(WarningCode::DeclaredCountOffByOne, lines.number, || {
            format!(
                "$DATA declares channels 0 to {}, but {found} counts follow; it was read as the \
                 number of channels",
                range.last
            )
        });
    }
    Ok(Data {
        first_channel: range.first,
        counts,
    })
}

/// Whether the writer put the number of channels where the last channel belongs. A file that
/// really lost a count must not pass: a range of a power of two, such as 0 to 16383, is right as
/// it stands, and a file that simply ends must hold such a number of counts.
fn is_off_by_one(range: Range, found: usize, closed: bool) -> bool {
    range.first == 0
        && found > 1
        && found == range.last as usize
        && (found.is_power_of_two() || (closed && !range.channels().is_power_of_two()))
}

fn mismatch(line: usize, range: Range, found: usize) -> FormatError {
    let Range { first, last } = range;
    FormatError::CountMismatch {
        line,
        first,
        last,
        declared: range.channels(),
        found,
    }
}

fn read_range(lines: &mut Lines<'_>) -> Result<Range, FormatError> {
    let line = loop {
        match lines.peek() {
            Some(line) if line.bytes.trim_ascii().is_empty() => lines.next(),
            Some(line) if Header::parse(line.bytes).is_none() => break line,
            _ => {
                return Err(FormatError::Missing {
                    what: "first and last channel in $DATA",
                    advice: "the file is truncated or damaged, so copy it from the instrument again",
                });
            }
        };
    };
    lines.next();
    let refuse = || {
        FormatError::field(
            line.number,
            "the channel range of $DATA",
            line.bytes.trim_ascii(),
            format!(
                "first and last channel, rising, from 0 to {}",
                MAX_CHANNELS - 1
            ),
        )
    };
    let mut tokens = tokens(line);
    let mut channel = || {
        tokens
            .next()
            .and_then(|token| str::from_utf8(token).ok()?.parse().ok())
    };
    let (Some(first), Some(last)) = (channel(), channel()) else {
        return Err(refuse());
    };
    if tokens.next().is_some() || first > last || last >= MAX_CHANNELS {
        return Err(refuse());
    }
    Ok(Range { first, last })
}

fn tokens(line: Line<'_>) -> impl Iterator<Item = &[u8]> {
    line.bytes
        .split(u8::is_ascii_whitespace)
        .filter(|token| !token.is_empty())
}

/// All counts up to the next header, parsed in place: spectra are read by the thousand.
fn read_counts(
    lines: &mut Lines<'_>,
    range: Range,
    warnings: &mut Warnings,
) -> Result<Vec<u64>, FormatError> {
    let text = lines.rest;
    let declared = range.channels();
    // A count takes two bytes at least.
    let mut counts = Vec::with_capacity(declared.min(text.len() / 2 + 1));
    let (mut at, mut at_line_start) = (0, true);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\n' | b'\r' => {
                let crlf = text[at..].starts_with(b"\r\n");
                at += 1 + usize::from(crlf);
                lines.number += 1;
                at_line_start = true;
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            b'$' if at_line_start && begins_block(&text[at..]) => break,
            _ => {
                let is_end = |byte: &u8| byte.is_ascii_whitespace();
                let length = text[at..]
                    .iter()
                    .position(is_end)
                    .unwrap_or(text.len() - at);
                if counts.len() == declared {
                    return Err(mismatch(lines.number, range, declared + 1));
                }
                let field = || format!("count of channel {}", range.first as usize + counts.len());
                let token = &text[at..at + length];
                let count = number::count(token, lines.number, field, warnings)?;
                counts.push(count);
                if !at_line_start {
                    warnings.add(WarningCode::SeveralCountsPerLine, lines.number, || {
                        "$DATA has several counts per line; they were read in order".to_owned()
                    });
                }
                at += length;
                at_line_start = false;
            }
        }
    }
    lines.rest = &text[at..];
    Ok(counts)
}

fn begins_block(text: &[u8]) -> bool {
    Lines::new(text)
        .next()
        .is_some_and(|line| Header::parse(line.bytes).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Result<Vec<u64>, String>, Vec<WarningCode>) {
        let mut warnings = Warnings::default();
        let data = read(&mut Lines::new(text.as_bytes()), &mut warnings);
        let counts = data
            .map(|data| data.counts)
            .map_err(|error| error.to_string());
        (counts, warnings.finish().iter().map(|w| w.code).collect())
    }

    fn rows(range: &str, n: usize, end: &str) -> (Result<Vec<u64>, String>, Vec<WarningCode>) {
        read_text(&format!("{range}\n{}{end}", "5\n".repeat(n)))
    }

    #[test]
    fn the_number_of_channels_in_place_of_the_last_one() {
        for (range, n, end) in [
            ("0 8", 8, ""),
            ("0 8", 8, "$ROI:\n"),
            ("0 10", 10, "$ROI:\n"),
        ] {
            let expected = (Ok(vec![5; n]), vec![WarningCode::DeclaredCountOffByOne]);
            assert_eq!(rows(range, n, end), expected, "{range}");
        }
        for (range, n, end) in [
            ("0 7", 7, "$ROI:\n"),
            ("0 10", 10, ""),
            ("0 8", 7, "$ROI:\n"),
            ("1 8", 7, "$ROI:\n"),
            ("0 1", 1, "$ROI:\n"),
            ("0 8", 10, "$ROI:\n"),
            ("0 7", 0, ""),
        ] {
            let (result, warnings) = rows(range, n, end);
            let error = result.unwrap_err();
            assert!(
                error.contains("truncated or damaged"),
                "{range} with {n}: {error}"
            );
            assert_eq!(warnings, []);
        }
    }

    #[test]
    fn several_counts_per_line_and_blank_lines() {
        let (counts, warnings) = read_text(" 2 5 \n  1 2\t3\r\n\r\n4\n$ROI:\n");
        assert_eq!(counts, Ok(vec![1, 2, 3, 4]));
        assert_eq!(warnings, [WarningCode::SeveralCountsPerLine]);
    }

    #[test]
    fn ranges_that_make_no_sense_are_refused_before_anything_is_allocated() {
        for range in [
            "",
            "5",
            "a b",
            "8 0",
            "-1 8",
            "0 1048576",
            "0 99999999999999999999",
            "0 7 9",
        ] {
            let (result, _) = rows(range, 0, "$ROI:\n");
            let error = result.unwrap_err();
            assert!(error.contains("channel"), "{range:?}: {error}");
        }
        assert_eq!(
            rows("0 1048575", 1 << 20, "").0.map(|counts| counts.len()),
            Ok(1 << 20)
        );
    }

    #[test]
    fn a_bad_count_names_its_line_and_channel() {
        let (result, _) = read_text("10 13\n1\n2\n-3\n4\n");
        let error = result.unwrap_err();
        assert!(
            error.starts_with("line 4: count of channel 12 is \"-3\""),
            "{error}"
        );
        let (result, _) = read_text("0 3\n1\n2\n$5\n4\n");
        assert!(
            result
                .unwrap_err()
                .starts_with("line 4: count of channel 2 is \"$5\"")
        );
    }
}
