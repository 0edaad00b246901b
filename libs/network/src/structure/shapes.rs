//! Shapes of the values of a graph, without the batch axis.

use crate::{Graph, NetworkError, Node, Op, Padding};

/// Extents without the batch axis; `None` is known only at run time.
pub type Shape = Vec<Option<usize>>;

impl Padding {
    /// Zeros before and after along one spatial axis of known extent.
    #[must_use]
    pub fn amounts(
        &self,
        axis: usize,
        extent: usize,
        kernel: usize,
        stride: usize,
    ) -> (usize, usize) {
        match self {
            Self::Same => {
                let windows = extent.div_ceil(stride).max(1);
                let total = ((windows - 1) * stride + kernel).saturating_sub(extent);
                (total / 2, total - total / 2)
            }
            Self::Valid => (0, 0),
            Self::Explicit(amounts) => amounts.get(axis).copied().unwrap_or((0, 0)),
        }
    }
}

/// The shape of every value, in the order of the nodes.
///
/// # Errors
/// Names the first node whose inputs do not fit it.
pub fn infer_shapes(graph: &Graph) -> Result<Vec<Shape>, NetworkError> {
    let mut shapes: Vec<Shape> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let inputs: Option<Vec<&Shape>> = node.inputs.iter().map(|i| shapes.get(i.0)).collect();
        let shape = match inputs {
            Some(inputs) => shape_of(node, &inputs),
            None => Err("an input does not stand before the node".to_owned()),
        };
        shapes.push(shape.map_err(|reason| NetworkError::graph(&node.name, reason))?);
    }
    Ok(shapes)
}

fn shape_of(node: &Node, inputs: &[&Shape]) -> Result<Shape, String> {
    let wanted = match node.op {
        Op::Input { .. } => 0,
        Op::Add | Op::Multiply => 2,
        _ => 1,
    };
    if inputs.len() != wanted {
        return Err(format!("has {} inputs instead of {wanted}", inputs.len()));
    }
    if let Op::Input { shape } = &node.op {
        return Ok(shape.clone());
    }
    match (&node.op, inputs) {
        (Op::Add, [a, b]) if a == b => Ok((*a).clone()),
        (Op::Multiply, [a, b]) if broadcasts(a, b) => Ok((*a).clone()),
        (Op::Add | Op::Multiply, _) => Err(format!("cannot combine {inputs:?}")),
        (op, [input]) => shape_of_one(op, input),
        _ => Err("has no input".to_owned()),
    }
}

fn broadcasts(a: &Shape, b: &Shape) -> bool {
    let spatial = |(a, b): (&Option<usize>, &Option<usize>)| a == b || *b == Some(1);
    a.len() == b.len() && a.first() == b.first() && a.iter().zip(b).skip(1).all(spatial)
}

fn shape_of_one(op: &Op, input: &Shape) -> Result<Shape, String> {
    match op {
        Op::GramianImage(layer) => {
            expect(input, &[Some(layer.bins)])?;
            layer
                .imaging
                .check(layer.bins)
                .map_err(|error| error.to_string())?;
            let size = Some(layer.imaging.size);
            Ok(vec![Some(1), size, size])
        }
        Op::AddChannelAxis => match input.as_slice() {
            [bins] => Ok(vec![Some(1), *bins]),
            _ => Err(format!("takes [bins], not {input:?}")),
        },
        Op::RepeatChannel { count } => match input.as_slice() {
            [Some(1), rest @ ..] if !rest.is_empty() && *count > 0 => {
                Ok([&[Some(*count)], rest].concat())
            }
            _ => Err(format!("repeats one channel, not {input:?}")),
        },
        Op::Conv { .. } => conv(op, input),
        Op::BatchNorm { channels, .. } => {
            expect(&input[..input.len().min(1)], &[Some(*channels)])?;
            Ok(input.clone())
        }
        Op::MaxPool { kernel, stride } => max_pool(kernel, stride, input),
        Op::GlobalAveragePool { keep_axes } => match input.as_slice() {
            [channels, spatial @ ..] if !spatial.is_empty() => Ok(std::iter::once(*channels)
                .chain(spatial.iter().filter(|_| *keep_axes).map(|_| Some(1)))
                .collect()),
            _ => Err(format!("needs spatial axes, not {input:?}")),
        },
        Op::Flatten if input.len() >= 2 => {
            let count = input.iter().copied().try_fold(1, |n, e| Some(n * e?));
            Ok(vec![count])
        }
        Op::Flatten => Err(format!("needs spatial axes, not {input:?}")),
        Op::Dense { inputs, outputs } => {
            expect(input, &[Some(*inputs)])?;
            Ok(vec![Some(*outputs)])
        }
        Op::Foreign { channels } => match input.len() {
            3 => Ok(vec![Some(*channels), None, None]),
            _ => Err(format!("takes an image, not {input:?}")),
        },
        Op::Affine { .. } | Op::Activation(_) | Op::Dropout { .. } => Ok(input.clone()),
        Op::Input { .. } | Op::Add | Op::Multiply => Err("has a wrong number of inputs".to_owned()),
    }
}

