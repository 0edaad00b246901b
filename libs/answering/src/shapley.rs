//! Shapley values: parts of a spectrum are hidden over many runs of the network. The work can be
//! watched, stopped between two batches, and taken up again.

use crate::{
    AnswerError, Answerer, FeatureSource, Question,
    answerer::WAITING,
    blocking,
    deadline::Deadline,
    reasons::{class_of, matrix, refused},
};
use assay_core::Digest;
use assay_explain::{Hiding, Over, ShapleyRun, ShapleySpec, ShapleyState, ShapleyValues};
use assay_pipeline::{Judge, Prepared};
use ndarray::{Array2, ArrayView2};
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::watch};

/// The field of what has no field of its own.
const OPTIONS: &str = "options";

/// One explanation by Shapley values.
pub(crate) struct Shapley {
    /// What answers.
    pub(crate) judge: Arc<Judge>,
    /// About what.
    pub(crate) prepared: Arc<Prepared>,
    /// The class that it is about; `None`: the most probable one.
    pub(crate) class: Option<usize>,
    /// What is hidden.
    pub(crate) spec: ShapleySpec,
    /// Where an earlier attempt stopped.
    pub(crate) state: Option<ShapleyState>,
    /// Whether an interrupted explanation must end as if it had not been, to the bit.
    pub(crate) repeatable: bool,
    /// The longest time for one batch of runs, where the whole has none.
    pub(crate) batch_time: Option<Duration>,
}

impl Answerer {
    /// What parts of a spectrum add to the logits of classes, by the model that a name stands for
    /// now; `label` names the class that it is about (`None`: the most probable one). `watch` hears
    /// how many of how many runs of the network are done, and says whether to go on.
    ///
    /// # Errors
    /// As [`Answerer::identify`]; for a label that the model does not have, and for settings that
    /// do not fit. [`AnswerError::Cancelled`] when nobody wants to go on.
    pub async fn shapley(
        &self,
        model: &str,
        question: Question,
        (label, spec): (Option<String>, ShapleySpec),
        watch: impl Fn(usize, usize) -> bool + Send + 'static,
        deadline: Option<Duration>,
    ) -> Result<(Arc<Judge>, ShapleyValues), AnswerError> {
        let deadline = Deadline::after(deadline);
        spec.check().map_err(|error| refused(error, OPTIONS))?;
        let bundle = self.resolve(model, deadline).await?;
        let (judge, prepared) = self.prepared(bundle, question, deadline).await?;
        let class = label
            .map(|label| class_of(judge.bundle(), &label))
            .transpose()?;
        let shapley = Shapley {
            judge: Arc::clone(&judge),
            prepared,
            class,
            spec,
            state: None,
            repeatable: false,
            batch_time: None,
        };
        let values = self.hide(shapley, numbers(watch), deadline).await?;
        Ok((judge, values))
    }

    /// Runs an explanation to its end. `told` is called before each batch; its error ends the work
    /// and comes back. Dropping the future ends the work after the batch at hand at the latest.
    pub(crate) async fn hide(
        &self,
        shapley: Shapley,
        mut told: impl FnMut(&ShapleyRun<'_>) -> Result<(), AnswerError> + Send + 'static,
        deadline: Deadline,
    ) -> Result<ShapleyValues, AnswerError> {
        let Shapley {
            judge,
            prepared,
            class,
            spec,
            state,
            repeatable,
            batch_time,
        } = shapley;
        let fits = spec.check_for(judge.bundle());
        fits.map_err(|error| refused(error, OPTIONS))?;
        // When this future is dropped, the work on the other thread learns that nobody waits.
        let (_waiting, waited_for) = watch::channel(());
        let features = Features {
            source: Arc::clone(&self.sources.features),
            runtime: Handle::current(),
            bundle: judge.bundle().id(),
            deadline,
            batch_time,
            waited_for,
        };
        let images = Arc::clone(&self.images);
        let turn = match spec.over {
            Over::Energies => None,
            Over::Image => {
                let waiting = "waiting for another explanation of pixels";
                Some(deadline.within(waiting, images.turn()).await?)
            }
        };
        blocking::run(move || {
            let _turn = turn;
            let cannot = |error| refused(error, OPTIONS);
            let of = |vectors: ArrayView2<'_, f32>| features.of(vectors);
            let (network, whole);
            let hiding = match spec.over {
                Over::Energies => Hiding::Energies(spec.energies(class)),
                Over::Image => {
                    let loaded = images.network(judge.bundle())?;
                    network = if repeatable {
                        loaded.forgetful()
                    } else {
                        loaded
                    };
                    let vector =
                        ArrayView2::from_shape((1, prepared.vector().len()), prepared.vector());
                    let vector = vector.map_err(|e| AnswerError::Defect(e.to_string()))?;
                    whole = features.of(vector)?.into_raw_vec_and_offset().0;
                    Hiding::Image {
                        settings: spec.image(class),
                        network: &network,
                        features: &whole,
                    }
                }
            };
            let mut run =
                ShapleyRun::begin((&judge, &prepared), hiding, state, of).map_err(cannot)?;
            loop {
                told(&run)?;
                if run.progress().finished {
                    return run.finish().map_err(cannot);
                }
                deadline.left(WAITING)?;
                features.check_waited_for()?;
                run.step(of).map_err(cannot)?;
            }
        })
        .await
    }
}

/// Tells the numbers of a run alone.
fn numbers(
    watch: impl Fn(usize, usize) -> bool + Send + 'static,
) -> impl FnMut(&ShapleyRun<'_>) -> Result<(), AnswerError> + Send + 'static {
    move |run| {
        let progress = run.progress();
        let evals = progress.rows.min(progress.max_evals);
        if watch(evals, progress.max_evals) {
            Ok(())
        } else {
            Err(AnswerError::Cancelled)
        }
    }
}

/// The source of features for work on a thread that waits.
struct Features {
    source: Arc<dyn FeatureSource>,
    runtime: Handle,
    bundle: Digest,
    deadline: Deadline,
    batch_time: Option<Duration>,
    waited_for: watch::Receiver<()>,
}

impl Features {
    fn check_waited_for(&self) -> Result<(), AnswerError> {
        let waits = self.waited_for.has_changed();
        waits.map(|_| ()).map_err(|_| AnswerError::Cancelled)
    }

    fn of(&self, vectors: ArrayView2<'_, f32>) -> Result<Array2<f32>, AnswerError> {
        let vectors = vectors.rows().into_iter().map(|row| row.to_vec()).collect();
        let deadline = match self.batch_time {
            Some(time) => Deadline::after(Some(time)),
            None => self.deadline,
        };
        let rows = self.runtime.block_on(async {
            let left = deadline.left(WAITING)?;
            let features = self.source.features(self.bundle, vectors, left);
            let mut waited_for = self.waited_for.clone();
            tokio::select! {
                found = deadline.within(WAITING, features) => found,
                _ = waited_for.changed() => Err(AnswerError::Cancelled),
            }
        });
        rows.and_then(|features| matrix(features.rows))
    }
}
