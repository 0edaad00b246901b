//! Features of spectra: runs the part of a network between the input vector and the last dense
//! layer, one spectrum at a time.

use crate::{InferError, OnnxRuntime, Session, SessionOptions, Watch};
use assay_network::{ExportOptions, ForeignBase, Graph, Landmark, Weights, export_onnx};
use ndarray::{Array2, ArrayD, ArrayView2, ArrayViewD, Axis};
use std::{fmt, sync::Arc};

/// What computed a feature: two results may only be compared or reused where this is equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineIdentity {
    /// Name of the engine.
    pub name: &'static str,
    /// Its version and build.
    pub version: String,
    /// The device it computes on.
    pub provider: &'static str,
    /// Element type of its arithmetic.
    pub dtype: &'static str,
}

impl fmt::Display for EngineIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.name, self.version, self.provider, self.dtype
        )
    }
}

/// Features of one spectrum together with the feature map that they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedFeatures {
    /// Input of the last dense layer, `[features]`.
    pub features: Vec<f32>,
    /// The last feature map, `[channels, height, width]` or `[channels, length]`.
    pub map: ArrayD<f32>,
}

/// A session from input vectors to features.
///
/// One row at a time, whatever the caller asks for: a larger batch is no faster (an image of
/// 512² pixels and its feature maps fill the caches already), takes a multiple of the memory, and
/// would let the features of a spectrum depend on its neighbours in the batch.
#[derive(Debug)]
pub struct FeatureExtractor {
    session: Session,
    engine: EngineIdentity,
    bins: usize,
    features: usize,
    maps: bool,
}

impl FeatureExtractor {
    /// Cuts a network down to the part from spectrum to features and prepares it; the head's
    /// weights need not exist yet. A graph with a foreign base needs that base.
    ///
    /// # Errors
    /// When the graph lacks one of the two landmarks, when the weights do not fit, or when the
    /// runtime refuses the model.
    pub fn new(
        runtime: &OnnxRuntime,
        graph: &Graph,
        weights: &Weights,
        foreign: Option<Arc<ForeignBase>>,
        options: &SessionOptions,
    ) -> Result<Self, InferError> {
        let part = graph.cut(Landmark::Spectrum, Landmark::Features)?;
        let export = ExportOptions {
            outputs: vec![Landmark::Features],
            foreign,
            ..ExportOptions::default()
        };
        Self::from_model(runtime, &export_onnx(&part, weights, &export)?, options)
    }

    /// Prepares a finished model that has an output `features`, and uses its output `feature_map`
    /// where it has one; the others stay unused.
    ///
    /// # Errors
    /// When the runtime refuses the model, when it does not map `spectrum [n, bins]` to
    /// `features [n, F]`, or when its `feature_map` has neither three nor four axes.
    pub fn from_model(
        runtime: &OnnxRuntime,
        model: &[u8],
        options: &SessionOptions,
    ) -> Result<Self, InferError> {
        let session = Session::from_bytes(runtime, model, options)?;
        let interface = |reason: String| InferError::ModelInterface { reason };
        let (name, wanted) = (&session.input().name, Landmark::Spectrum.tensor_name());
        let bins = match session.input().shape.as_slice() {
            [None, Some(bins)] if name == wanted => *bins,
            shape => {
                return Err(interface(format!(
                    "takes {name:?} of shape {shape:?} instead of {wanted:?} of shape [n, bins]"
                )));
            }
        };
        let wanted = Landmark::Features.tensor_name();
        let features = match shape_of(&session, wanted) {
            Some([None, Some(features)]) => *features,
            Some(shape) => {
                return Err(interface(format!(
                    "gives {wanted:?} of shape {shape:?} instead of [n, features]"
                )));
            }
            None => return Err(session.unknown_output(wanted)),
        };
        let wanted = Landmark::FeatureMap.tensor_name();
        let maps = match shape_of(&session, wanted) {
            None => false,
            Some([None, _, _] | [None, _, _, _]) => true,
            Some(shape) => {
                return Err(interface(format!(
                    "gives {wanted:?} of shape {shape:?} instead of [n, channels, height, width] \
                     or [n, channels, length]"
                )));
            }
        };
        Ok(Self {
            session,
            engine: EngineIdentity {
                name: "onnxruntime",
                version: runtime.version().to_owned(),
                provider: "cpu",
                dtype: "f32",
            },
            bins,
            features,
            maps,
        })
    }

    /// Length of an input vector.
    #[must_use]
    pub const fn bins(&self) -> usize {
        self.bins
    }

    /// Number of features.
    #[must_use]
    pub const fn features(&self) -> usize {
        self.features
    }

