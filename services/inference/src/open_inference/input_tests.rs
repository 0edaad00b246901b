//! Tensors of every kind: each is read to the last bit or refused with its field.

use super::*;
use assay_api::open_inference::InferParameter;
use proptest::prelude::*;

/// A good tensor without its elements.
fn tensor(rows: i64, bins: i64) -> InferInputTensor {
    InferInputTensor {
        name: SPECTRUM.to_owned(),
        datatype: "FP32".to_owned(),
        shape: vec![rows, bins],
        ..InferInputTensor::default()
    }
}

fn typed(rows: i64, bins: i64, values: Vec<f32>) -> InferInputTensor {
    InferInputTensor {
        contents: Some(InferTensorContents {
            fp32_contents: values,
            ..InferTensorContents::default()
        }),
        ..tensor(rows, bins)
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// The field and the reason of a refusal.
#[track_caller]
fn refused(inputs: Vec<InferInputTensor>, raw: &[Vec<u8>]) -> (String, String) {
    match Input::read(inputs, raw) {
        Err(WireError::Field { field, reason }) => (field, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn raw_and_typed_elements_are_the_same_vectors() {
    let values = [0.5, -1.25, 3e-39, -0.0, f32::MAX, 7.0];
    let raw = Input::read(vec![tensor(2, 3)], &[bytes(&values)]).unwrap();
    assert_eq!(raw.vectors, [values[..3].to_vec(), values[3..].to_vec()]);
    assert_eq!((raw.bins, raw.raw), (3, true));
    let typed = Input::read(vec![typed(2, 3, values.to_vec())], &[]).unwrap();
    assert_eq!((typed.vectors, typed.raw), (raw.vectors, false));
    // Some clients send the field with nothing in it.
    let beside = InferInputTensor {
        contents: Some(InferTensorContents::default()),
        ..tensor(1, 6)
    };
    assert!(Input::read(vec![beside], &[bytes(&values)]).is_ok());
}

#[test]
fn half_precision_is_widened_and_only_taken_raw() {
    let half = InferInputTensor {
        datatype: "FP16".to_owned(),
        ..tensor(1, 2)
    };
    let read = Input::read(vec![half.clone()], &[vec![0x00, 0x3c, 0x00, 0xcc]]);
    assert_eq!(read.unwrap().vectors, [[1.0, -16.0]]);
    let contents = typed(1, 2, vec![1.0, 2.0]).contents;
    let (field, reason) = refused(vec![InferInputTensor { contents, ..half }], &[]);
    assert_eq!(field, "inputs[0].datatype");
    assert!(reason.contains("FP32"), "{reason}");
}

#[test]
fn a_wrong_shape_name_or_type_is_told() {
    let six = || vec![bytes(&[0.0; 6])];
    for shape in [
        vec![],
        vec![6],
        vec![2, 3, 1],
        vec![-1, 6],
        vec![2, -3],
        vec![-2, -3],
        vec![0, 6],
        vec![6, 0],
        vec![i64::MAX, 2],
        vec![2, i64::MAX],
        vec![i64::MAX, i64::MAX],
        vec![i64::MIN, i64::MIN],
        vec![1024, 1 << 61],
        vec![1025, 1],
        vec![1; 5000],
    ] {
        let bad = InferInputTensor {
            shape,
            ..tensor(2, 3)
        };
        let (field, reason) = refused(vec![bad.clone()], &six());
        assert_eq!(field, "inputs[0].shape", "{:?}: {reason}", bad.shape);
        assert!(reason.len() < 200, "{reason}");
    }
    let named = |name: &str| InferInputTensor {
        name: name.to_owned(),
        ..tensor(2, 3)
    };
    for (inputs, expected) in [
        (vec![], "inputs"),
        (vec![named("image")], "inputs[0].name"),
        (vec![named(&"x".repeat(1 << 20))], "inputs[0].name"),
        (vec![named(SPECTRUM), named("")], "inputs[1].name"),
        (vec![named(SPECTRUM), named(SPECTRUM)], "inputs[1].name"),
    ] {
        let (field, reason) = refused(inputs, &six());
        assert_eq!(field, expected, "{reason}");
        assert!(reason.len() < 200, "{reason}");
    }
    for datatype in ["", "fp32", "FP64", "BF16", "INT32", "BYTES", "BOOL"] {
        let bad = InferInputTensor {
            datatype: datatype.to_owned(),
            ..tensor(2, 3)
        };
        assert_eq!(refused(vec![bad], &six()).0, "inputs[0].datatype");
    }
}

#[test]
fn elements_stand_in_one_place_and_have_their_exact_size() {
    let good = bytes(&[0.0; 6]);
    for length in [0, 1, 3, 22, 23, 25, 28, 48] {
        let mut raw = good.clone();
        raw.resize(length, 0);
        let (field, reason) = refused(vec![tensor(2, 3)], &[raw]);
        assert_eq!(field, "raw_input_contents[0]");
        assert!(reason.contains(&length.to_string()), "{reason}");
        assert!(reason.contains("24"), "{reason}");
    }
    let twice = [good.clone(), good.clone()];
    assert_eq!(refused(vec![tensor(2, 3)], &twice).0, "raw_input_contents");
    let both = refused(vec![typed(2, 3, vec![0.0; 6])], &[good]);
    assert_eq!(both.0, "inputs[0].contents");
    assert_eq!(refused(vec![tensor(2, 3)], &[]).0, "inputs[0].contents");
    for length in [1, 5, 7] {
        let (field, _) = refused(vec![typed(2, 3, vec![0.0; length])], &[]);
        assert_eq!(field, "inputs[0].contents.fp32_contents");
    }
    let mut other = typed(2, 3, vec![0.0; 6]);
    let contents = other.contents.as_mut().unwrap();
    contents.fp64_contents = vec![0.0; 6];
    let (field, _) = refused(vec![other], &[]);
    assert_eq!(field, "inputs[0].contents.fp64_contents");
}

#[test]
fn shared_memory_is_refused_in_words() {
    let shared = InferInputTensor {
        parameters: [("shared_memory_region".to_owned(), InferParameter::default())].into(),
        ..tensor(2, 3)
    };
    let (field, reason) = refused(vec![shared], &[]);
    assert_eq!(field, "inputs[0].parameters");
    assert!(reason.contains("no memory is shared"), "{reason}");
}

/// Numbers as clients send them and as they should not.
fn dimension() -> impl Strategy<Value = i64> {
    prop_oneof![0..9i64, -3..3i64, any::<i64>(), 1020..1030i64]
}

fn any_tensor() -> impl Strategy<Value = InferInputTensor> {
    let shape = prop::collection::vec(dimension(), 0..4);
    let datatype = prop_oneof![Just("FP32"), Just("FP16"), Just("BYTES"), Just("")];
    let name = prop_oneof![4 => Just(SPECTRUM), 1 => Just("other")];
    let values = prop::collection::vec(any::<f32>(), 0..9);
    let doubles = prop_oneof![3 => Just(Vec::new()), 1 => Just(vec![1.0])];
    (shape, datatype, name, prop::option::of((values, doubles))).prop_map(
        |(shape, datatype, name, contents)| InferInputTensor {
            name: name.to_owned(),
            datatype: datatype.to_owned(),
            shape,
            parameters: Default::default(),
            contents: contents.map(|(fp32_contents, fp64_contents)| InferTensorContents {
                fp32_contents,
                fp64_contents,
                ..InferTensorContents::default()
            }),
        },
    )
}

proptest! {
    #[test]
    fn whatever_comes_is_read_as_its_shape_says_or_refused(
        inputs in prop::collection::vec(any_tensor(), 0..3),
        raw in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..3),
    ) {
        let shape = inputs.first().map(|tensor| tensor.shape.clone());
        match Input::read(inputs, &raw) {
            Err(WireError::Field { field, reason }) => {
                prop_assert!(!field.is_empty() && !reason.is_empty());
            }
            Err(other) => prop_assert!(false, "{other}"),
            Ok(input) => {
                let lengths = input.vectors.iter().map(|vector| vector.len() as i64);
                let expected = shape.unwrap();
                prop_assert!(lengths.clone().all(|length| length == expected[1]));
                prop_assert_eq!(lengths.count() as i64, expected[0]);
            }
        }
    }

    #[test]
    fn every_bit_survives(rows in 1..5usize, bins in 1..9usize, seed in any::<u64>()) {
        let count = rows * bins;
        let word = |at: usize| (seed.rotate_left(at as u32 * 7) as u32).wrapping_mul(at as u32 | 1);
        let values: Vec<f32> = (0..count).map(|at| f32::from_bits(word(at))).collect();
        let shape = tensor(rows as i64, bins as i64);
        let raw = Input::read(vec![shape], &[bytes(&values)]).unwrap();
        let read: Vec<u32> = raw.vectors.concat().iter().map(|value| value.to_bits()).collect();
        let sent: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
        prop_assert_eq!(read, sent);
    }
}
