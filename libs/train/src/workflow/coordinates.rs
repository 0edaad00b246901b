//! Standardised coordinates for networks that see input vectors. Logarithms of normalised counts
//! lie around −12, far from zero and all on one side: in them a step of the optimiser shifts every
//! output of the first convolution at once, and its units die. So the first convolution is
//! trained on inputs of mean 0 and deviation 1, and its weights are then turned back into weights
//! for the inputs as they are. The network stays exactly the same, border included.

use crate::error::{Result, TrainError};
use assay_network::{Graph, Landmark, Op, Padding, Shape, Tensor, Weights, infer_shapes};
use ndarray::{Array2, ArrayView2};

/// A change of coordinates of the input of the first convolution.
#[derive(Debug, Clone)]
pub(crate) struct Coordinates {
    /// Name of the convolution.
    conv: String,
    /// The graph in the new coordinates: it takes vectors with their border already in place.
    graph: Graph,
    mean: f64,
    deviation: f64,
    /// Zeros before and after a vector.
    border: (usize, usize),
}

impl Coordinates {
    /// The change that gives these inputs mean 0 and deviation 1. `None` where the graph does not
    /// begin with a convolution of the vector that has a bias.
    pub(crate) fn of(graph: &Graph, inputs: ArrayView2<'_, f32>) -> Result<Option<Self>> {
        let [first, axis, conv, ..] = graph.nodes.as_slice() else {
            return Ok(None);
        };
        let (Op::Input { shape }, Op::AddChannelAxis, Op::Conv { .. }) =
            (&first.op, &axis.op, &conv.op)
        else {
            return Ok(None);
        };
        let [Some(bins)] = shape.as_slice() else {
            return Ok(None);
        };
        let mut changed = graph.clone();
        let Op::Conv {
            kernel,
            stride,
            padding,
            bias: true,
            ..
        } = &mut changed.nodes[2].op
        else {
            return Ok(None);
        };
        let border = padding.amounts(0, *bins, kernel[0], stride[0]);
        *padding = Padding::Valid;
        let bordered: Shape = vec![Some(bins + border.0 + border.1)];
        changed.nodes[0].op = Op::Input { shape: bordered };
        check_same_output(graph, &changed)?;
        let (mean, deviation) = moments(inputs)?;
        Ok(Some(Self {
            conv: conv.name.clone(),
            graph: changed,
            mean,
            deviation,
            border,
        }))
    }

    /// The graph in the new coordinates.
    pub(crate) const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Vectors in the new coordinates.
    ///
    /// # Shapes
    /// `[n, bins]` → `[n, bins + border]`.
    #[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
    pub(crate) fn inputs(&self, vectors: ArrayView2<'_, f32>) -> Array2<f32> {
        let (rows, bins) = vectors.dim();
        let changed = |value: f32| ((f64::from(value) - self.mean) / self.deviation) as f32;
        let width = bins + self.border.0 + self.border.1;
        let mut all = Array2::from_elem((rows, width), changed(0.0));
        for (mut target, row) in all.rows_mut().into_iter().zip(vectors.rows()) {
            for (target, &value) in target.iter_mut().skip(self.border.0).zip(row) {
                *target = changed(value);
            }
        }
        all
    }

    /// Weights for the inputs as they are: with `x = deviation·z + mean`,
    /// `Σ w·z + b = Σ (w/deviation)·x + b − mean/deviation·Σ w`.
    #[expect(clippy::cast_possible_truncation, reason = "weights are stored as f32")]
    pub(crate) fn turn_back(&self, mut weights: Weights) -> Result<Weights> {
        let (weight_name, bias_name) = (
            format!("{}.weight", self.conv),
            format!("{}.bias", self.conv),
        );
        let mut weight = weights.require(&weight_name)?.clone();
        let mut bias = weights.require(&bias_name)?.clone();
        let window = weight.data.len() / bias.data.len().max(1);
        let channels = weight.data.chunks_exact_mut(window.max(1));
        for (kernel, bias) in channels.zip(&mut bias.data) {
            let sum: f64 = kernel.iter().copied().map(f64::from).sum();
            *bias = (f64::from(*bias) - self.mean / self.deviation * sum) as f32;
            for value in kernel {
                *value = (f64::from(*value) / self.deviation) as f32;
            }
        }
        for (name, tensor) in [(weight_name, weight), (bias_name, bias)] {
            weights.insert(name, Tensor::new(tensor.shape, tensor.data)?);
        }
        Ok(weights)
    }
}

