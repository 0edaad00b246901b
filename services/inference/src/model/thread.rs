//! The thread of a model: loads it, tests it, and computes what the queue gives until it closes.

use super::{
    Recent,
    queue::{Explained, Queue, Row, Task},
    self_test,
    serve::{Compute, serve},
};
use crate::measure;
use assay_answering::AnswerError;
use assay_core::{Classified, Digest, ErrorKind};
use assay_explain::{CamSettings, ExplainError, class_map, map_importances};
use assay_infer::{EngineIdentity, FeatureExtractor, OnnxRuntime, SessionOptions, Watch};
use assay_pipeline::{Bundle, PipelineError};
use assay_store::BundleFiles;
use ndarray::{Axis, aview1};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// How much a model takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Most pixels of images in a batch.
    pub(crate) batch_pixels: usize,
    /// Most rows in a batch.
    pub(crate) batch_rows: usize,
    /// Most rows that wait.
    pub(crate) queue_rows: usize,
}

impl Limits {
    /// Rows that are taken from the queue at once, of a model whose images have so many pixels:
    /// as many as their pixels allow, and one where a single image has more.
    fn rows_at_once(self, pixels_per_image: Option<usize>) -> usize {
        match pixels_per_image {
            None => self.batch_rows,
            Some(pixels) => (self.batch_pixels / pixels.max(1)).clamp(1, self.batch_rows),
        }
    }
}

/// What is to be loaded, and how.
pub(crate) struct Load {
    pub(crate) digest: Digest,
    pub(crate) files: BundleFiles,
    pub(crate) runtime: &'static OnnxRuntime,
    pub(crate) session: SessionOptions,
    pub(crate) limits: Limits,
    /// Input vectors that the model before this one computed lately.
    pub(crate) probes: Vec<Vec<f32>>,
}

/// A model that passed its test.
pub(super) struct Loaded {
    pub(super) bundle: Arc<Bundle>,
    pub(super) engine: EngineIdentity,
    pub(super) queue: Arc<Queue>,
    pub(super) recent: Arc<Recent>,
}

struct Engine {
    bundle: Arc<Bundle>,
    extractor: FeatureExtractor,
    recent: Arc<Recent>,
}

/// Closes the queue when the thread ends, however it ends.
struct Closing(Arc<Queue>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The whole life of a model's thread.
pub(super) fn run(load: Load, report: oneshot::Sender<Result<Loaded, String>>) {
    let limits = load.limits;
    let (engine, row_took) = match Engine::prepare(load) {
        Ok(prepared) => prepared,
        Err(reason) => {
            drop(report.send(Err(reason)));
            return;
        }
    };
    let work = measure::Load::of(engine.bundle.id(), engine.pixels_per_row());
    let queue = Arc::new(Queue::new(limits.queue_rows, work));
    queue.measure(row_took);
    let closing = Closing(Arc::clone(&queue));
    let loaded = Loaded {
        bundle: Arc::clone(&engine.bundle),
        engine: engine.extractor.engine().clone(),
        queue,
        recent: Arc::clone(&engine.recent),
    };
    if report.send(Ok(loaded)).is_ok() {
        serve(&engine, &closing.0, engine.batch_rows(limits));
    }
}

impl Engine {
    fn prepare(load: Load) -> Result<(Self, Duration), String> {
        let files = load.files.into_iter();
        let files = files.map(|(name, bytes)| (name, bytes.to_vec())).collect();
        let origin = format!("bundle {}", load.digest.short());
        let bundle =
            Bundle::from_files(files, Path::new(&origin)).map_err(|error| in_words(&error))?;
        if bundle.id() != load.digest {
            return Err(format!(
                "its files are those of bundle {}; restore them",
                bundle.id()
            ));
        }
        let extractor = bundle
            .extractor(load.runtime, &load.session)
            .map_err(|error| in_words(&error))?;
        let took = self_test::run(&bundle, &extractor, &load.probes)?;
        let engine = Self {
            bundle: Arc::new(bundle),
            extractor,
            recent: Arc::default(),
        };
        Ok((engine, took))
    }

    fn pixels_per_row(&self) -> usize {
        let imaging = self.bundle.contents().model.imaging();
        imaging.map_or(1, |imaging| {
            imaging.size.saturating_mul(imaging.size).max(1)
        })
    }

    fn batch_rows(&self, limits: Limits) -> usize {
        let images = self.bundle.contents().model.imaging().is_some();
        limits.rows_at_once(images.then(|| self.pixels_per_row()))
    }
}

impl Compute for Engine {
    fn row(&self, task: Task, vector: &[f32]) -> Result<Row, AnswerError> {
        match task {
            Task::Features => {
                let row = aview1(vector).insert_axis(Axis(0));
                let features = self.extractor.extract(row, &Watch::none());
                let features = features.map_err(PipelineError::from)?;
                Ok(Row {
                    features: features.into_iter().collect(),
                    explained: None,
                })
            }
            Task::Importances(class, settings) => self.explained(class, settings, vector),
        }
    }

    fn answered(&self, vector: Vec<f32>) {
        self.recent.add(vector);
    }
}

impl Engine {
    /// The feature map stays here: it is too large to travel.
    fn explained(
        &self,
        class: Option<usize>,
        settings: CamSettings,
        vector: &[f32],
    ) -> Result<Row, AnswerError> {
        if !self.extractor.has_map() {
            return Err(explain_error(ExplainError::NoMap));
        }
        let mapped = self.extractor.extract_with_map(vector);
        let mapped = mapped.map_err(PipelineError::from)?;
        let class = match class {
            Some(class) => class,
            None => most_probable(&self.bundle, &mapped.features)?,
        };
        let map = class_map(&self.bundle, &mapped, class, settings.method);
        let map = map.map_err(explain_error)?;
        let importances = map_importances(&self.bundle, &map, class, settings.reduction);
        let importance = importances.map_err(explain_error)?.importance;
        Ok(Row {
            features: mapped.features,
            explained: Some(Explained {
                class,
                importance,
                map,
            }),
        })
    }
}

/// The class of the largest logit of the head's function; the lowest where several are.
fn most_probable(bundle: &Bundle, features: &[f32]) -> Result<usize, AnswerError> {
    let logits = bundle
        .head()
        .logits(features)
        .map_err(PipelineError::from)?;
    Ok(lowest_maximum(&logits))
}

/// Position of the largest value; the lowest where several are equal.
pub(crate) fn lowest_maximum(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

fn explain_error(error: ExplainError) -> AnswerError {
    match error {
        ExplainError::Pipeline(error) => error.into(),
        error => match error.kind() {
            ErrorKind::FailedPrecondition => AnswerError::NotPossible(error.to_string()),
            _ => AnswerError::Defect(error.to_string()),
        },
    }
}

/// An error with its causes.
pub(super) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        // Some errors repeat their cause in their own words already.
        if text.contains(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_bounded_by_the_pixels_of_its_images_and_by_its_rows() {
        let limits = Limits {
            batch_pixels: 8_000_000,
            batch_rows: 32,
            queue_rows: 1024,
        };
        for (size, rows) in [(224, 32), (512, 30), (1024, 7), (2631, 1), (5000, 1)] {
            assert_eq!(limits.rows_at_once(Some(size * size)), rows, "{size}");
        }
        assert_eq!(limits.rows_at_once(None), 32);
    }
}
