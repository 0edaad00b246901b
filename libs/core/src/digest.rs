//! Content digests (BLAKE3, 32 bytes), written as 64 lower-case hexadecimal digits.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// BLAKE3 digest of some content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digest of a byte string.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The 32 raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hexadecimal digits: enough for people and file names.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a digest: 64 hexadecimal digits are expected")]
pub struct ParseDigestError(String);

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| ParseDigestError(text.chars().take(80).collect()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Digest of a byte string that comes in parts: that of all parts put together.
#[derive(Debug, Clone, Default)]
pub struct PartsDigest(blake3::Hasher);

impl PartsDigest {
    /// Adds the next part.
    pub fn add(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The digest of all parts added so far: [`Digest::of`] the whole.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

/// Digest of several fields. Each field is preceded by its length, so that moving bytes from
/// one field to the next changes the digest.
#[derive(Default)]
pub struct DigestBuilder(blake3::Hasher);

impl DigestBuilder {
    /// Starts a digest for one purpose; different domains never collide.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self::default().bytes(domain.as_bytes())
    }

    /// Adds one field of raw bytes.
    #[must_use]
    pub fn bytes(mut self, field: &[u8]) -> Self {
        self.0.update(&(field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    /// Adds one field of 32-bit floats, little-endian.
    #[must_use]
    pub fn f32s(mut self, field: &[f32]) -> Self {
        self.0.update(&(field.len() as u64 * 4).to_le_bytes());
        for value in field {
            self.0.update(&value.to_le_bytes());
        }
        self
    }

    /// Adds one unsigned number.
    #[must_use]
    pub fn number(self, field: u64) -> Self {
        self.bytes(&field.to_le_bytes())
    }

    /// The digest of all fields added so far.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_blake3_vector_of_the_empty_input() {
        let published = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(Digest::of(b"").to_string(), published);
        assert_eq!(published.parse::<Digest>(), Ok(Digest::of(b"")));
    }

    #[test]
    fn field_boundaries_count() {
        let split = |a: &[u8], b: &[u8]| DigestBuilder::new("t").bytes(a).bytes(b).finish();
        assert_ne!(split(b"ab", b"c"), split(b"a", b"bc"));
    }

    #[test]
    fn parts_have_the_digest_of_the_whole() {
        let whole: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
        for length in [1, 7, 64, 1024, 9_999, 10_000] {
            let mut parts = PartsDigest::default();
            whole.chunks(length).for_each(|part| parts.add(part));
            assert_eq!(parts.finish(), Digest::of(&whole), "parts of {length}");
        }
        assert_eq!(PartsDigest::default().finish(), Digest::of(b""));
    }

    #[test]
    fn refuses_what_is_no_digest() {
        for bad in ["", "af13", &"zz".repeat(32)] {
            assert!(bad.parse::<Digest>().is_err(), "{bad:?}");
        }
    }
}
