//! Tests against a file written by Python's own pickle module, and against damaged ones.

use super::*;
use proptest::prelude::*;

const FILE: &[u8] = include_bytes!("../../../tests/fixtures/legacy.pth");
const EXPECTED: &str = include_str!("../../../tests/fixtures/legacy.json");

#[test]
fn reads_every_tensor_with_its_strides() {
    let tensors = read_legacy_pth(FILE).unwrap();
    let expected: serde_json::Value = serde_json::from_str(EXPECTED).unwrap();
    let expected = expected["tensors"].as_object().unwrap();
    assert_eq!(tensors.len(), expected.len());
    for (name, entry) in expected {
        let tensor = &tensors[name];
        let shape: Vec<usize> = serde_json::from_value(entry["shape"].clone()).unwrap();
        assert_eq!(tensor.shape, shape, "{name}");
        match &tensor.data {
            StoredData::F32(data) => {
                let wanted: Vec<f32> = serde_json::from_value(entry["data"].clone()).unwrap();
                assert_eq!(*data, wanted, "{name}");
            }
            StoredData::I64(data) => {
                let wanted: Vec<i64> = serde_json::from_value(entry["data"].clone()).unwrap();
                assert_eq!(*data, wanted, "{name}");
            }
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for length in 0..FILE.len() {
        assert!(read_legacy_pth(&FILE[..length]).is_err(), "{length} bytes");
    }
    let longer = [FILE, &[0]].concat();
    assert!(read_legacy_pth(&longer).is_err());
}

#[test]
fn a_call_outside_the_format_is_refused_by_name() {
    // What `pickle.dumps` writes for an object that would run a program.
    let evil = b"cposix\nsystem\nX\x02\x00\x00\x00id\x85R.";
    let start = FILE.windows(2).position(|w| w == b"\x80\x02").unwrap();
    assert_eq!(start, 0);
    let mut ends =
        (0..FILE.len()).filter(|i| FILE[*i] == b'.' && FILE[i + 1..].starts_with(b"\x80\x02"));
    let third = ends.nth(2).unwrap();
    let file = [&FILE[..=third], b"\x80\x02", evil].concat();
    let message = read_legacy_pth(&file).unwrap_err().to_string();
    assert!(
        message.contains("posix") && message.contains("system"),
        "{message}"
    );
}

#[test]
fn a_zip_file_is_named() {
    let message = read_legacy_pth(b"PK\x03\x04").unwrap_err().to_string();
    assert!(message.contains("zip"), "{message}");
}

#[test]
fn a_tensor_larger_than_its_storage_is_refused() {
    // The shape of "tail" is (3,): 'K\x03\x85'. Eight numbers from offset 5 do not fit.
    let at = FILE.windows(3).position(|w| w == b"K\x03\x85").unwrap();
    let mut file = FILE.to_vec();
    file[at + 1] = 8;
    let message = read_legacy_pth(&file).unwrap_err().to_string();
    assert!(message.contains("tail"), "{message}");
}

#[test]
fn names_are_those_of_the_graph() {
    for (theirs, ours) in [
        ("_conv_stem.weight", Some("stem.conv.weight")),
        ("_bn1.running_var", Some("top.bn.running_var")),
        ("_blocks.12._bn1.bias", Some("blocks.12.depthwise.bn.bias")),
        (
            "_blocks.0._project_conv.weight",
            Some("blocks.0.project.conv.weight"),
        ),
        ("_fc.weight", None),
        ("layer4.0.weight", Some("layer4.0.weight")),
    ] {
        assert_eq!(graph_name(theirs).as_deref(), ours);
    }
}

#[test]
fn a_file_of_another_network_is_refused_with_names() {
    let base: Base = "efficientnet-lite0".parse().unwrap();
    let message = convert_legacy_pth(FILE, base).unwrap_err().to_string();
    assert!(
        message.contains("missing") && message.contains("row_major"),
        "{message}"
    );
}

proptest! {
    #[test]
    fn mutated_bytes_never_panic(
        changes in proptest::collection::vec((0..FILE.len(), any::<u8>()), 1..6),
        cut in 0..FILE.len(),
    ) {
        let mut file = FILE.to_vec();
        for (at, byte) in changes {
            file[at] = byte;
        }
        let _ = read_legacy_pth(&file);
        let _ = read_legacy_pth(&file[cut..]);
        let mut spliced = file[..cut].to_vec();
        spliced.extend_from_slice(&file[cut / 2..]);
        let _ = read_legacy_pth(&spliced);
    }

    #[test]
    fn random_instructions_never_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut ends = (0..FILE.len()).filter(|i| {
            FILE[*i] == b'.' && FILE[i + 1..].starts_with(b"\x80\x02")
        });
        let third = ends.nth(2).unwrap();
        let _ = read_legacy_pth(&[&FILE[..=third], body.as_slice()].concat());
    }
}
