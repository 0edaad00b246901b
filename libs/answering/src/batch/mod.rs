//! Answers about every spectrum of a data set, as a job of the lanes identify and explain: in
//! chunks that are kept, so that another worker goes on after the last one.
//!
//! The same data set and bundle leave the same bytes, however often the work was interrupted:
//! nothing in them depends on time, on neighbours or on who did the work. A spectrum that cannot
//! be used is a row with an error; a data set or a model that cannot be used fails the job.

mod artefacts;
mod chunks;
mod end;
mod keeper;
mod line;
mod npy;
mod options;
mod pace;
mod rows;
mod saying;
mod shapley;
mod shapley_table;
mod table;

pub use line::{ResultLine, RowAnswer, RowBlock, RowClass, RowError, RowExplanation, RowShapley};
pub use options::{BatchOptions, count_fault};

use crate::{AnswerError, Answerer};
use assay_core::Digest;
use assay_jobs::{BatchJob, Handler, JobContext, JobRecord, JobResult, Outcome};
use assay_pipeline::SpectrumList;
use async_trait::async_trait;
use bytes::Bytes;
use chunks::{Checkpoint, Chunk};
use end::End;
use pace::Pace;
use rows::Rows;
use saying::Saying;
use shapley::ShapleyRows;
use std::sync::Arc;

/// What is said about each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// The answer. Artefacts: `results.jsonl` and `results.csv`.
    Identify,
    /// The answer and why, as the job asks for: by a class activation map so many of the most
    /// important regions, and the importances of all bins. Artefacts: also `importances.npy`
    /// (`[rows, bins]` f32, NaN where a row has an error) and `energies.csv` (the bins' centres in
    /// keV). By Shapley values: what each part adds; also `shapley.csv`.
    Explain {
        /// Regions per row.
        regions: usize,
    },
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
        let saying = Saying::of(self.kind, &job, &judge)?;
        let bins = judge.bundle().contents().recipe.bins();
        let rows = list.rows();
        let mut checkpoint = self.begin((record, context), &saying, rows.len()).await?;
        let begun = checkpoint.begun.map_or(0, |begun| begun.rows);
        let done = checkpoint.done(rows.len()) + begun;
        let pieces = (done * saying.pieces(), rows.len() * saying.pieces());
        let pace = Pace::new(&self.answerer, context, saying.stage(), pieces);
        let mut shapley = match &saying {
            Saying::Answer | Saying::Map(_) => None,
            Saying::Shapley { class, spec } => Some(ShapleyRows {
                batch: self,
                context,
                judge: &judge,
                class: *class,
                spec,
                pace: pace.clone(),
            }),
        };
        while checkpoint.done(rows.len()) < rows.len() {
            let from = checkpoint.done(rows.len());
            let to = rows.len().min(from + checkpoint.chunk_rows);
            if let Some(shapley) = &mut shapley {
                shapley.chunk(&mut checkpoint, rows, from..to).await?;
                continue;
            }
            let some = Rows {
                bundle: job.bundle,
                bins,
                saying: &saying,
                some: &rows[from..to],
                before: from,
            };
            let mut done = from;
            let finished = self.answer_rows(some, || {
                done += 1;
                pace.tell(done);
            });
            let finished = finished.await?;
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
        let what = (&*judge, &saying);
        self.artefacts(&checkpoint, what, rows.len()).await
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
        (record, context): (&JobRecord, &JobContext),
        saying: &Saying,
        rows: usize,
    ) -> Result<Checkpoint, End> {
        let chunk_rows = match saying {
            Saying::Answer | Saying::Map(_) => self.options.chunk_rows,
            Saying::Shapley { .. } => self.options.chunk_rows.min(shapley::MOST_CHUNK_ROWS),
        };
        let empty = Checkpoint::empty(chunk_rows);
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
