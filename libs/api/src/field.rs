//! Fields that occur in many messages: digests, enumerations, lengths.

use crate::WireError;
use assay_core::Digest;

/// A digest.
///
/// # Errors
/// When it is not 64 hexadecimal digits.
pub fn digest(field: &str, text: &str) -> Result<Digest, WireError> {
    if text.is_empty() {
        return Err(WireError::field(
            field,
            "is empty; a digest of 64 hexadecimal digits is needed",
        ));
    }
    text.parse().map_err(|e| WireError::field(field, e))
}

/// A digest, or none where the text is empty.
///
/// # Errors
/// As [`digest`].
pub fn optional_digest(field: &str, text: &str) -> Result<Option<Digest>, WireError> {
    match text {
        "" => Ok(None),
        text => digest(field, text).map(Some),
    }
}

/// A value of an enumeration of the interface.
///
/// # Errors
/// When this version does not know the number; the message names those it knows.
pub fn known<E: TryFrom<i32>>(
    field: &str,
    number: i32,
    name: fn(&E) -> &'static str,
) -> Result<E, WireError> {
    E::try_from(number).map_err(|_| {
        let allowed: Vec<_> = (0..64)
            .map_while(|number| {
                let value = E::try_from(number).ok()?;
                Some(format!("{} ({number})", name(&value)))
            })
            .collect();
        WireError::field(
            field,
            format!("is {number}; allowed: {}", allowed.join(", ")),
        )
    })
}

/// A short text for people: at most `longest` characters, none of them a control character.
///
/// # Errors
/// When it is longer or holds one.
pub fn line<'a>(field: &str, text: &'a str, longest: usize) -> Result<&'a str, WireError> {
    let found = text.chars().count();
    if found > longest {
        return Err(WireError::field(
            field,
            format!("has {found} characters; at most {longest} are allowed"),
        ));
    }
    match text.chars().position(char::is_control) {
        Some(at) => Err(WireError::field(
            field,
            format!("has a control character at position {}; remove it", at + 1),
        )),
        None => Ok(text),
    }
}

/// A number for the wire; what does not fit becomes the largest that does.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Lane;

    #[test]
    fn unknown_numbers_name_the_known_ones() {
        let name = |lane: &Lane| lane.as_str_name();
        assert_eq!(known("lane", 1, name), Ok(Lane::Train));
        let message = known("lane", 9, name).unwrap_err().to_string();
        assert_eq!(
            message,
            "lane: is 9; allowed: LANE_UNSPECIFIED (0), LANE_TRAIN (1), LANE_IDENTIFY (2), \
             LANE_EXPLAIN (3)"
        );
        assert!(known("lane", -1, name).is_err());
    }

    #[test]
    fn lines_are_short_and_plain() {
        assert_eq!(line("title", "é", 1), Ok("é"));
        assert!(line("title", "ab", 1).is_err());
        let message = line("title", "a\nb", 9).unwrap_err().to_string();
        assert!(message.contains("position 2"), "{message}");
    }

    #[test]
    fn digests_may_be_missing_only_where_they_may() {
        assert_eq!(optional_digest("d", ""), Ok(None));
        assert!(digest("d", "").is_err());
        let text = Digest::of(b"x").to_string();
        assert_eq!(digest("d", &text), Ok(Digest::of(b"x")));
        assert!(optional_digest("d", "xyz").is_err());
    }
}