fn check_same_output(graph: &Graph, changed: &Graph) -> Result<()> {
    let logits = |graph: &Graph| -> Result<Shape> {
        let index = graph.require(Landmark::Logits)?;
        Ok(infer_shapes(graph)?.swap_remove(index.0))
    };
    let same = infer_shapes(changed).is_ok() && logits(graph)? == logits(changed)?;
    let defect = TrainError::Defect("a change of coordinates changed the network's shapes");
    if same { Ok(()) } else { Err(defect) }
}

/// Mean and deviation of all values together.
#[expect(
    clippy::cast_precision_loss,
    reason = "data sets have far fewer than 2^53 values"
)]
fn moments(inputs: ArrayView2<'_, f32>) -> Result<(f64, f64)> {
    let n = inputs.len() as f64;
    let mean = inputs.iter().copied().map(f64::from).sum::<f64>() / n;
    let variance = inputs
        .iter()
        .map(|&value| (f64::from(value) - mean).powi(2))
        .sum::<f64>()
        / n;
    if variance > 0.0 && variance.is_finite() {
        Ok((mean, variance.sqrt()))
    } else {
        Err(TrainError::Data(format!(
            "the training spectra are all the same: their values have a variance of {variance}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::{Mode, TchNetwork, Trainable},
        initialise::initial_weights,
        tensors::{from_f32, to_f32},
    };
    use assay_network::{Activation, HeadSpec, Tutorial1d, TutorialVariant};
    use tch::Device;

    fn logits(graph: &Graph, weights: &Weights, inputs: &Array2<f32>) -> Vec<f32> {
        let network = TchNetwork::new(graph, weights, Device::Cpu, Trainable::Nothing).unwrap();
        let values: Vec<f32> = inputs.iter().copied().collect();
        let rows = from_f32(&values, &[inputs.nrows(), inputs.ncols()], Device::Cpu).unwrap();
        to_f32(
            &network
                .forward(&rows, Landmark::Logits, Mode::Inference)
                .unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn the_network_computes_the_same_in_both_coordinates() {
        let graph = Tutorial1d {
            variant: TutorialVariant::Flatten,
            activation: Activation::Elu,
            bins: 301,
            head: HeadSpec {
                classes: 3,
                dropout: 0.0,
            },
        }
        .graph()
        .unwrap();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let inputs = Array2::from_shape_fn((4, 301), |(row, bin)| {
            -12.0 + ((row * 37 + bin * 11) % 83) as f32 / 20.0
        });
        let coordinates = Coordinates::of(&graph, inputs.view()).unwrap().unwrap();
        let changed = coordinates.inputs(inputs.view());
        assert_eq!(
            coordinates.border,
            (5, 6),
            "16 bins wide, 8 apart, 301 in all"
        );
        let mean = changed.slice(ndarray::s![.., 5..306]).mean().unwrap();
        assert!(mean.abs() < 1e-4, "{mean}");
        let weights = initial_weights(coordinates.graph(), 3).unwrap();
        let new = logits(coordinates.graph(), &weights, &changed);
        let old = logits(&graph, &coordinates.turn_back(weights).unwrap(), &inputs);
        for (new, old) in new.iter().zip(&old) {
            assert!((new - old).abs() < 1e-4 * new.abs().max(1.0), "{new} {old}");
        }
    }

    #[test]
    fn constant_inputs_and_other_graphs_have_no_such_coordinates() {
        let (mut graph, input) = Graph::with_input("features", vec![Some(8)]);
        graph.mark(Landmark::Features, input);
        let dense = Op::Dense {
            inputs: 8,
            outputs: 2,
        };
        let logits = graph.push("head", dense, &[input]);
        graph.mark(Landmark::Logits, logits);
        let inputs = Array2::<f32>::zeros((3, 8));
        assert!(Coordinates::of(&graph, inputs.view()).unwrap().is_none());
        assert!(moments(inputs.view()).is_err());
    }
}
