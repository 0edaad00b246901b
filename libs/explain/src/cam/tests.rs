//! Maps computed by hand.

use super::*;
use assay_core::{Classified, ErrorKind};
use ndarray::arr2;

/// Two channels, three positions.
fn line() -> ArrayD<f32> {
    arr2(&[[1.0, 2.0, 3.0], [10.0, 0.0, -10.0]]).into_dyn()
}

/// `[features, classes]` with two classes.
fn head(weights: &[f32]) -> Head {
    Head::new(weights.to_vec(), vec![0.5, -0.5]).unwrap()
}

fn values(map: &ClassMap) -> Vec<f32> {
    map.values.iter().copied().collect()
}

#[test]
fn behind_pooling_the_weights_are_shared_by_all_positions() {
    let head = head(&[3.0, 0.0, 0.75, -3.0]);
    for method in [Method::HiRes, Method::Grad] {
        let map = ClassMap::new(line().view(), &head, 0, method).unwrap();
        // (3·1 + 0.75·10)/3, (3·2)/3, (3·3 − 0.75·10)/3
        assert_eq!(values(&map), [3.5, 2.0, 0.5]);
        let map = ClassMap::new(line().view(), &head, 1, method).unwrap();
        assert_eq!(values(&map), [-10.0, 0.0, 10.0]);
    }
    let logits = head.logits(&[2.0, 0.0]).unwrap();
    assert_eq!(logits[0] - 0.5, 6.0, "the map sums to the logit");
}

#[test]
fn on_a_flattened_map_each_position_has_its_own_weights() {
    // Features in the order of flattening: position 0 of both channels, then position 1, …
    let weights = [1.0, 0.0, 0.1, 0.0, -1.0, 0.0, 7.0, 0.0, 2.0, 0.0, 0.2, 0.0];
    let head = head(&weights);
    let map = ClassMap::new(line().view(), &head, 0, Method::HiRes).unwrap();
    assert_eq!(values(&map), [2.0, -2.0, 4.0]);
    let flat = [1.0, 10.0, 2.0, 0.0, 3.0, -10.0];
    let logit = head.logits(&flat).unwrap()[0];
    assert_eq!(logit - 0.5, 4.0, "the map sums to the logit");
    let error = ClassMap::new(line().view(), &head, 0, Method::Grad).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert!(error.to_string().contains("small_gap"), "{error}");
}

#[test]
fn symmetric_is_the_mean_with_the_transpose() {
    let map = ClassMap {
        values: arr2(&[[1.0, 4.0], [-2.0, 3.0]]).into_dyn(),
    };
    assert_eq!(values(&map.symmetric().unwrap()), [1.0, 1.0, 1.0, 3.0]);
    let flat = ClassMap {
        values: arr2(&[[1.0, 4.0, 2.0]]).into_dyn(),
    };
    let error = flat.symmetric().unwrap_err();
    assert!(error.to_string().contains("1 × 3"), "{error}");
    let line = ClassMap {
        values: ndarray::arr1(&[1.0, 2.0]).into_dyn(),
    };
    assert_eq!(line.symmetric().unwrap(), line);
}

#[test]
fn what_is_no_map_of_the_head_is_refused() {
    let refuse = |map: ArrayD<f32>, class| {
        ClassMap::new(map.view(), &head(&[1.0; 8]), class, Method::HiRes).unwrap_err()
    };
    let error = refuse(line(), 0);
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert!(error.to_string().contains("4 features"), "{error}");
    let error = refuse(line(), 2);
    assert!(
        matches!(
            error,
            ExplainError::Class {
                class: 2,
                classes: 2
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("0 to 1"), "{error}");
    for shape in [&[4usize][..], &[4, 0], &[4, 1, 1, 1]] {
        let error = refuse(ArrayD::zeros(shape), 0);
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition, "{error}");
    }
    let error = refuse(ArrayD::from_elem(vec![4, 2], f32::INFINITY), 0);
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn features_must_come_from_the_map() {
    let map = line();
    check_origin(&[2.0, 0.0], &map.view()).unwrap();
    check_origin(&[2.001, -0.001], &map.view()).unwrap();
    check_origin(&[1.0, 10.0, 2.0, 0.0, 3.0, -10.0], &map.view()).unwrap();
    check_origin(&[0.0; 2], &ArrayD::zeros(vec![2, 3]).view()).unwrap();
    for other in [
        &[2.0, 0.1][..],
        &[1.0, 2.0, 3.0, 10.0, 0.0, -10.0],
        &[2.0],
        &[f32::NAN, 0.0],
    ] {
        let error = check_origin(other, &map.view()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition, "{other:?}");
    }
}
