//! What shares a key and what does not; what is a miss.

use super::*;
use crate::{BundleContents, bundle::BaseRecord, fixture};
use assay_network::Weights;
use proptest::prelude::*;

fn engine() -> EngineIdentity {
    EngineIdentity {
        name: "onnxruntime",
        version: "1.31.1+6af1a93".to_owned(),
        provider: "cpu",
        dtype: "f32",
    }
}

/// The fixture's bundle under another description, as if it had a frozen base.
fn with(change: impl Fn(&mut BundleContents)) -> Bundle {
    described(fixture::bundle(), change)
}

fn described(bundle: Bundle, change: impl Fn(&mut BundleContents)) -> Bundle {
    let mut contents = bundle.contents().clone();
    contents.model = ModelSpec::cnn2d();
    contents.base = Some(BaseRecord {
        name: "efficientnet-lite0".to_owned(),
        digest: Digest::of(b"base"),
        licence: "Apache-2.0".to_owned(),
        source: "a test".to_owned(),
    });
    contents.training.settings = serde_json::json!({"fine_tune": false});
    change(&mut contents);
    Bundle::new(contents, bundle.model().to_vec(), bundle.gate()).unwrap()
}

fn set_imaging(contents: &mut BundleContents, change: impl Fn(&mut Imaging)) {
    if let ModelSpec::Cnn2d { imaging, .. } = &mut contents.model {
        change(imaging);
    }
}

const VECTOR: [f32; 3] = [-1.0, 0.5, 2.0];

fn key(bundle: &Bundle) -> Digest {
    feature_key(bundle, &engine(), &VECTOR)
}

#[test]
fn bundles_on_the_same_frozen_base_share_features() {
    let first = with(|_| ());
    let second = with(|contents| {
        contents.training.seeds.insert("training".to_owned(), 99);
        contents.training.settings = serde_json::json!({"fine_tune": false, "epochs": 7});
        if let ModelSpec::Cnn2d { dropout, .. } = &mut contents.model {
            *dropout = 0.5;
        }
    });
    assert_ne!(first.id(), second.id());
    assert_eq!(key(&first), key(&second));
    assert!(first.caches_features());
}

#[test]
fn whatever_changes_features_changes_the_key() {
    let usual = with(|_| ());
    let mut keys = vec![
        key(&usual),
        key(&described(
            fixture::bundle_with_weights(off_by_a_bit("conv")),
            |_| (),
        )),
        key(&with(|c| set_imaging(c, |i| i.size = 224))),
        key(&with(|c| set_imaging(c, |i| i.overlapping = true))),
        key(&with(|c| set_imaging(c, |i| i.field = Field::Summation))),
        key(&with(|c| set_imaging(c, |i| i.sample_range = None))),
        key(&with(|c| {
            set_imaging(c, |i| i.sample_range = Some((-1.0, 0.5)));
        })),
        feature_key(&usual, &engine(), &[-1.0, 0.5]),
        feature_key(&usual, &engine(), &[-1.0, 0.5, 2.000_000_2]),
    ];
    for change in [
        |e: &mut EngineIdentity| e.name = "torch",
        |e: &mut EngineIdentity| e.version.push('1'),
        |e: &mut EngineIdentity| e.provider = "cuda",
        |e: &mut EngineIdentity| e.dtype = "f16",
    ] {
        let mut other = engine();
        change(&mut other);
        keys.push(feature_key(&usual, &other, &VECTOR));
    }
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn a_bundle_is_not_believed_about_its_base() {
    let usual = with(|_| ());
    let forged = described(fixture::bundle_with_weights(off_by_a_bit("conv")), |_| ());
    assert_eq!(usual.contents().base, forged.contents().base);
    assert_ne!(key(&usual), key(&forged));
    // Nor against it: the features are the same, whatever is said of the base and its training.
    let claims: [fn(&mut BundleContents); 3] = [
        |c| c.base.as_mut().unwrap().digest = Digest::of(b"b"),
        |c| c.base = None,
        |c| c.training.settings = serde_json::json!({"fine_tune": true}),
    ];
    for claim in claims {
        assert_eq!(key(&usual), key(&with(claim)));
    }
}

#[test]
fn another_head_on_the_same_trunk_shares_features() {
    let (usual, other) = (
        with(|_| ()),
        described(fixture::bundle_with_weights(off_by_a_bit("head.")), |_| ()),
    );
    assert_ne!(usual.model_digest(), other.model_digest());
    assert_eq!(key(&usual), key(&other));
    assert!(!fixture::bundle().caches_features());
}

/// Changes the last bit of the first value of every weight of such a name.
fn off_by_a_bit(name: &str) -> impl FnOnce(&mut Weights) {
    move |weights| {
        *weights = std::mem::take(weights)
            .iter()
            .map(|(found, tensor)| {
                let mut tensor = tensor.clone();
                if found.starts_with(name) {
                    tensor.data[0] = f32::from_bits(tensor.data[0].to_bits() ^ 1);
                }
                (found.to_owned(), tensor)
            })
            .collect();
    }
}

#[test]
fn the_written_form_is_fixed() {
    let bytes = encode_features(&[1.0, -2.5]);
    assert_eq!(
        bytes[..12],
        [2, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0]
    );
    assert_eq!(bytes[12..], crc32c::crc32c(&bytes[..12]).to_le_bytes());
    assert_eq!(decode_features(&bytes, 2), Some(vec![1.0, -2.5]));
    assert_eq!(decode_features(&encode_features(&[]), 0), Some(vec![]));
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283, "RFC 3720");
}

#[test]
fn anything_else_is_a_miss() {
    let bytes = encode_features(&[1.0, -2.5]);
    for length in [0, 1, 3, usize::MAX] {
        assert_eq!(decode_features(&bytes, length), None, "{length}");
    }
    for cut in 0..bytes.len() {
        assert_eq!(decode_features(&bytes[..cut], 2), None, "{cut}");
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(decode_features(&encode_features(&[value]), 1), None);
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(decode_features(&longer, 2), None);
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_one_changed_bit_is_seen(
        features in proptest::collection::vec(-1e30f32..1e30, 1..40),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let mut bytes = encode_features(&features);
        prop_assert_eq!(decode_features(&bytes, features.len()), Some(features.clone()));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(decode_features(&bytes, features.len()), None);
    }
}
