//! One model in memory: a thread of its own with the session, and the queue before it. Rows are
//! computed one by one, also within a batch, so that an answer never depends on its neighbours;
//! a batch is what is taken from the queue at once.

mod queue;
mod self_test;
mod serve;
mod thread;

pub(crate) use queue::{Done, Task};
pub(crate) use thread::{Limits, Load, lowest_maximum};

use crate::pool::LoadFailure;
use assay_answering::AnswerError;
use assay_infer::EngineIdentity;
use assay_pipeline::Bundle;
use assay_trace::{STEP, step};
use queue::{NotTaken, Queue, Ticket};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Instant,
};
use tokio::sync::oneshot;
use tracing::{Span, debug_span, field::Empty};

/// Input vectors that a model keeps for the test of the next one.
const KEPT_VECTORS: usize = 3;

/// A model that answers. Dropping it ends its thread after the row at hand.
pub(crate) struct Model {
    bundle: Arc<Bundle>,
    engine: EngineIdentity,
    queue: Arc<Queue>,
    recent: Arc<Recent>,
}

impl Model {
    /// Reads a bundle, makes its session, warms it up and tests it, all on the thread that then
    /// serves it; gives that thread's handle too.
    ///
    /// # Errors
    /// Why the bundle cannot be served, or not now.
    pub(crate) async fn load(load: Load) -> Result<(Self, JoinHandle<()>), LoadFailure> {
        let (report, loaded) = oneshot::channel();
        let name = format!("model-{}", &load.digest.short()[..8]);
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || thread::run(load, report))
            .map_err(|error| not_started(&error))?;
        let loaded = outcome(loaded).await?;
        Ok((
            Self {
                bundle: loaded.bundle,
                engine: loaded.engine,
                queue: loaded.queue,
                recent: loaded.recent,
            },
            thread,
        ))
    }

    pub(crate) const fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    pub(crate) const fn engine(&self) -> &EngineIdentity {
        &self.engine
    }

    /// Length of an input vector.
    pub(crate) fn bins(&self) -> usize {
        self.bundle.contents().recipe.bins()
    }

    /// Whether its thread still runs.
    pub(crate) fn is_alive(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Ends its thread as a defect would.
    #[cfg(test)]
    pub(crate) fn fail(&self) {
        self.queue.close();
    }

    /// Some input vectors that it computed lately.
    pub(crate) fn recent_vectors(&self) -> Vec<Vec<f32>> {
        self.recent.all()
    }

    /// Computes vectors, which must have the right width. Dropping the future takes what is not
    /// yet computed out of the queue.
    ///
    /// # Errors
    /// When the queue is full, when the deadline passes, or when the model cannot compute it.
    pub(crate) async fn run(
        &self,
        task: Task,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Instant>,
    ) -> Result<Done, AnswerError> {
        let span = debug_span!(
            target: STEP, "model.run", rows = vectors.len(), queue_s = Empty, compute_s = Empty
        );
        step(span, self.computed(task, vectors, deadline)).await
    }

    async fn computed(
        &self,
        task: Task,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Instant>,
    ) -> Result<Done, AnswerError> {
        let (reply, answer) = oneshot::channel();
        let now = Instant::now();
        let ticket = Ticket::new(task, vectors, now, deadline, reply);
        self.queue.push(ticket, now).map_err(|error| match error {
            NotTaken::Full {
                waiting,
                retry_after,
            } => AnswerError::Overloaded {
                what: format!("{waiting} rows wait for the model already"),
                retry_after,
            },
            NotTaken::Closed => gone(),
        })?;
        match before(deadline, "the request waited for the model", answer).await? {
            Ok(done) => done.inspect(|done| {
                let span = Span::current();
                span.record("queue_s", done.queue.as_secs_f64());
                span.record("compute_s", done.compute.as_secs_f64());
            }),
            Err(_) => Err(gone()),
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Too many threads or too little memory says nothing about the bundle.
fn not_started(error: &std::io::Error) -> LoadFailure {
    LoadFailure::Unavailable(format!(
        "no thread can be started for the model now: {error}; try again"
    ))
}

/// What the thread of a model says of its loading. Where it says nothing, nothing is known against
/// the bundle.
async fn outcome<T>(loaded: oneshot::Receiver<Result<T, String>>) -> Result<T, LoadFailure> {
    match loaded.await {
        Ok(Ok(loaded)) => Ok(loaded),
        Ok(Err(reason)) => Err(LoadFailure::Refused(reason)),
        Err(_) => Err(LoadFailure::Unavailable(
            "the model's thread ended while it was loaded; try again".to_owned(),
        )),
    }
}

fn gone() -> AnswerError {
    AnswerError::Unavailable("the model's thread has ended; try again".to_owned())
}

/// Waits for something, but not beyond a deadline.
pub(crate) async fn before<F: Future>(
    deadline: Option<Instant>,
    doing: &'static str,
    future: F,
) -> Result<F::Output, AnswerError> {
    match deadline {
        None => Ok(future.await),
        Some(deadline) => tokio::time::timeout_at(deadline.into(), future)
            .await
            .map_err(|_| AnswerError::Deadline { doing }),
    }
}

/// The last input vectors of a model.
#[derive(Default)]
struct Recent(Mutex<VecDeque<Vec<f32>>>);

impl Recent {
    fn add(&self, vector: Vec<f32>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_VECTORS {
            kept.pop_front();
        }
        kept.push_back(vector);
    }

    fn all(&self) -> Vec<Vec<f32>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::{Classified, Digest, ErrorKind};

    #[tokio::test]
    async fn only_what_the_thread_says_of_the_bundle_is_a_refusal() {
        let (report, loaded) = oneshot::channel::<Result<(), String>>();
        report.send(Err("wrong weights".to_owned())).unwrap();
        assert!(outcome(loaded).await.unwrap_err().is_refusal());
        let (report, loaded) = oneshot::channel::<Result<(), String>>();
        drop(report);
        let ended = outcome(loaded).await.unwrap_err();
        let full = not_started(&std::io::ErrorKind::WouldBlock.into());
        for failure in [ended, full] {
            assert!(!failure.is_refusal(), "{failure}");
            let error = failure.to_error(Digest::of(b"bundle"));
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
    }
}
