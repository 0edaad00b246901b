//! A slow and plain interpreter of the intermediate representation: naive loops, sums in 64 bits.
//! It is the judge of the graph rewriting and is itself judged by the reference vectors.

use assay_network::{Activation, Graph, Landmark, Op, Padding, Tensor, Weights};

/// A value with its batch axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

impl Value {
    pub(crate) fn new(shape: Vec<usize>, data: Vec<f64>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len());
        Self { shape, data }
    }
}

/// All index tuples of a shape, last axis fastest.
pub(crate) fn positions(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let shape = shape.to_vec();
    (0..shape.iter().product()).map(move |mut flat| {
        let mut index = vec![0; shape.len()];
        for axis in (0..shape.len()).rev() {
            index[axis] = flat % shape[axis];
            flat /= shape[axis];
        }
        index
    })
}

/// The value at a landmark.
pub(crate) fn run(graph: &Graph, weights: &Weights, input: &Value, wanted: Landmark) -> Value {
    let wanted = graph.require(wanted).unwrap();
    let mut values: Vec<Value> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate().take(wanted.0 + 1) {
        let inputs: Vec<&Value> = node.inputs.iter().map(|i| &values[i.0]).collect();
        let tensor = |part: &str| weights.require(&format!("{}.{part}", node.name)).unwrap();
        let value = match &node.op {
            Op::Input { shape } => {
                let fits = |(a, b): (&Option<usize>, &usize)| a.is_none_or(|a| a == *b);
                assert!(shape.iter().zip(&input.shape[1..]).all(fits), "{index}");
                input.clone()
            }
            Op::GramianImage(layer) => {
                let rows = inputs[0].data.chunks_exact(layer.bins);
                let images = rows.flat_map(|row| layer.imaging.image(row).unwrap());
                let size = layer.imaging.size;
                Value::new(vec![inputs[0].shape[0], 1, size, size], images.collect())
            }
            Op::AddChannelAxis => {
                let [n, bins] = inputs[0].shape[..] else {
                    panic!()
                };
                Value::new(vec![n, 1, bins], inputs[0].data.clone())
            }
            Op::Affine { scale, shift } => {
                each(inputs[0], |x| x * f64::from(*scale) + f64::from(*shift))
            }
            Op::RepeatChannel { count } => repeat(inputs[0], *count),
            Op::Conv { bias, .. } => {
                let bias = bias.then(|| tensor("bias"));
                conv(&node.op, inputs[0], (tensor("weight"), bias))
            }
            Op::BatchNorm { epsilon, .. } => {
                let parts = ["weight", "bias", "running_mean", "running_var"].map(tensor);
                batch_norm(inputs[0], parts, f64::from(*epsilon))
            }
            Op::Activation(activation) => each(inputs[0], |x| activate(*activation, x)),
            Op::MaxPool { kernel, stride } => max_pool(inputs[0], kernel, stride),
            Op::GlobalAveragePool { keep_axes } => average(inputs[0], *keep_axes),
            Op::Flatten => flatten(inputs[0]),
            Op::Dropout { .. } => inputs[0].clone(),
            Op::Dense { .. } => dense(inputs[0], tensor("weight"), tensor("bias")),
            Op::Add => combine(inputs[0], inputs[1], |a, b| a + b),
            Op::Multiply => combine(inputs[0], inputs[1], |a, b| a * b),
            Op::Foreign { .. } => panic!("a foreign base cannot be interpreted"),
        };
        values.push(value);
    }
    values.pop().unwrap()
}

fn each(value: &Value, f: impl Fn(f64) -> f64) -> Value {
    Value::new(
        value.shape.clone(),
        value.data.iter().map(|x| f(*x)).collect(),
    )
}

fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp_m1()
            }
        }
        Activation::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
    }
}

fn repeat(value: &Value, count: usize) -> Value {
    let mut shape = value.shape.clone();
    assert_eq!(shape[1], 1);
    shape[1] = count;
    let images = value.data.chunks_exact(value.data.len() / shape[0]);
    let data = images.flat_map(|image| image.repeat(count)).collect();
    Value::new(shape, data)
}

/// Brings one spatial axis to two by a height of one.
fn spatial(shape: &[usize]) -> (usize, usize) {
    match shape {
        [l] => (1, *l),
        [h, w] => (*h, *w),
        _ => panic!("{shape:?}"),
    }
}

