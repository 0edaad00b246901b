//! Names of models, versions and aliases: what may stand in them, so that they are safe as parts
//! of object keys and file names everywhere.

use crate::StoreError;

const MAX_CHARACTERS: usize = 64;
const ALLOWED: &str =
    "1 to 64 characters of a-z A-Z 0-9 . _ -, the first a letter or digit; no digest";

/// Checks the name of a model, a version or an alias; `field` is its name in the message. A text
/// of 64 hexadecimal digits is no name, because it could not be told from a bundle's digest.
///
/// # Errors
/// [`StoreError::Invalid`], saying what is allowed.
pub fn check_name(field: &'static str, name: &str) -> Result<(), StoreError> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = name.len() <= MAX_CHARACTERS
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(inner)
        && name.parse::<assay_core::Digest>().is_err();
    if fits {
        return Ok(());
    }
    Err(StoreError::Invalid {
        field,
        value: name.chars().take(80).collect(),
        allowed: ALLOWED.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        for good in ["a", "default", "PGAA-2.1_b", "0", &"x".repeat(64)] {
            assert!(check_name("model", good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        let digest = "ab".repeat(32);
        for bad in [
            "", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a:b", "a@b", "ä", "a\0", "a#1", &long,
            &digest,
        ] {
            assert!(check_name("model", bad).is_err(), "{bad:?}");
        }
    }
}
