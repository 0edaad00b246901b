//! One piece of the network, ready to run on crops of the map before it.

use super::{
    labels::Viewpoint,
    map::{Layout, copy},
    plan::Piece,
    rectangle::Rectangle,
    window::Window,
};
use crate::{InferError, OnnxRuntime, Session, SessionOptions};
use assay_network::Landmark;
use ndarray::{ArrayView, IxDyn};

/// A piece with its session and with the map that it gives.
#[derive(Debug)]
pub(super) struct Stage {
    session: Session,
    windows: [Window; 2],
    /// Channels, height and width of the input.
    input: (usize, [usize; 2]),
    /// Multiplications for one output position.
    pub(super) work: f64,
    pub(super) layout: Layout,
    pub(super) view: Viewpoint,
}

/// Computed values of a rectangle, `[channels, height, width]`.
pub(super) struct Patch {
    pub(super) place: Rectangle,
    pub(super) values: Vec<f32>,
    /// Multiplications spent on it.
    pub(super) work: f64,
}

impl Stage {
    /// `before` is the stage that gives the input; the first one reads an image of `pixels`.
    pub(super) fn new(
        runtime: &OnnxRuntime,
        piece: &Piece,
        before: Option<&Self>,
        pixels: [usize; 2],
        options: &SessionOptions,
    ) -> Result<Self, InferError> {
        let before_windows = before.map_or([Window::POINT; 2], |stage| stage.view.windows);
        let windows = [0, 1].map(|axis| before_windows[axis].then(piece.windows[axis]));
        Ok(Self {
            session: Session::from_bytes(runtime, &piece.model, options)?,
            windows: piece.windows,
            input: before.map_or((1, pixels), |stage| {
                (stage.layout.channels, stage.layout.extent)
            }),
            work: piece.work,
            layout: Layout::new(piece.channels, piece.extent, windows[0].stride),
            view: Viewpoint {
                windows,
                pixels,
                extent: piece.extent,
            },
        })
    }

    /// Positions read around a rectangle, counted in outputs.
    pub(super) fn halo(&self) -> [usize; 2] {
        self.windows.map(Window::halo)
    }

    /// The input positions that a rectangle of the output needs. It starts where a window of the
    /// whole map would start, so that strides fall on the same positions in a crop.
    pub(super) fn reads(&self, output: &Rectangle) -> Rectangle {
        let [rows, columns] = [0, 1].map(|axis| {
            let window = self.windows[axis];
            let (start, end) = window.read(output.span(axis), self.input.1[axis]);
            (start / window.stride * window.stride, end)
        });
        Rectangle {
            top: rows.0,
            bottom: rows.1,
            left: columns.0,
            right: columns.1,
        }
    }

    /// Computes a rectangle of the output from the values that it reads.
    ///
    /// The piece pads a crop on all sides as it pads the whole map. Where the crop ends at the
    /// border of the map that is right; everywhere else it spoils positions that the rectangle
    /// does not hold.
    ///
    /// # Shapes
    /// `crop` is `[channels, height, width]` of `self.reads(&output)`.
    pub(super) fn compute(&self, output: Rectangle, crop: &[f32]) -> Result<Patch, InferError> {
        let read = self.reads(&output);
        let shape = [1, self.input.0, read.height(), read.width()];
        let computed = self.run(&shape, crop)?;
        let extent = [computed.shape()[2], computed.shape()[3]];
        let (top, left) = (
            read.top / self.windows[0].stride,
            read.left / self.windows[1].stride,
        );
        let whole = Rectangle {
            top,
            bottom: top + extent[0],
            left,
            right: left + extent[1],
        };
        if !whole.holds(&output) {
            return Err(InferError::ModelInterface {
                reason: format!("gave {extent:?} positions for a crop of {shape:?}"),
            });
        }
        let channels = self.layout.channels;
        let mut values = vec![0.0; channels * output.area()];
        let computed = computed.as_standard_layout();
        let computed = computed.as_slice().unwrap_or_default();
        copy((computed, &whole), (&mut values, &output), channels);
        Ok(Patch {
            place: output,
            values,
            work: self.work * whole.area() as f64,
        })
    }

    /// Sums over positions of a piece that computes each position by itself.
    ///
    /// # Shapes
    /// `columns` is `[channels, positions]`; the positions of part `i` are the next `parts[i]`.
    pub(super) fn sums(
        &self,
        columns: &[f32],
        parts: &[usize],
    ) -> Result<Vec<Vec<f64>>, InferError> {
        let positions: usize = parts.iter().sum();
        let computed = self.run(&[1, self.input.0, 1, positions], columns)?;
        let computed = computed.as_standard_layout();
        let rows = computed.as_slice().unwrap_or_default();
        Ok(plain_sums(rows, parts))
    }

    fn run(&self, shape: &[usize; 4], values: &[f32]) -> Result<ndarray::ArrayD<f32>, InferError> {
        let input = ArrayView::from_shape(IxDyn(shape), values).map_err(|error| {
            InferError::ModelInterface {
                reason: format!("takes another crop: {error}"),
            }
        })?;
        let name = Landmark::FeatureMap.tensor_name();
        let output = self.session.run(input, &[name])?.pop();
        match output {
            Some(output)
                if output.shape().get(1) == Some(&self.layout.channels) && output.ndim() == 4 =>
            {
                Ok(output)
            }
            other => Err(InferError::ModelInterface {
                reason: format!("gave {:?} for a crop", other.map(|o| o.shape().to_vec())),
            }),
        }
    }
}

/// Sums of each part of every row of `[channels, positions]`.
pub(super) fn plain_sums(columns: &[f32], parts: &[usize]) -> Vec<Vec<f64>> {
    let positions: usize = parts.iter().sum();
    let mut sums = vec![Vec::new(); parts.len()];
    for mut row in columns.chunks_exact(positions.max(1)) {
        for (sums, part) in sums.iter_mut().zip(parts) {
            let (own, rest) = row.split_at(*part);
            sums.push(own.iter().copied().map(f64::from).sum::<f64>());
            row = rest;
        }
    }
    sums
}
