//! Starting weights: Glorot-uniform kernels and zero biases, from keyed random numbers, so that
//! they are the same on every device and with every version of torch.

use crate::error::Result;
use assay_core::keyed_rng;
use assay_network::{Graph, Op, Tensor, Weights};
use rand::Rng;

/// Starting weights of every node of a graph. Batch normalisations start as the identity.
///
/// # Errors
/// When a shape is inconsistent.
pub fn initial_weights(graph: &Graph, seed: u64) -> Result<Weights> {
    let mut weights = Weights::new();
    for node in &graph.nodes {
        let name = &node.name;
        match &node.op {
            Op::Conv {
                in_channels,
                out_channels,
                kernel,
                groups,
                bias,
                ..
            } => {
                let window: usize = kernel.iter().product();
                let inputs = in_channels / (*groups).max(1);
                let mut shape = vec![*out_channels, inputs];
                shape.extend(kernel);
                let limit = glorot_limit(inputs * window, out_channels * window);
                weights.insert(format!("{name}.weight"), uniform(name, shape, limit, seed)?);
                if *bias {
                    weights.insert(format!("{name}.bias"), filled(*out_channels, 0.0)?);
                }
            }
            Op::Dense { inputs, outputs } => {
                let limit = glorot_limit(*inputs, *outputs);
                let kernel = uniform(name, vec![*inputs, *outputs], limit, seed)?;
                weights.insert(format!("{name}.weight"), kernel);
                weights.insert(format!("{name}.bias"), filled(*outputs, 0.0)?);
            }
            Op::BatchNorm { channels, .. } => {
                for (part, value) in [
                    ("weight", 1.0),
                    ("bias", 0.0),
                    ("running_mean", 0.0),
                    ("running_var", 1.0),
                ] {
                    weights.insert(format!("{name}.{part}"), filled(*channels, value)?);
                }
            }
            _ => {}
        }
    }
    Ok(weights)
}

/// Half width of the uniform distribution: sqrt(6 / (fan in + fan out)).
///
/// # Source
/// Glorot & Bengio, AISTATS 2010, equation 16; fans of convolutions count the window, as in Keras.
#[expect(clippy::cast_precision_loss, reason = "fans are far below 2^53")]
fn glorot_limit(fan_in: usize, fan_out: usize) -> f64 {
    (6.0 / (fan_in + fan_out) as f64).sqrt()
}

#[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit")]
fn uniform(name: &str, shape: Vec<usize>, limit: f64, seed: u64) -> Result<Tensor> {
    let mut rng = keyed_rng(seed, &format!("initialise {name}"), &[]);
    let data = (0..shape.iter().product::<usize>())
        .map(|_| {
            let unit = f64::from(rng.next_u32()) / 4_294_967_296.0;
            (limit * (2.0 * unit - 1.0)) as f32
        })
        .collect();
    Ok(Tensor::new(shape, data)?)
}

fn filled(length: usize, value: f32) -> Result<Tensor> {
    Ok(Tensor::new(vec![length], vec![value; length])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_fill_the_glorot_interval_and_biases_are_zero() {
        let (mut graph, input) = Graph::with_input("features", vec![Some(1280)]);
        let dense = Op::Dense {
            inputs: 1280,
            outputs: 10,
        };
        graph.push("head", dense, &[input]);
        let weights = initial_weights(&graph, 1).unwrap();
        let kernel = weights.require("head.weight").unwrap();
        assert_eq!(kernel.shape, [1280, 10]);
        let limit = (6.0_f32 / 1290.0).sqrt();
        assert!(kernel.data.iter().all(|w| w.abs() <= limit));
        // Variance of a uniform distribution is limit²/3; 12,800 draws give it to a few percent.
        let variance = kernel.data.iter().map(|w| w * w).sum::<f32>() / 12_800.0;
        assert!((variance / (limit * limit / 3.0) - 1.0).abs() < 0.05);
        assert!(
            weights
                .require("head.bias")
                .unwrap()
                .data
                .iter()
                .all(|&b| b == 0.0)
        );
        assert_eq!(weights, initial_weights(&graph, 1).unwrap());
        assert_ne!(weights, initial_weights(&graph, 2).unwrap());
    }
}
