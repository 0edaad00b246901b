//! Answers about every spectrum of a data set, as a job of the lanes identify and explain: in
//! chunks that are kept, so that another worker goes on after the last one.
//!
//! The same data set and bundle leave the same bytes, however often the work was interrupted:
//! nothing in them depends on time, on neighbours or on who did the work. A spectrum that cannot
//! be used is a row with an error; a data set or a model that cannot be used fails the job.

mod artefacts;
mod chunks;
mod end;
mod line;
mod npy;
mod options;
mod rows;
mod table;

pub use line::{ResultLine, RowAnswer, RowError, RowExplanation};
pub use options::{BatchOptions, count_fault};

use crate::{AnswerError, Answerer};
use assay_core::Digest;
use assay_jobs::{BatchJob, Handler, JobContext, JobRecord, JobResult, Outcome, Progress};
use assay_pipeline::SpectrumList;
use async_trait::async_trait;
use bytes::Bytes;
use chunks::{Checkpoint, Chunk};
use end::End;
use rows::Rows;
use std::{sync::Arc, time::Duration};

/// What is said about each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// The answer. Artefacts: `results.jsonl` and `results.csv`.
    Identify,
    /// The answer, so many of the most important regions, and the importances of all bins.
    /// Artefacts: also `importances.npy` (`[rows, bins]` f32, NaN where a row has an error) and
    /// `energies.csv` (the bins' centres in keV).
    Explain {
        /// Regions per row.
        regions: usize,
    },
}

impl BatchKind {
    const fn stage(self) -> &'static str {
        match self {
            Self::Identify => "identifying",
            Self::Explain { .. } => "explaining",
        }
    }
}

/// Works through the batches of one lane: the handler of its worker.
pub struct Batch {
    answerer: Arc<Answerer>,
    kind: BatchKind,
    options: BatchOptions,
}

impl Batch {
    /// A worker's part that knows what rows are.
    #[must_use]
    pub const fn new(answerer: Arc<Answerer>, kind: BatchKind, options: BatchOptions) -> Self {
        Self {
            answerer,
            kind,
            options,
        }
    }

    async fn work(&self, record: &JobRecord, context: &JobContext) -> Result<JobResult, End> {
        let job: BatchJob = serde_json::from_value(record.job.specification.clone())
            .map_err(|e| AnswerError::field("specification", e))?;
        let list = self.patiently(|| self.list(job.dataset)).await?;
        let judge = self.patiently(|| self.answerer.judge(job.bundle)).await?;
        let bins = judge.bundle().contents().recipe.bins();
        let rows = list.rows();
        let mut checkpoint = self.begin(record, context, rows.len()).await?;
        let mut progress = Pace::new(self, context, checkpoint.done(rows.len()), rows.len());
        while checkpoint.done(rows.len()) < rows.len() {
            let from = checkpoint.done(rows.len());
            let to = rows.len().min(from + checkpoint.chunk_rows);
            let some = &rows[from..to];
            let rows = Rows {
                bundle: job.bundle,
                bins,
                some,
                before: from,
            };
            let finished = self.answer_rows(rows, || progress.one_more()).await?;
            let blobs = &self.answerer.sources.blobs;
            let lines = blobs.put(Bytes::from(finished.lines)).await?;
            let importances = match finished.importances {
                None => None,
                Some(bytes) => Some(blobs.put(Bytes::from(bytes)).await?),
            };
            checkpoint.chunks.push(Chunk { lines, importances });
            let kept = checkpoint.store(blobs.as_ref()).await?;
            context.checkpoint(kept).await?;
        }
        self.artefacts(&checkpoint, &judge, rows.len()).await
    }

    /// The rows, in canonical order.
    async fn list(&self, dataset: Digest) -> Result<SpectrumList, AnswerError> {
        let bytes = self.answerer.sources.blobs.get(dataset).await;
        // What is missing here is the whole job's, unlike a row's spectrum.
        let bytes = bytes.map_err(|source| AnswerError::Dataset { dataset, source })?;
        let list = crate::blocking::run(move || Ok(SpectrumList::from_csv(&bytes)?)).await?;
        let (found, most) = (list.rows().len(), self.options.max_rows);
        if found == 0 || found > most {
            return Err(AnswerError::field(
                "dataset",
                format!("it has {found} rows; allowed: 1 to {most}, so split it into several"),
            ));
        }
        Ok(list)
    }

    async fn begin(
        &self,
        record: &JobRecord,
        context: &JobContext,
        rows: usize,
    ) -> Result<Checkpoint, End> {
        let empty = Checkpoint::empty(self.options.chunk_rows);
        let Some(digest) = record.checkpoint else {
            return Ok(empty);
        };
        let blobs = self.answerer.sources.blobs.as_ref();
        match Checkpoint::load(blobs, digest, rows).await? {
            Ok(checkpoint) => Ok(checkpoint),
            Err(reason) => {
                context.warn(format!(
                    "what an earlier attempt left cannot be used, so every row is answered again: \
                     {reason}"
                ));
                Ok(empty)
            }
        }
    }
}

#[async_trait]
impl Handler for Batch {
    /// Works on a job whose specification is a [`BatchJob`], to its end or until it is to stop.
    async fn run(&self, record: &JobRecord, context: JobContext) -> Outcome {
        let ended = tokio::select! {
            biased;
            reason = context.stop().raised() => Err(End::Stopped(reason)),
            ended = self.work(record, &context) => ended,
        };
        match ended {
            Ok(result) => Outcome::Succeeded(result),
            Err(end) => end.into_outcome(record),
        }
    }
}

/// How fast rows are finished.
struct Pace<'a> {
    batch: &'a Batch,
    context: &'a JobContext,
    began: Duration,
    /// Rows of earlier attempts.
    before: usize,
    done: usize,
    total: usize,
}

impl<'a> Pace<'a> {
    fn new(batch: &'a Batch, context: &'a JobContext, done: usize, total: usize) -> Self {
        let pace = Self {
            batch,
            context,
            began: batch.answerer.now(),
            before: done,
            done,
            total,
        };
        pace.tell();
        pace
    }

    fn one_more(&mut self) {
        self.done += 1;
        self.tell();
    }

    fn tell(&self) {
        let spent_s = self
            .batch
            .answerer
            .now()
            .saturating_sub(self.began)
            .as_secs_f64();
        let here = self.done - self.before;
        let left = self.total - self.done;
        let known = here > 0 && spent_s > 0.0;
        self.context.progress(Progress {
            stage: self.batch.kind.stage().to_owned(),
            done: self.done as u64,
            total: self.total as u64,
            remaining_s: known.then(|| spent_s / here as f64 * left as f64),
            epoch: None,
        });
    }
}