fn expect(actual: &[Option<usize>], wanted: &[Option<usize>]) -> Result<(), String> {
    if actual == wanted {
        return Ok(());
    }
    Err(format!("takes {wanted:?}, not {actual:?}"))
}

fn conv(op: &Op, input: &Shape) -> Result<Shape, String> {
    let Op::Conv {
        in_channels,
        out_channels,
        kernel,
        stride,
        groups,
        padding,
        ..
    } = op
    else {
        return Err("is no convolution".to_owned());
    };
    let axes = kernel.len();
    let divides = |n: &usize| *groups > 0 && n.is_multiple_of(*groups);
    if ![1, 2].contains(&axes)
        || stride.len() != axes
        || [kernel, stride].iter().any(|v| v.contains(&0))
    {
        return Err(format!(
            "kernel {kernel:?} and stride {stride:?} do not fit"
        ));
    }
    if !divides(in_channels) || !divides(out_channels) {
        return Err(format!(
            "{groups} groups do not divide {in_channels} and {out_channels} channels"
        ));
    }
    if matches!(padding, Padding::Explicit(amounts) if amounts.len() != axes) {
        return Err("explicit padding needs one pair per axis".to_owned());
    }
    if input.len() != axes + 1 || input[0] != Some(*in_channels) {
        return Err(format!(
            "takes {in_channels} channels and {axes} spatial axes, not {input:?}"
        ));
    }
    let mut shape = vec![Some(*out_channels)];
    for axis in 0..axes {
        let (k, s) = (kernel[axis], stride[axis]);
        let Some(extent) = input[axis + 1] else {
            shape.push(None);
            continue;
        };
        let (before, after) = padding.amounts(axis, extent, k, s);
        shape.push(Some(windows(extent + before + after, k, s)?));
    }
    Ok(shape)
}

fn max_pool(kernel: &[usize], stride: &[usize], input: &Shape) -> Result<Shape, String> {
    if input.len() != kernel.len() + 1
        || stride.len() != kernel.len()
        || kernel.is_empty()
        || [kernel, stride].iter().any(|v| v.contains(&0))
    {
        return Err(format!(
            "kernel {kernel:?} and stride {stride:?} do not fit {input:?}"
        ));
    }
    let spatial = input[1..].iter().zip(kernel.iter().zip(stride));
    let pooled = spatial.map(|(extent, (k, s))| extent.map(|e| windows(e, *k, *s)).transpose());
    std::iter::once(Ok(input[0])).chain(pooled).collect()
}

/// Number of whole windows.
fn windows(extent: usize, kernel: usize, stride: usize) -> Result<usize, String> {
    if extent < kernel {
        return Err(format!("a window of {kernel} does not fit into {extent}"));
    }
    Ok((extent - kernel) / stride + 1)
}
