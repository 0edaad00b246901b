//! Where a network from image to feature map can be cut, and what each piece reads and costs.

use super::window::Window;
use assay_network::{
    ExportOptions, Graph, Landmark, NetworkError, Node, Op, Padding, ValueId, Weights, export_onnx,
    fold::for_inference, infer_shapes,
};

/// A cut value that is this much larger than the next one of the same extent is not worth its
/// memory: the two pieces become one.
const LARGER: usize = 2;

/// A piece of the network between two cuts.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The piece as a model with any height and width.
    pub(crate) model: Vec<u8>,
    /// What an output position reads, rows and columns.
    pub(crate) windows: [Window; 2],
    /// Channels of the output.
    pub(crate) channels: usize,
    /// Height and width of the output.
    pub(crate) extent: [usize; 2],
    /// Multiplications for one output position.
    pub(crate) work: f64,
}

impl Piece {
    /// Whether it computes each position from that position alone.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.windows.iter().all(|window| window.is_point())
    }
}

/// The pieces in order, or `None` for a network that has operations over the whole image before
/// its feature map, other features than the means of that map, or an image of unknown size.
pub(crate) fn pieces(graph: &Graph, weights: &Weights) -> Result<Option<Vec<Piece>>, NetworkError> {
    if !features_are_means(graph) {
        return Ok(None);
    }
    let base = graph.cut(Landmark::Image, Landmark::FeatureMap)?;
    let (base, weights) = for_inference(&base, &weights.only_for(&base)?)?;
    let Some(base) = with_fixed_padding(&base)? else {
        return Ok(None);
    };
    let end = base.require(Landmark::FeatureMap)?;
    let steps = between_bottlenecks(&base, end);
    let measured: Option<Vec<Measured>> = steps
        .windows(2)
        .map(|ends| measure(&base, ends[0], ends[1]))
        .collect();
    let Some(measured) = measured else {
        return Ok(None);
    };
    choose(&measured)
        .into_iter()
        .map(|(start, end)| piece(&base, &weights, start, end))
        .collect()
}

fn features_are_means(graph: &Graph) -> bool {
    let ends = (
        graph.landmark(Landmark::FeatureMap),
        graph.landmark(Landmark::Features),
    );
    let (Some(map), Some(features)) = ends else {
        return false;
    };
    let Some(node) = graph.node(features) else {
        return false;
    };
    matches!(node.op, Op::GlobalAveragePool { keep_axes: false }) && node.inputs == [map]
}

/// The same network for this size of image, every padding in numbers: a crop must be padded as
/// the whole image is, not as an image of the crop's size would be.
fn with_fixed_padding(graph: &Graph) -> Result<Option<Graph>, NetworkError> {
    let shapes = infer_shapes(graph)?;
    if shapes
        .iter()
        .any(|shape| shape.len() != 3 || shape.contains(&None))
    {
        return Ok(None);
    }
    let mut fixed = graph.clone();
    for node in &mut fixed.nodes {
        let Op::Conv {
            kernel,
            stride,
            padding,
            ..
        } = &mut node.op
        else {
            continue;
        };
        let input = &shapes[node.inputs[0].0];
        let amounts = (0..kernel.len()).map(|axis| {
            let extent = input[axis + 1].unwrap_or_default();
            padding.amounts(axis, extent, kernel[axis], stride[axis])
        });
        *padding = Padding::Explicit(amounts.collect());
    }
    Ok(Some(fixed))
}

/// Values that everything behind them depends on and nothing behind them bypasses, from the input
/// to `end`.
fn between_bottlenecks(graph: &Graph, end: ValueId) -> Vec<ValueId> {
    let mut bypassed = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for input in &node.inputs {
            bypassed[input.0 + 1..index].fill(true);
        }
    }
    let inner = (1..end.0).filter(|index| !bypassed[*index]);
    std::iter::once(0)
        .chain(inner)
        .chain([end.0])
        .map(ValueId)
        .collect()
}

/// One step between neighbouring bottlenecks.
struct Measured {
    start: ValueId,
    end: ValueId,
    pointwise: bool,
    /// Channels, height and width of the output.
    shape: [usize; 3],
}

fn measure(graph: &Graph, start: ValueId, end: ValueId) -> Option<Measured> {
    let shapes = infer_shapes(graph).ok()?;
    let (windows, _) = windows(graph, start, end)?;
    let extent = |axis: usize| shapes[end.0].get(axis).copied().flatten();
    Some(Measured {
        start,
        end,
        pointwise: windows.iter().all(|window| window.is_point()),
        shape: [extent(0)?, extent(1)?, extent(2)?],
    })
}

