//! Class weights and the class-weighted cross-entropy.

use crate::error::{Result, TrainError};
use tch::{Kind, Tensor};

/// Weight of each class so that all classes count the same: N / (K · count).
///
/// # Errors
/// When a class has no member.
///
/// # Source
/// King & Zeng, Political Analysis 9 (2001) 137; scikit-learn's "balanced".
#[expect(
    clippy::cast_precision_loss,
    reason = "data sets have far fewer than 2^53 rows"
)]
pub fn balanced_class_weights(classes: &[usize], n_classes: usize) -> Result<Vec<f64>> {
    let mut counts = vec![0_usize; n_classes];
    for &class in classes {
        match counts.get_mut(class) {
            Some(count) => *count += 1,
            None => {
                return Err(TrainError::Data(format!(
                    "class index {class} is out of range: there are {n_classes} classes"
                )));
            }
        }
    }
    if let Some(empty) = counts.iter().position(|&count| count == 0) {
        return Err(TrainError::Data(format!(
            "class number {empty} has no spectrum to train with"
        )));
    }
    let (rows, n_classes) = (classes.len() as f64, n_classes as f64);
    Ok(counts
        .iter()
        .map(|&count| rows / (n_classes * count as f64))
        .collect())
}

/// Sum of `weight · cross-entropy` divided by the number of rows. (Torch's own weighted mean
/// divides by the sum of the weights, which is not the same in a batch.)
///
/// # Shapes
/// `logits` [n, K], `classes` [n] (64-bit integers), `row_weights` [n]; the result is a scalar.
///
/// # Errors
/// When shapes differ.
pub fn weighted_cross_entropy(
    logits: &Tensor,
    classes: &Tensor,
    row_weights: &Tensor,
) -> Result<Tensor> {
    let log_likelihood = logits
        .f_log_softmax(-1, Kind::Float)?
        .f_gather(1, &classes.f_unsqueeze(1)?, false)?
        .f_squeeze_dim(1)?;
    Ok(log_likelihood
        .f_mul(row_weights)?
        .f_mean(Kind::Float)?
        .f_neg()?)
}

/// Mean cross-entropy and number of right answers, computed in double precision on the host.
///
/// # Shapes
/// `logits` [n, K] row-major, `classes` [n].
#[must_use]
pub fn score_logits(logits: &[f32], classes: &[usize]) -> (f64, usize) {
    let n_classes = logits.len() / classes.len().max(1);
    let mut loss = 0.0;
    let mut right = 0;
    for (row, &class) in logits.chunks_exact(n_classes.max(1)).zip(classes) {
        let best = arg_max(row);
        let top = f64::from(row[best]);
        let sum: f64 = row.iter().map(|&z| (f64::from(z) - top).exp()).sum();
        loss += top + sum.ln() - f64::from(row[class]);
        right += usize::from(best == class);
    }
    (loss, right)
}

/// Position of the largest value; the lowest one of several.
fn arg_max(row: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::{from_f32, from_indices, to_f32};
    use serde::Deserialize;
    use tch::Device;

    #[derive(Deserialize)]
    struct Fixture {
        logits: Vec<f32>,
        classes: Vec<usize>,
        class_weights: Vec<f64>,
        loss: f64,
        unweighted: f64,
        gradient: Vec<f64>,
    }

    /// Numbers of an independent implementation, `tests/fixtures/make_train.py`.
    #[test]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are 32-bit in torch"
    )]
    fn weights_loss_and_gradient_are_those_of_the_independent_implementation() {
        let text = include_str!("../tests/fixtures/loss.json");
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        let weights = balanced_class_weights(&fixture.classes, 3).unwrap();
        for (ours, theirs) in weights.iter().zip(&fixture.class_weights) {
            assert!((ours - theirs).abs() < 1e-15);
        }
        let logits = from_f32(&fixture.logits, &[7, 3], Device::Cpu).unwrap();
        let logits = logits.set_requires_grad(true);
        let classes = from_indices(&fixture.classes, Device::Cpu).unwrap();
        let rows: Vec<f32> = fixture.classes.iter().map(|&c| weights[c] as f32).collect();
        let rows = from_f32(&rows, &[7], Device::Cpu).unwrap();
        let loss = weighted_cross_entropy(&logits, &classes, &rows).unwrap();
        assert!((loss.double_value(&[]) - fixture.loss).abs() < 1e-6);
        let gradient = Tensor::run_backward(&[&loss], &[&logits], false, false);
        for (ours, theirs) in to_f32(&gradient[0]).unwrap().iter().zip(&fixture.gradient) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{ours} {theirs}");
        }
        let (sum, _) = score_logits(&fixture.logits, &fixture.classes);
        assert!((sum / 7.0 - fixture.unweighted).abs() < 1e-6);
    }

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(score_logits(&[1.0, 1.0, 0.0], &[0]).1, 1);
        assert_eq!(score_logits(&[1.0, 1.0, 0.0], &[1]).1, 0);
    }

    #[test]
    fn a_class_without_members_is_refused() {
        assert!(balanced_class_weights(&[0, 0, 2], 3).is_err());
        assert!(balanced_class_weights(&[0, 3], 3).is_err());
    }
}
