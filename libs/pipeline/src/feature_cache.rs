//! Under which key features are cached and how they are written there. Where the cache is, and
//! that it may lose everything at any time, is not known here.

use crate::{Bundle, ModelSpec};
use assay_core::{Digest, DigestBuilder};
use assay_gramian::{Field, Imaging};
use assay_infer::EngineIdentity;
use assay_network::trunk_digest;

/// Changes whenever the same bundle, engine and vector would give other features: with the
/// image, the folding of weights or the exported graph.
const SCHEMA: &str = "openassay features 2";

impl Bundle {
    /// Whether caching features of this bundle pays: for a network straight on the input vector
    /// a pass costs less than asking a cache.
    #[must_use]
    pub const fn caches_features(&self) -> bool {
        match self.contents().model {
            ModelSpec::Cnn1d { .. } => false,
            ModelSpec::Cnn2d { .. } => true,
        }
    }

    /// Digest of what features are computed from: the model without its head, so that bundles
    /// which differ in the head alone share features; else the whole model. It is taken from the
    /// model that runs: what the description says of its base proves nothing. The model is read
    /// for it once.
    fn feature_weights(&self) -> (&'static str, Digest) {
        let trunk = self.trunk_digest.get_or_init(|| trunk_digest(self.model()));
        trunk.map_or(("model", self.model_digest()), |digest| ("trunk", digest))
    }
}

/// The key of the features of one input vector. Everything that can change a bit of them counts,
/// and nothing else: not the head, the gate or the classes.
///
/// # Shapes
/// `[bins]`
#[must_use]
pub fn feature_key(bundle: &Bundle, engine: &EngineIdentity, vector: &[f32]) -> Digest {
    let (kind, weights) = bundle.feature_weights();
    let key = DigestBuilder::new(SCHEMA)
        .f32s(vector)
        .bytes(kind.as_bytes())
        .bytes(weights.as_bytes());
    with_imaging(key, bundle.contents().model.imaging())
        .bytes(engine.name.as_bytes())
        .bytes(engine.version.as_bytes())
        .bytes(engine.provider.as_bytes())
        .bytes(engine.dtype.as_bytes())
        .finish()
}

fn with_imaging(key: DigestBuilder, imaging: Option<&Imaging>) -> DigestBuilder {
    let Some(imaging) = imaging else {
        return key.bytes(b"no image");
    };
    // Taken apart, so that a new field cannot be forgotten.
    let Imaging {
        field,
        size,
        overlapping,
        sample_range,
    } = imaging;
    let field: &[u8] = match field {
        Field::Difference => b"difference",
        Field::Summation => b"summation",
    };
    let key = key
        .bytes(field)
        .number(*size as u64)
        .number(u64::from(*overlapping));
    match sample_range {
        None => key.bytes(b"unscaled"),
        Some((low, high)) => key.number(low.to_bits()).number(high.to_bits()),
    }
}

/// Features as a cache holds them: their number as u32, the values as f32, and the crc32c of both,
/// all little-endian.
///
/// # Shapes
/// `[features]` → `4 + 4·features + 4` bytes
#[must_use]
pub fn encode_features(features: &[f32]) -> Vec<u8> {
    let count = u32::try_from(features.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(8 + 4 * features.len());
    bytes.extend_from_slice(&count.to_le_bytes());
    for value in features {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Features from what [`encode_features`] wrote. `None`, which is a miss, for anything else: another
/// length, another checksum, a value that is not finite.
///
/// # Shapes
/// Bytes → `[expected_len]`
#[must_use]
pub fn decode_features(bytes: &[u8], expected_len: usize) -> Option<Vec<f32>> {
    let (body, checksum) = bytes.split_last_chunk::<4>()?;
    let (count, values) = body.split_first_chunk::<4>()?;
    let (values, rest) = values.as_chunks::<4>();
    let whole = rest.is_empty()
        && values.len() == expected_len
        && usize::try_from(u32::from_le_bytes(*count)) == Ok(expected_len)
        && crc32c::crc32c(body) == u32::from_le_bytes(*checksum);
    if !whole {
        return None;
    }
    let features: Vec<f32> = values.iter().map(|v| f32::from_le_bytes(*v)).collect();
    features.iter().all(|v| v.is_finite()).then_some(features)
}

#[cfg(test)]
mod tests;