fn conv(op: &Op, input: &Value, (weight, bias): (&Tensor, Option<&Tensor>)) -> Value {
    let Op::Conv {
        out_channels,
        kernel,
        stride,
        groups,
        padding,
        ..
    } = op
    else {
        panic!()
    };
    let (h, w) = spatial(&input.shape[2..]);
    let (kh, kw) = spatial(kernel);
    let (sh, sw) = match stride[..] {
        [s] => (1, s),
        [a, b] => (a, b),
        _ => panic!(),
    };
    let axes = kernel.len();
    let amounts = |axis: usize, extent: usize, k: usize, s: usize| match padding {
        _ if axes == 1 && axis == 0 => (0, 0),
        Padding::Explicit(amounts) => amounts[axis + axes - 2],
        Padding::Valid => (0, 0),
        Padding::Same => {
            let out = usize::div_ceil(extent, s);
            let total = ((out - 1) * s + k).saturating_sub(extent);
            (total / 2, total - total / 2)
        }
    };
    let (top, bottom) = amounts(0, h, kh, sh);
    let (left, right) = amounts(1, w, kw, sw);
    let (oh, ow) = (
        (h + top + bottom - kh) / sh + 1,
        (w + left + right - kw) / sw + 1,
    );
    let (n, c) = (input.shape[0], input.shape[1]);
    let (per_group, outs) = (c / groups, out_channels / groups);
    let mut data = Vec::with_capacity(n * out_channels * oh * ow);
    for p in positions(&[n, *out_channels, oh, ow]) {
        let (image, out) = (p[0], p[1]);
        let mut sum = bias.map_or(0.0, |b| f64::from(b.data[out]));
        for i in 0..per_group {
            let plane = (image * c + out / outs * per_group + i) * h * w;
            for y in 0..kh {
                let Some(row) = (p[2] * sh + y).checked_sub(top).filter(|r| *r < h) else {
                    continue;
                };
                for x in 0..kw {
                    let column = (p[3] * sw + x).checked_sub(left).filter(|c| *c < w);
                    let Some(column) = column else { continue };
                    let k = ((out * per_group + i) * kh + y) * kw + x;
                    sum += f64::from(weight.data[k]) * input.data[plane + row * w + column];
                }
            }
        }
        data.push(sum);
    }
    let mut shape = vec![n, *out_channels, oh, ow];
    if axes == 1 {
        shape.remove(2);
    }
    Value::new(shape, data)
}

fn batch_norm(input: &Value, parts: [&Tensor; 4], epsilon: f64) -> Value {
    let per_channel: usize = input.shape[2..].iter().product();
    let at = |part: usize, c: usize| f64::from(parts[part].data[c]);
    let data = input.data.iter().enumerate().map(|(index, x)| {
        let c = index / per_channel % input.shape[1];
        (x - at(2, c)) / (at(3, c) + epsilon).sqrt() * at(0, c) + at(1, c)
    });
    Value::new(input.shape.clone(), data.collect())
}

fn max_pool(input: &Value, kernel: &[usize], stride: &[usize]) -> Value {
    let axes = kernel.len();
    let mut shape = input.shape.clone();
    for axis in 0..axes {
        shape[2 + axis] = (shape[2 + axis] - kernel[axis]) / stride[axis] + 1;
    }
    let data = positions(&shape).map(|p| {
        let window = positions(kernel).map(|k| {
            let mut flat = p[0] * input.shape[1] + p[1];
            for axis in 0..axes {
                flat = flat * input.shape[2 + axis] + p[2 + axis] * stride[axis] + k[axis];
            }
            input.data[flat]
        });
        window.fold(f64::NEG_INFINITY, f64::max)
    });
    let data = data.collect();
    Value::new(shape, data)
}

fn average(input: &Value, keep_axes: bool) -> Value {
    let per_channel: usize = input.shape[2..].iter().product();
    let planes = input.data.chunks_exact(per_channel);
    let data = planes.map(|plane| plane.iter().sum::<f64>() / per_channel as f64);
    let mut shape = input.shape[..2].to_vec();
    if keep_axes {
        shape.resize(input.shape.len(), 1);
    }
    Value::new(shape, data.collect())
}

fn flatten(input: &Value) -> Value {
    let (n, c) = (input.shape[0], input.shape[1]);
    let count: usize = input.shape[2..].iter().product();
    let data = positions(&[n, count, c]).map(|p| input.data[(p[0] * c + p[2]) * count + p[1]]);
    Value::new(vec![n, count * c], data.collect())
}

fn dense(input: &Value, weight: &Tensor, bias: &Tensor) -> Value {
    let [inputs, outputs] = weight.shape[..] else {
        panic!()
    };
    let rows = input.data.chunks_exact(inputs);
    let data = rows.flat_map(|row| {
        (0..outputs).map(move |out| {
            let products = row.iter().enumerate();
            let sum: f64 = products
                .map(|(i, x)| x * f64::from(weight.data[i * outputs + out]))
                .sum();
            sum + f64::from(bias.data[out])
        })
    });
    Value::new(vec![input.shape[0], outputs], data.collect())
}

fn combine(a: &Value, b: &Value, f: impl Fn(f64, f64) -> f64) -> Value {
    let per_channel: usize = a.shape[2..].iter().product();
    let narrow = b.data.len() < a.data.len();
    let data = a.data.iter().enumerate().map(|(index, x)| {
        let other = if narrow { index / per_channel } else { index };
        f(*x, b.data[other])
    });
    Value::new(a.shape.clone(), data.collect())
}
