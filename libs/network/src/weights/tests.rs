//! Tests of the digest, the check against a graph and the safetensors file.

use super::*;
use crate::{Base, Op};
use proptest::prelude::*;

fn graph() -> Graph {
    let (mut graph, input) = Graph::with_input("spectrum", vec![Some(3)]);
    let dense = Op::Dense {
        inputs: 3,
        outputs: 2,
    };
    graph.push("head", dense, &[input]);
    graph
}

fn weights() -> Weights {
    let tensor =
        |shape: &[usize], data: &[f32]| Tensor::new(shape.to_vec(), data.to_vec()).unwrap();
    let mut weights = Weights::new();
    weights.insert(
        "head.weight",
        tensor(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, -0.0]),
    );
    weights.insert("head.bias", tensor(&[2], &[0.5, f32::MIN_POSITIVE]));
    weights
}

#[test]
fn complete_weights_pass_and_others_are_named() {
    weights().check(&graph()).unwrap();
    let mut wrong = weights();
    let bias = wrong.remove("head.bias").unwrap();
    wrong.insert("tail.bias", bias);
    let message = wrong.check(&graph()).unwrap_err().to_string();
    assert!(message.contains("missing: head.bias"), "{message}");
    assert!(
        message.contains("not of this network: tail.bias"),
        "{message}"
    );
    let mut wrong = weights();
    wrong.insert(
        "head.weight",
        Tensor::new(vec![2, 3], vec![0.0; 6]).unwrap(),
    );
    let message = wrong.check(&graph()).unwrap_err().to_string();
    assert!(
        message.contains("[2, 3]") && message.contains("[3, 2]"),
        "{message}"
    );
    let mut wrong = weights();
    wrong.insert(
        "head.bias",
        Tensor::new(vec![2], vec![0.0, f32::NAN]).unwrap(),
    );
    let message = wrong.check(&graph()).unwrap_err().to_string();
    assert!(message.contains("head.bias[1] is NaN"), "{message}");
    let base = Base::MobileNetV3Small.graph(None);
    let message = Weights::new().check(&base).unwrap_err().to_string();
    assert!(message.contains("more") && message.len() < 500, "{message}");
}

#[test]
fn only_the_wanted_weights_are_taken() {
    let mut more = weights();
    more.insert("other", Tensor::new(vec![], vec![1.0]).unwrap());
    assert_eq!(more.only_for(&graph()).unwrap(), weights());
    assert!(Weights::new().only_for(&graph()).is_err());
}

#[test]
fn the_digest_sees_names_shapes_and_bits() {
    let digest = weights().digest();
    let change = |f: &dyn Fn(&mut Weights)| {
        let mut changed = weights();
        f(&mut changed);
        assert_ne!(changed.digest(), digest);
    };
    change(&|w| {
        let bias = w.remove("head.bias").unwrap();
        w.insert("head.bias2", bias);
    });
    change(&|w| {
        let weight = w.remove("head.weight").unwrap();
        w.insert("head.weight", Tensor::new(vec![2, 3], weight.data).unwrap());
    });
    change(&|w| {
        let mut weight = w.remove("head.weight").unwrap();
        weight.data[5] = 0.0;
        w.insert("head.weight", weight);
    });
}

#[test]
fn safetensors_keep_bits_and_metadata() {
    let metadata = BTreeMap::from([("name".to_owned(), "é \"quoted\"".to_owned())]);
    let file = weights().to_safetensors(&metadata).unwrap();
    let (read, found) = Weights::from_safetensors(&file).unwrap();
    assert_eq!(read.digest(), weights().digest());
    assert_eq!(found, metadata);
    assert_eq!(file, weights().to_safetensors(&metadata).unwrap());
}

#[test]
fn safetensors_of_other_numbers_are_refused() {
    let header = br#"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    file.extend_from_slice(&[0; 4]);
    let message = Weights::from_safetensors(&file).unwrap_err().to_string();
    assert!(message.contains("F16"), "{message}");
    let mut wrong = weights();
    wrong.insert(
        "head.bias",
        Tensor::new(vec![1], vec![f32::INFINITY]).unwrap(),
    );
    assert!(wrong.to_safetensors(&BTreeMap::new()).is_err());
}

#[test]
fn a_damaged_archive_is_refused() {
    assert!(Weights::from_npz(b"PK\x03\x04").is_err());
    assert!(Weights::from_npz(b"").is_err());
}

proptest! {
    #[test]
    fn any_tensor_survives(data in proptest::collection::vec(-1e30f32..1e30, 0..40)) {
        let mut weights = Weights::new();
        weights.insert("a", Tensor::new(vec![1, data.len()], data).unwrap());
        let file = weights.to_safetensors(&BTreeMap::new()).unwrap();
        prop_assert_eq!(Weights::from_safetensors(&file).unwrap().0, weights);
    }

    #[test]
    fn mutated_files_never_panic(at in 0usize..200, byte in any::<u8>(), cut in 0usize..200) {
        let mut file = weights().to_safetensors(&BTreeMap::new()).unwrap();
        let length = file.len();
        file[at % length] = byte;
        let _ = Weights::from_safetensors(&file);
        let _ = Weights::from_safetensors(&file[..cut % length]);
    }
}
