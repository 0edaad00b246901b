//! Tokens: how they are made, how they are kept, how one is recognised.

use assay_core::Secret;
use rustls::crypto::ring;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};
use subtle::ConstantTimeEq;

/// What every token begins with, so that people and searchers for lost secrets know it.
pub const PREFIX: &str = "openassay_";
/// Random bytes of a token.
const RANDOM_BYTES: usize = 32;
/// What keeps these hashes apart from every other use of BLAKE3.
const DOMAIN: &str = "openassay 2026-11-27 hash of an access token";

/// What is kept of a token: enough to recognise it, and of no use to whoever reads it.
///
/// A fast hash is right here. Slow ones protect words that people choose, by making each guess
/// dear; nobody can guess 256 random bits at any price, and every request pays for the hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a word, whether it is a token or not.
    #[must_use]
    pub fn of(word: &[u8]) -> Self {
        Self(blake3::derive_key(DOMAIN, word))
    }

    /// Whether two are the same, in a time that does not depend on where they differ.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The first 8 digits: a name for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({})", self.short())
    }
}

/// What is no hash of a token. The words are not repeated: they could be the token itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 hexadecimal digits; `openassay token new` writes one")]
pub struct NoHash;

impl FromStr for TokenHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| NoHash)
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual message about a wrong type quotes the value.
        let text = Secret::deserialize(deserializer).map_err(|_| D::Error::custom(NoHash))?;
        text.reveal().parse().map_err(D::Error::custom)
    }
}

/// The system gives no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers; a token cannot be made")]
pub struct NoRandomness;

/// Makes a token.
///
/// # Errors
/// The system gives no random numbers.
pub fn generate() -> Result<Secret, NoRandomness> {
    let mut bytes = [0; RANDOM_BYTES];
    let source = ring::default_provider().secure_random;
    source.fill(&mut bytes).map_err(|_| NoRandomness)?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Secret::new(format!("{PREFIX}{digits}")))
}

/// Whether a word looks like a token.
pub(crate) fn is_well_formed(word: &[u8]) -> bool {
    word.strip_prefix(PREFIX.as_bytes()).is_some_and(|digits| {
        let digit = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        digits.len() == 2 * RANDOM_BYTES && digits.iter().all(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_well_formed_and_never_the_same() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one, other);
        for token in [&one, &other] {
            assert!(is_well_formed(token.reveal().as_bytes()));
            assert_eq!(token.reveal().len(), PREFIX.len() + 64);
        }
        let hash = |token: &Secret| TokenHash::of(token.reveal().as_bytes());
        assert!(hash(&one).is(&hash(&one)));
        assert!(!hash(&one).is(&hash(&other)));
    }

    #[test]
    fn other_words_are_malformed() {
        let token = generate().unwrap();
        let token = token.reveal();
        for wrong in [
            "",
            PREFIX,
            &token[1..],
            &token[..token.len() - 1],
            &format!("{token}0"),
            &token.to_uppercase(),
            &token.replace("openassay_", "openassay-"),
        ] {
            assert!(!is_well_formed(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn a_hash_is_written_and_read() {
        let hash = TokenHash::of(b"x");
        let written = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<TokenHash>(&written).unwrap(), hash);
        // Made by b3sum's derive_key mode, whose key is the 32 bytes.
        assert_ne!(hash.to_string(), blake3::hash(b"x").to_string());
        for wrong in ["\"openassay_00\"", "7", "\"\""] {
            let error = serde_json::from_str::<TokenHash>(wrong).unwrap_err();
            assert!(error.to_string().contains("64 hexadecimal"), "{error}");
            assert!(!error.to_string().contains("openassay_"), "{error}");
        }
    }
}
