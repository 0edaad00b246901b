//! The way of a model from its image to its features, taken out of its bundle.

use crate::ExplainError;
use assay_infer::{MaskedFeatures, MaskedNetwork, MaskedOptions, OnnxRuntime, SessionOptions};
use assay_network::{from_image_of_onnx, network_of_onnx};
use assay_pipeline::{Bundle, PipelineError, catalogue_graph};
use ndarray::ArrayView2;
use std::{num::NonZeroUsize, sync::Arc};

/// How masked images are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageOptions {
    /// Threads within one operation; `None` takes as many as there are cores.
    pub threads: Option<NonZeroUsize>,
    /// Memory for feature maps of masks computed before, see [`MaskedOptions::memory_bytes`].
    pub memory_bytes: usize,
}

impl Default for ImageOptions {
    fn default() -> Self {
        let usual = MaskedOptions::default();
        Self {
            threads: usual.session.threads,
            memory_bytes: usual.memory_bytes,
        }
    }
}

/// The way of a model from its image to its features, ready for masks. Its weights are those that
/// the bundle ships with, also where the base was trained further. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ImageNetwork {
    network: Arc<MaskedNetwork>,
    memory_bytes: usize,
}

impl ImageNetwork {
    /// Prepares the network of a bundle in the runtime of this process. A base of the catalogue is
    /// cut into pieces, so that what a mask does not touch is computed once; any other runs as a
    /// whole on every masked image.
    ///
    /// # Errors
    /// When the model makes no image, when it is another network than the bundle says, when there
    /// is no runtime, or when it refuses the network.
    pub fn load(bundle: &Bundle, options: &ImageOptions) -> Result<Self, ExplainError> {
        let contents = bundle.contents();
        let imaging = contents.model.imaging().ok_or(ExplainError::NoImage)?;
        let (bins, classes) = (contents.recipe.bins(), contents.classes.len());
        let runtime = OnnxRuntime::load(None).map_err(PipelineError::from)?;
        let masked = MaskedOptions {
            session: SessionOptions {
                threads: options.threads,
                ..SessionOptions::default()
            },
            memory_bytes: options.memory_bytes,
        };
        let network = match catalogue_graph(&contents.model, bins, classes)? {
            Some(graph) => {
                let found = network_of_onnx(bundle.model(), &graph);
                let (graph, weights) = found.map_err(PipelineError::from)?;
                MaskedNetwork::new(runtime, &graph, &weights, None, &masked)
            }
            None => {
                let model = from_image_of_onnx(bundle.model(), imaging.size);
                let model = model.map_err(PipelineError::from)?;
                MaskedNetwork::whole(runtime, &model, &masked)
            }
        };
        Ok(Self {
            network: Arc::new(network.map_err(PipelineError::from)?),
            memory_bytes: options.memory_bytes,
        })
    }

    /// The same network without memory for masks: features depend on their mask alone, to the bit,
    /// so that an explanation which was interrupted ends as if it had not been.
    #[must_use]
    pub fn forgetful(&self) -> Self {
        Self {
            network: Arc::clone(&self.network),
            memory_bytes: 0,
        }
    }

    /// Whether parts of masked images are reused.
    #[must_use]
    pub fn reuses(&self) -> bool {
        self.network.reuses()
    }

    pub(super) fn images(
        &self,
        shown: ArrayView2<'_, f32>,
        hidden: ArrayView2<'_, f32>,
    ) -> Result<MaskedFeatures<'_>, ExplainError> {
        let images = self.network.images_within(self.memory_bytes, shown, hidden);
        Ok(images.map_err(PipelineError::from)?)
    }
}
