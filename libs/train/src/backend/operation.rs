//! Every operation of the intermediate representation in torch.

use super::{Mode, TchNetwork};
use crate::{
    error::{Result, TrainError},
    tensors::{self, dims},
};
use assay_network::{Activation, Op, Padding};
use tch::{Kind, Tensor};

impl TchNetwork {
    /// The value of one node from the values of its inputs.
    pub(super) fn compute(&self, index: usize, inputs: &[&Tensor], mode: Mode) -> Result<Tensor> {
        let node = &self.graph.nodes[index];
        let fault = |reason: &str| TrainError::Graph {
            node: node.name.clone(),
            reason: reason.to_owned(),
        };
        let x = *inputs.first().ok_or_else(|| fault("has no input"))?;
        Ok(match &node.op {
            Op::GramianImage(_) => self
                .images
                .get(&index)
                .ok_or_else(|| fault("has no table of segments"))?
                .image(x)?,
            Op::AddChannelAxis => x.f_unsqueeze(1)?,
            Op::Affine { scale, shift } => x
                .f_mul_scalar(f64::from(*scale))?
                .f_add_scalar(f64::from(*shift))?,
            Op::RepeatChannel { count } => {
                let mut shape = x.size();
                shape[1] = dims(&[*count])[0];
                x.f_expand(shape, false)?
            }
            Op::Conv { .. } => self.convolution(&node.name, &node.op, x)?,
            Op::BatchNorm { epsilon, .. } => x.f_batch_norm(
                Some(self.weight(&node.name, "weight")?),
                Some(self.weight(&node.name, "bias")?),
                Some(self.weight(&node.name, "running_mean")?),
                Some(self.weight(&node.name, "running_var")?),
                false,
                0.0,
                f64::from(*epsilon),
                true,
            )?,
            Op::Activation(activation) => activate(*activation, x)?,
            Op::MaxPool { kernel, stride } => max_pool(x, kernel, stride)?,
            Op::GlobalAveragePool { keep_axes } => {
                let spatial: Vec<i64> = (2..x.size().len()).map(|axis| dims(&[axis])[0]).collect();
                x.f_mean_dim(spatial, *keep_axes, Kind::Float)?
            }
            Op::Flatten => channels_last(x)?.f_flatten(1, -1)?,
            Op::Dropout { rate } => dropout(x, *rate, index, mode)?,
            Op::Dense { .. } => self
                .weight(&node.name, "bias")?
                .f_addmm(x, self.weight(&node.name, "weight")?)?,
            Op::Add => x.f_add(second(inputs).ok_or_else(|| fault("has one input"))?)?,
            Op::Multiply => x.f_mul(second(inputs).ok_or_else(|| fault("has one input"))?)?,
            Op::Input { .. } | Op::Foreign { .. } => {
                return Err(fault("cannot be computed by torch"));
            }
        })
    }

    fn weight(&self, node: &str, part: &str) -> Result<&Tensor> {
        self.weights
            .get(&format!("{node}.{part}"))
            .ok_or_else(|| TrainError::Graph {
                node: node.to_owned(),
                reason: format!("has no {part}"),
            })
    }

    fn convolution(&self, name: &str, op: &Op, x: &Tensor) -> Result<Tensor> {
        let Op::Conv {
            kernel,
            stride,
            groups,
            padding,
            bias,
            ..
        } = op
        else {
            return Err(TrainError::Graph {
                node: name.to_owned(),
                reason: "is no convolution".to_owned(),
            });
        };
        let weight = self.weight(name, "weight")?;
        let bias = if *bias {
            Some(self.weight(name, "bias")?)
        } else {
            None
        };
        let (padded, inner) = pad(x, padding, kernel, stride)?;
        let x = padded.as_ref().unwrap_or(x);
        let ones = vec![1_i64; kernel.len()];
        let groups = dims(&[*groups])[0];
        let stride = dims(stride);
        Ok(if kernel.len() == 1 {
            x.f_conv1d(weight, bias, stride, inner, ones, groups)?
        } else {
            x.f_conv2d(weight, bias, stride, inner, ones, groups)?
        })
    }
}

fn second<'a>(inputs: &[&'a Tensor]) -> Option<&'a Tensor> {
    inputs.get(1).copied()
}

/// Zeros around the input: equal amounts are left to the convolution, unequal ones are added.
/// Gives the padded input, if one was made, and the padding that the convolution adds itself.
fn pad(
    x: &Tensor,
    padding: &Padding,
    kernel: &[usize],
    stride: &[usize],
) -> Result<(Option<Tensor>, Vec<i64>)> {
    let extents = tensors::shape_of(x);
    let amounts: Vec<(usize, usize)> = extents
        .iter()
        .skip(2)
        .zip(kernel.iter().zip(stride))
        .enumerate()
        .map(|(axis, (&extent, (&kernel, &stride)))| padding.amounts(axis, extent, kernel, stride))
        .collect();
    if amounts.iter().all(|(before, after)| before == after) {
        let inner: Vec<usize> = amounts.iter().map(|(before, _)| *before).collect();
        return Ok((None, dims(&inner)));
    }
    // Torch counts the last axis first.
    let outer: Vec<usize> = amounts
        .iter()
        .rev()
        .flat_map(|&(before, after)| [before, after])
        .collect();
    let padded = x.f_constant_pad_nd(dims(&outer))?;
    Ok((Some(padded), vec![0; kernel.len()]))
}

fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    Ok(match activation {
        Activation::Relu => x.f_relu()?,
        Activation::Relu6 => x.f_clamp(0.0, 6.0)?,
        Activation::Elu => x.f_elu()?,
        Activation::HardSigmoid => x.f_hardsigmoid()?,
        Activation::HardSwish => x.f_hardswish()?,
    })
}

fn max_pool(x: &Tensor, kernel: &[usize], stride: &[usize]) -> Result<Tensor> {
    let zeros = vec![0_i64; kernel.len()];
    let ones = vec![1_i64; kernel.len()];
    let (kernel, stride) = (dims(kernel), dims(stride));
    Ok(if kernel.len() == 1 {
        x.f_max_pool1d(kernel, stride, zeros, ones, false)?
    } else {
        x.f_max_pool2d(kernel, stride, zeros, ones, false)?
    })
}

/// `[n, c, …]` → `[n, …, c]`.
fn channels_last(x: &Tensor) -> Result<Tensor> {
    let rank = x.size().len();
    let order: Vec<usize> = std::iter::once(0).chain(2..rank).chain([1]).collect();
    Ok(x.f_permute(dims(&order))?)
}

fn dropout(x: &Tensor, rate: f32, layer: usize, mode: Mode) -> Result<Tensor> {
    let Mode::Training(key) = mode else {
        return Ok(x.shallow_clone());
    };
    if rate == 0.0 {
        return Ok(x.shallow_clone());
    }
    let shape = tensors::shape_of(x);
    let mask = key.dropout_mask(layer as u64, rate, x.numel());
    Ok(x.f_mul(&tensors::from_f32(&mask, &shape, x.device())?)?)
}
