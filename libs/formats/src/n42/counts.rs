//! The counts of a `ChannelData` element, with or without run lengths in place of zeros.

use crate::{FormatError, number, warning::Warnings};
use assay_spectrum::MAX_CHANNELS;

const LIMIT: usize = MAX_CHANNELS as usize;

/// How counts stand in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Compression {
    /// One number per channel.
    #[default]
    None,
    /// A zero is followed by the number of channels that are zero from there on.
    CountedZeroes,
}

impl Compression {
    /// The compression that an attribute names.
    ///
    /// # Errors
    /// When it is neither of the two.
    pub(super) fn of(attribute: Option<&str>, line: usize) -> Result<Self, FormatError> {
        let Some(name) = attribute.map(str::trim) else {
            return Ok(Self::None);
        };
        if name.is_empty() || name.eq_ignore_ascii_case("None") {
            Ok(Self::None)
        } else if name.eq_ignore_ascii_case("CountedZeroes") {
            Ok(Self::CountedZeroes)
        } else {
            let allowed = "None or CountedZeroes";
            Err(FormatError::field(
                line,
                "compressionCode",
                name.as_bytes(),
                allowed,
            ))
        }
    }
}

/// All counts of the text; `line` is that of its first character.
///
/// # Errors
/// When a count or a run length cannot be used, or when there are more than
/// [`MAX_CHANNELS`] channels.
pub(super) fn read(
    text: &str,
    compression: Compression,
    first_line: usize,
    warnings: &mut Warnings,
) -> Result<Vec<u64>, FormatError> {
    // A count takes two bytes at least.
    let mut counts = Vec::with_capacity(LIMIT.min(text.len() / 2 + 1));
    let lines = text.split('\n').zip(first_line..);
    let mut tokens =
        lines.flat_map(|(line, number)| line.split_whitespace().map(move |token| (token, number)));
    while let Some((token, line)) = tokens.next() {
        let channel = counts.len();
        let field = || format!("count of channel {channel}");
        let count = number::count(token.as_bytes(), line, field, warnings)?;
        if count > 0 || compression == Compression::None {
            if channel == LIMIT {
                return Err(too_many(line));
            }
            counts.push(count);
            continue;
        }
        let (token, line) = tokens.next().unwrap_or(("", line));
        let zeros = token.parse().ok().filter(|&zeros: &usize| zeros > 0);
        let zeros = zeros.ok_or_else(|| {
            let field = format!("the number of zeros from channel {channel} on");
            let allowed = "a whole number from 1 on, because compressionCode is CountedZeroes";
            FormatError::field(line, field, token.as_bytes(), allowed)
        })?;
        if zeros > LIMIT - channel {
            return Err(too_many(line));
        }
        counts.resize(channel + zeros, 0);
    }
    Ok(counts)
}

fn too_many(line: usize) -> FormatError {
    FormatError::TooMany {
        line,
        what: "channels",
        limit: LIMIT,
    }
}

/// The counts as text, in the form that takes fewer numbers.
pub(super) fn write(counts: &[u64]) -> (&'static str, String) {
    let runs = counts.chunk_by(|a, b| (*a == 0) == (*b == 0));
    let compressed: usize = runs
        .clone()
        .map(|run| {
            if run.first() == Some(&0) {
                2
            } else {
                run.len()
            }
        })
        .sum();
    let mut text = String::with_capacity(compressed.min(counts.len()) * 4);
    let mut push = |number: u64| {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&number.to_string());
    };
    if compressed >= counts.len() {
        counts.iter().copied().for_each(push);
        return ("None", text);
    }
    for run in runs {
        if run.first() == Some(&0) {
            push(0);
            push(run.len() as u64);
        } else {
            run.iter().copied().for_each(&mut push);
        }
    }
    ("CountedZeroes", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WarningCode;
    use proptest::prelude::*;

    fn expand(text: &str) -> Result<Vec<u64>, String> {
        let mut warnings = Warnings::default();
        read(text, Compression::CountedZeroes, 5, &mut warnings).map_err(|e| e.to_string())
    }

    #[test]
    fn the_standard_s_own_example() {
        let plain = "22 5 0 2 1 0 0 3 4 0 0 0 0 0 0 0 0 1";
        let expected = read(plain, Compression::None, 1, &mut Warnings::default()).unwrap();
        assert_eq!(expand("22 5 0 1 2 1 0 2\n3 4 0 8 1"), Ok(expected.clone()));
        let (code, text) = write(&expected);
        assert_eq!(
            (code, text.as_str()),
            ("CountedZeroes", "22 5 0 1 2 1 0 2 3 4 0 8 1")
        );
        assert_eq!(write(&[1, 0, 2]), ("None", "1 0 2".to_owned()));
    }

    #[test]
    fn run_lengths_are_checked_before_anything_is_allocated() {
        for (text, words) in [
            (
                "1 0",
                "line 5: the number of zeros from channel 1 on is \"\"",
            ),
            (
                "1 0\n0",
                "line 6: the number of zeros from channel 1 on is \"0\"",
            ),
            (
                "0 -3",
                "line 5: the number of zeros from channel 0 on is \"-3\"",
            ),
            ("0 2.5", "line 5: the number of zeros"),
            ("0 1048577", "line 5: more than 1048576 channels"),
            ("0 1048576 1", "line 5: more than 1048576 channels"),
            ("0 18446744073709551616", "line 5: the number of zeros"),
            ("3 -1", "line 5: count of channel 1 is \"-1\""),
        ] {
            let error = expand(text).unwrap_err();
            assert!(error.starts_with(words), "{text}: {error}");
        }
        assert_eq!(expand("0 1048576").map(|counts| counts.len()), Ok(1 << 20));
        assert_eq!(expand(" \n"), Ok(vec![]));
    }

    #[test]
    fn fractions_warn_and_other_compressions_are_refused() {
        let mut warnings = Warnings::default();
        let counts = read("1.0 2.5", Compression::None, 1, &mut warnings).unwrap();
        assert_eq!(counts, [1, 3]);
        let codes: Vec<_> = warnings.finish().iter().map(|w| w.code).collect();
        assert_eq!(
            codes,
            [WarningCode::FloatCounts, WarningCode::RoundedCounts]
        );
        assert_eq!(
            Compression::of(Some(" countedzeroes"), 1),
            Ok(Compression::CountedZeroes)
        );
        assert_eq!(Compression::of(Some("none"), 1), Ok(Compression::None));
        assert!(Compression::of(Some("Zip"), 1).is_err());
    }

    proptest! {
        #[test]
        fn both_forms_come_back(
            counts in prop::collection::vec(prop_oneof![Just(0u64), 0u64..3, any::<u32>().prop_map(u64::from)], 0..80),
        ) {
            let (code, text) = write(&counts);
            let compression = Compression::of(Some(code), 1).unwrap();
            let read = read(&text, compression, 1, &mut Warnings::default()).unwrap();
            prop_assert_eq!(read, counts);
        }
    }
}