    /// Whether the model gives its feature map too, as [`FeatureExtractor::extract_with_map`]
    /// needs.
    #[must_use]
    pub const fn has_map(&self) -> bool {
        self.maps
    }

    /// What computes here.
    #[must_use]
    pub const fn engine(&self) -> &EngineIdentity {
        &self.engine
    }

    /// Features of every row; reports progress after each and can be cancelled between two.
    ///
    /// # Shapes
    /// `[n, bins]` → `[n, features]`; no rows give no rows.
    ///
    /// # Errors
    /// When the width is wrong, when a value is not finite, on cancellation (with the number of
    /// rows done), or when the runtime fails. Errors count rows from 0 within `vectors`.
    pub fn extract(
        &self,
        vectors: ArrayView2<'_, f32>,
        watch: &Watch<'_>,
    ) -> Result<Array2<f32>, InferError> {
        let total = vectors.nrows();
        let mut features = Array2::zeros((total, self.features));
        for (row, mut target) in features.axis_iter_mut(Axis(0)).enumerate() {
            if watch.is_cancelled() {
                return Err(InferError::Cancelled { done: row, total });
            }
            let input = vectors.slice(ndarray::s![row..=row, ..]).into_dyn();
            let [found] = self
                .run(input, [Landmark::Features])
                .map_err(|error| error.in_row(row))?;
            for (target, value) in target.iter_mut().zip(&found) {
                *target = *value;
            }
            watch.report(row + 1, total);
        }
        Ok(features)
    }
    /// Features of one vector and the feature map behind them, from one run. The features are
    /// those of [`FeatureExtractor::extract`] to the bit.
    ///
    /// # Shapes
    /// `[bins]` → `[features]` and `[channels, height, width]` or `[channels, length]`
    ///
    /// # Errors
    /// When the model gives no feature map, when the length is wrong, when a value is not finite,
    /// or when the runtime fails.
    pub fn extract_with_map(&self, vector: &[f32]) -> Result<MappedFeatures, InferError> {
        if !self.maps {
            return Err(self
                .session
                .unknown_output(Landmark::FeatureMap.tensor_name()));
        }
        let input = ndarray::aview1(vector).insert_axis(Axis(0)).into_dyn();
        let [features, map] = self.run(input, [Landmark::Features, Landmark::FeatureMap])?;
        Ok(MappedFeatures {
            features: features.into_iter().collect(),
            map: map.index_axis_move(Axis(0), 0),
        })
    }

    /// Features and the graph's own logits of one vector, from one run: for checking a model
    /// against the head's function, which gives the logits of answers.
    ///
    /// # Shapes
    /// `[bins]` → `[features]` and `[classes]`
    ///
    /// # Errors
    /// When the model gives no logits, when the length is wrong, when a value is not finite, or
    /// when the runtime fails.
    pub fn extract_with_logits(&self, vector: &[f32]) -> Result<(Vec<f32>, Vec<f32>), InferError> {
        let input = ndarray::aview1(vector).insert_axis(Axis(0)).into_dyn();
        let [features, logits] = self.run(input, [Landmark::Features, Landmark::Logits])?;
        Ok((features.into_iter().collect(), logits.into_iter().collect()))
    }

    /// Runs one row and checks that the outputs have the shapes that the model declares.
    fn run<const N: usize>(
        &self,
        row: ArrayViewD<'_, f32>,
        wanted: [Landmark; N],
    ) -> Result<[ArrayD<f32>; N], InferError> {
        let names = wanted.map(Landmark::tensor_name);
        let outputs = self.session.run(row, &names)?;
        for (name, output) in names.iter().zip(&outputs) {
            let declared = shape_of(&self.session, name).unwrap_or_default();
            let fits = |(axis, (&found, &declared)): (usize, (&usize, &Option<usize>))| {
                declared.map_or(axis > 0 || found == 1, |declared| declared == found)
            };
            let axes = output.shape().iter().zip(declared).enumerate();
            if output.ndim() != declared.len() || output.is_empty() || !axes.into_iter().all(fits) {
                return Err(InferError::ModelInterface {
                    reason: format!(
                        "gave {name:?} of shape {:?} for one row, but declares {declared:?}",
                        output.shape()
                    ),
                });
            }
        }
        <[_; N]>::try_from(outputs).map_err(|outputs| InferError::ModelInterface {
            reason: format!("gave {} outputs instead of {N}", outputs.len()),
        })
    }
}

fn shape_of<'a>(session: &'a Session, output: &str) -> Option<&'a [Option<usize>]> {
    let mut outputs = session.outputs().iter();
    let found = outputs.find(|info| info.name == output)?;
    Some(&found.shape)
}
