//! Features of one image under many masks. Where a position of a feature map sees nothing of a
//! mask's borders, its value is that of the image shown or hidden as a whole, or of a mask
//! computed before, and is copied; only the rest is computed, layer by layer and exactly.

mod cover;
mod labels;
mod layers;
mod map;
mod memory;
mod plan;
mod rectangle;
mod reuse;
mod stage;
mod window;

pub use rectangle::Rectangle;

use crate::{InferError, OnnxRuntime, Session, SessionOptions};
use assay_network::{ExportOptions, ForeignBase, Graph, Landmark, Weights, export_onnx};
use ndarray::{Array2, ArrayView2, Axis};
use reuse::{Reusing, Stages, mixed};
use std::sync::Arc;

/// How masked images are computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedOptions {
    /// How each session computes.
    pub session: SessionOptions,
    /// Memory for feature maps of masks computed before. An explanation of 500 rows at 2631 pixels
    /// gains from up to 4 GiB; 1 GiB makes it twice as fast as none. The maps of the two images
    /// themselves come on top: for EfficientNet-Lite0 about 46 bytes for each pixel of either
    /// image.
    pub memory_bytes: usize,
}

impl Default for MaskedOptions {
    fn default() -> Self {
        Self {
            session: SessionOptions::default(),
            memory_bytes: 1 << 30,
        }
    }
}

/// A network from an image to its features, ready for masks.
///
/// A network is cut into pieces where it is made of convolutions and the like up to a feature map
/// whose means are the features, and where the size of its image is fixed. Any other, such as one
/// with squeeze-and-excite or a base from elsewhere, is run on every masked image as a whole.
#[derive(Debug)]
pub struct MaskedNetwork {
    way: Way,
    memory_bytes: usize,
}

#[derive(Debug)]
enum Way {
    Pieces(Box<Stages>, [usize; 2]),
    Whole(Box<Session>),
}

impl MaskedNetwork {
    /// Prepares the part of a network from its image to its features; the head's weights need not
    /// exist.
    ///
    /// # Errors
    /// When the graph lacks one of the two landmarks, when the weights do not fit, or when the
    /// runtime refuses a piece.
    pub fn new(
        runtime: &OnnxRuntime,
        graph: &Graph,
        weights: &Weights,
        foreign: Option<Arc<ForeignBase>>,
        options: &MaskedOptions,
    ) -> Result<Self, InferError> {
        let part = graph.cut(Landmark::Image, Landmark::Features)?;
        let memory_bytes = options.memory_bytes;
        // Crops differ from run to run, and each piece would keep the memory of its largest.
        let session = SessionOptions {
            frees_memory: true,
            ..options.session.clone()
        };
        let limits = (&session, memory_bytes);
        if let Some(pixels) = pixels(&part)
            && let Some(pieces) = plan::pieces(&part, weights)?
            && let Some(stages) = Stages::new(runtime, pieces, pixels, limits)?
        {
            return Ok(Self {
                way: Way::Pieces(Box::new(stages), pixels),
                memory_bytes,
            });
        }
        let export = ExportOptions {
            outputs: vec![Landmark::Features],
            foreign,
            ..ExportOptions::default()
        };
        Self::whole(runtime, &export_onnx(&part, weights, &export)?, options)
    }

    /// Prepares a model from `image [n, height, width]` to `features`, whatever it is made of. It
    /// runs on every masked image as a whole.
    ///
    /// # Errors
    /// When the runtime refuses the model.
    pub fn whole(
        runtime: &OnnxRuntime,
        model: &[u8],
        options: &MaskedOptions,
    ) -> Result<Self, InferError> {
        let session = Session::from_bytes(runtime, model, &options.session)?;
        Ok(Self {
            way: Way::Whole(Box::new(session)),
            memory_bytes: options.memory_bytes,
        })
    }

    /// Whether parts of masked images are reused.
    #[must_use]
    pub const fn reuses(&self) -> bool {
        matches!(self.way, Way::Pieces(..))
    }

    /// Takes in the image and what hides it; where they are cut, both are computed as wholes.
    ///
    /// # Shapes
    /// Both `[height, width]`, as the network takes them.
    ///
    /// # Errors
    /// When the shapes do not fit, when a pixel is not finite, or when the runtime fails.
    pub fn images(
        &self,
        shown: ArrayView2<'_, f32>,
        hidden: ArrayView2<'_, f32>,
    ) -> Result<MaskedFeatures<'_>, InferError> {
        self.images_within(self.memory_bytes, shown, hidden)
    }

    /// The same with another memory for masks; without any, features depend on their mask alone,
    /// to the bit.
    ///
    /// # Errors
    /// As [`MaskedNetwork::images`].
    pub fn images_within(
        &self,
        memory_bytes: usize,
        shown: ArrayView2<'_, f32>,
        hidden: ArrayView2<'_, f32>,
    ) -> Result<MaskedFeatures<'_>, InferError> {
        let expected = match &self.way {
            Way::Pieces(_, [height, width]) => (*height, *width),
            Way::Whole(_) => shown.dim(),
        };
        for image in [&shown, &hidden] {
            if image.dim() != expected || image.is_empty() {
                return Err(InferError::InputShape {
                    name: Landmark::Image.tensor_name().to_owned(),
                    found: vec![1, image.nrows(), image.ncols()],
                    expected: format!("[1, {}, {}]", expected.0, expected.1),
                });
            }
        }
        let images = [hidden.to_owned(), shown.to_owned()];
        let state = match &self.way {
            Way::Pieces(stages, _) => {
                State::Reusing(Box::new(Reusing::new(stages, images, memory_bytes)?))
            }
            Way::Whole(_) => State::Whole(images),
        };
        Ok(MaskedFeatures {
            network: self,
            state,
            evaluated: 0,
        })
    }
}

