//! Features of spectra: runs the part of a network between the input vector and the last dense
//! layer, one spectrum at a time.

use crate::{InferError, OnnxRuntime, Session, SessionOptions, Watch};
use assay_network::{ExportOptions, ForeignBase, Graph, Landmark, Weights, export_onnx};
use ndarray::{Array2, ArrayView2, Axis};
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

    /// Prepares a finished model that has an output `features`; its other outputs stay unused.
    ///
    /// # Errors
    /// When the runtime refuses the model, or when it does not map `spectrum [n, bins]` to
    /// `features [n, F]`.
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
        let output = session.outputs().iter().find(|o| o.name == wanted);
        let features = match output.map(|o| o.shape.as_slice()) {
            Some([None, Some(features)]) => *features,
            Some(shape) => {
                return Err(interface(format!(
                    "gives {wanted:?} of shape {shape:?} instead of [n, features]"
                )));
            }
            None => return Err(session.unknown_output(wanted)),
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
            let outputs = self
                .session
                .run(input, &[Landmark::Features.tensor_name()])
                .map_err(|error| error.in_row(row))?;
            for (target, value) in target.iter_mut().zip(outputs.iter().flatten()) {
                *target = *value;
            }
            watch.report(row + 1, total);
        }
        Ok(features)
    }
}