/// Windows of `end` on `start`, and multiplications for one position of `end`; `None` where an
/// operation reads the whole image or is not known to move over it.
fn windows(graph: &Graph, start: ValueId, end: ValueId) -> Option<([Window; 2], f64)> {
    let mut known: Vec<Option<[Window; 2]>> = vec![None; graph.nodes.len()];
    known[start.0] = Some([Window::POINT; 2]);
    // Multiplications at each node, with its stride against the start.
    let mut costs: Vec<(f64, f64)> = Vec::new();
    for index in start.0 + 1..=end.0 {
        let node = &graph.nodes[index];
        let inputs: Option<Vec<[Window; 2]>> = node.inputs.iter().map(|i| known[i.0]).collect();
        let inputs = inputs?;
        let first = *inputs.first()?;
        let (windows, cost) = match &node.op {
            Op::Affine { .. }
            | Op::RepeatChannel { .. }
            | Op::BatchNorm { .. }
            | Op::Activation(_)
            | Op::Dropout { .. } => (first, 0.0),
            Op::Add | Op::Multiply => {
                let second = *inputs.get(1)?;
                let joined = [first[0].join(second[0])?, first[1].join(second[1])?];
                (joined, 0.0)
            }
            Op::Conv {
                in_channels,
                out_channels,
                kernel,
                stride,
                groups,
                padding: Padding::Explicit(amounts),
                ..
            } if kernel.len() == 2 => {
                let axis = |a: usize| Window::kernel(kernel[a], stride[a], amounts[a].0);
                let own = [axis(0)?, axis(1)?];
                let cost = (in_channels / groups * out_channels * kernel[0] * kernel[1]) as f64;
                ([first[0].then(own[0]), first[1].then(own[1])], cost)
            }
            Op::MaxPool { kernel, stride } if kernel.len() == 2 => {
                let axis = |a: usize| Window::kernel(kernel[a], stride[a], 0);
                let own = [axis(0)?, axis(1)?];
                ([first[0].then(own[0]), first[1].then(own[1])], 0.0)
            }
            _ => return None,
        };
        known[index] = Some(windows);
        costs.push((cost, (windows[0].stride * windows[1].stride) as f64));
    }
    let windows = known[end.0]?;
    let positions = (windows[0].stride * windows[1].stride) as f64;
    let work = costs.iter().map(|(cost, stride)| cost * positions / stride);
    Some((windows, work.sum()))
}

/// Joins the steps to pieces with one moving window each, cut where the value between two windows
/// is smallest; a last piece without a window stays by itself.
fn choose(steps: &[Measured]) -> Vec<(ValueId, ValueId)> {
    let volume = |step: &Measured| step.shape.iter().product::<usize>();
    let mut cuts: Vec<&Measured> = Vec::new();
    let mut best: Option<&Measured> = None;
    for step in steps {
        if !step.pointwise {
            cuts.extend(best.take());
            best = Some(step);
        } else if let Some(smallest) = best
            && volume(step) <= volume(smallest)
        {
            best = Some(step);
        }
    }
    cuts.extend(best);
    let mut kept: Vec<&Measured> = Vec::new();
    for (index, cut) in cuts.iter().enumerate() {
        let wasteful = cuts.get(index + 1).is_some_and(|next| {
            next.shape[1..] == cut.shape[1..] && cut.shape[0] >= LARGER * next.shape[0]
        });
        if !wasteful {
            kept.push(cut);
        }
    }
    let mut ends: Vec<ValueId> = steps.first().map(|step| step.start).into_iter().collect();
    ends.extend(kept.iter().map(|cut| cut.end));
    let end = steps.last().map(|step| step.end);
    ends.extend(end.filter(|end| ends.last() != Some(end)));
    ends.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

fn piece(
    graph: &Graph,
    weights: &Weights,
    start: ValueId,
    end: ValueId,
) -> Result<Option<Piece>, NetworkError> {
    let Some((windows, work)) = windows(graph, start, end) else {
        return Ok(None);
    };
    let Some(Measured { shape, .. }) = measure(graph, start, end) else {
        return Ok(None);
    };
    let mut part = graph.between((start, "crop"), (end, "pasted"))?;
    part.landmarks.clear();
    let last = ValueId(part.nodes.len() - 1);
    part.mark(Landmark::FeatureMap, last);
    if let Some(Node {
        op: Op::Input { shape },
        ..
    }) = part.nodes.first_mut()
    {
        shape[1..].fill(None);
    }
    let options = ExportOptions {
        outputs: vec![Landmark::FeatureMap],
        ..ExportOptions::default()
    };
    Ok(Some(Piece {
        model: export_onnx(&part, &weights.only_for(&part)?, &options)?,
        windows,
        channels: shape[0],
        extent: [shape[1], shape[2]],
        work,
    }))
}

#[cfg(test)]
mod tests;