/// Height and width of the image, where they are fixed.
fn pixels(part: &Graph) -> Option<[usize; 2]> {
    match assay_network::infer_shapes(part).ok()?.first()?.as_slice() {
        [Some(1), Some(height), Some(width)] => Some([*height, *width]),
        _ => None,
    }
}

/// Which pixels are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask {
    /// Rectangles of shown pixels; no two share a pixel.
    pub shown: Vec<Rectangle>,
    /// Masks computed before that differ from this one within small rectangles, where there are
    /// any; unknown ones do no harm. A mask is recognised by its list of rectangles.
    pub near: [Vec<Rectangle>; 2],
}

/// How much was computed of how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaskedWork {
    /// Multiplications done.
    pub done: f64,
    /// Multiplications that running the network on every masked image would have taken.
    pub whole: f64,
}

/// One image and what hides it, under any mask.
#[derive(Debug)]
pub struct MaskedFeatures<'a> {
    network: &'a MaskedNetwork,
    state: State,
    evaluated: usize,
}

#[derive(Debug)]
enum State {
    Reusing(Box<Reusing>),
    /// Everything hidden, everything shown.
    Whole([Array2<f32>; 2]),
}

impl MaskedFeatures<'_> {
    /// Features of the image with only the pixels of a mask shown. They agree with a run of the
    /// network on that image up to rounding, which depends on the masks evaluated before: what is
    /// copied was computed in another crop. Without memory for masks it depends on this one alone.
    ///
    /// # Shapes
    /// `[features]`.
    ///
    /// # Errors
    /// When a rectangle is empty, reaches beyond the image or meets another, or when the runtime
    /// fails.
    pub fn features(&mut self, mask: &Mask) -> Result<Vec<f32>, InferError> {
        let images = match &self.state {
            State::Reusing(reusing) => reusing.images(),
            State::Whole(images) => images,
        };
        let (height, width) = images[0].dim();
        check(&mask.shown, [height, width])?;
        self.evaluated += 1;
        match (&mut self.state, &self.network.way) {
            (State::Reusing(reusing), Way::Pieces(stages, _)) => {
                let [below, above] = &mask.near;
                reusing.features(stages, &mask.shown, [below, above])
            }
            (State::Whole(images), Way::Whole(session)) => {
                let all = Rectangle::all([height, width]);
                let pixels = mixed(images, &mask.shown, &all);
                let image = ArrayView2::from_shape((height, width), &pixels);
                let image = image.map_err(|error| InferError::ModelInterface {
                    reason: error.to_string(),
                })?;
                let input = image.insert_axis(Axis(0)).into_dyn();
                let name = Landmark::Features.tensor_name();
                let outputs = session.run(input, &[name])?;
                Ok(outputs.into_iter().flatten().collect())
            }
            _ => Err(InferError::ModelInterface {
                reason: "does not belong to these images".to_owned(),
            }),
        }
    }

    /// How much was computed so far, the two images as wholes included; `None` where nothing is
    /// reused.
    #[must_use]
    pub fn work(&self) -> Option<MaskedWork> {
        match (&self.state, &self.network.way) {
            (State::Reusing(reusing), Way::Pieces(stages, _)) => Some(MaskedWork {
                done: reusing.work,
                whole: stages.work * self.evaluated as f64,
            }),
            _ => None,
        }
    }
}

fn check(shown: &[Rectangle], [height, width]: [usize; 2]) -> Result<(), InferError> {
    let refuse = |reason: String| Err(InferError::Mask { reason });
    for (index, rectangle) in shown.iter().enumerate() {
        if rectangle.is_empty() || !Rectangle::all([height, width]).holds(rectangle) {
            return refuse(format!(
                "has {rectangle:?}; rows 0 to {height} and columns 0 to {width} are allowed"
            ));
        }
        if let Some(other) = shown[..index].iter().find(|other| other.meets(rectangle)) {
            return refuse(format!(
                "has {rectangle:?} and {other:?}, which share pixels"
            ));
        }
    }
    Ok(())
}
