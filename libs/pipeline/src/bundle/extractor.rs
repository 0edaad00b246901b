//! From a bundle to a session that computes its features.

use super::{Bundle, MODEL_FILE};
use crate::PipelineError;
use assay_infer::{FeatureExtractor, OnnxRuntime, SessionOptions};

impl Bundle {
    /// Prepares the bundle's network in a runtime.
    ///
    /// # Errors
    /// When the runtime refuses the model, or sees another shape than the bundle says.
    pub fn extractor(
        &self,
        runtime: &OnnxRuntime,
        options: &SessionOptions,
    ) -> Result<FeatureExtractor, PipelineError> {
        let extractor = FeatureExtractor::from_model(runtime, self.model(), options)?;
        let found = (extractor.bins(), extractor.features());
        let expected = (self.contents.recipe.bins(), self.head.features());
        if found == expected {
            return Ok(extractor);
        }
        Err(PipelineError::BundleInvalid {
            file: self.origin.join(MODEL_FILE),
            reason: format!(
                "it maps {} bins to {} features, but recipe and head need {} and {}",
                found.0, found.1, expected.0, expected.1
            ),
        })
    }
}
