//! Rows with Shapley values. One takes seconds to minutes, so what is done of it is kept, too.

use super::{
    Batch,
    chunks::{Begun, Checkpoint, Chunk},
    end::{End, Fate},
    line::{ResultLine, RowShapley},
    pace::Pace,
};
use crate::{AnswerError, Question, deadline::Deadline, shapley::Shapley};
use assay_core::Digest;
use assay_explain::{ShapleyRun, ShapleySpec, ShapleyState};
use assay_jobs::JobContext;
use assay_pipeline::{Judge, ListedSpectrum};
use assay_store::BlobStore;
use assay_trace::{item, step};
use bytes::Bytes;
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};

/// Rows of a chunk: the lines of the one at hand are kept anew after each row.
pub(super) const MOST_CHUNK_ROWS: usize = 8;

/// Rows with Shapley values by one model.
pub(super) struct ShapleyRows<'a> {
    pub(super) batch: &'a Batch,
    pub(super) context: &'a JobContext,
    pub(super) judge: &'a Arc<Judge>,
    pub(super) class: Option<usize>,
    pub(super) spec: &'a ShapleySpec,
    pub(super) pace: &'a Pace,
}

impl ShapleyRows<'_> {
    /// Finishes the chunk of these rows, of which an earlier attempt may have done some.
    pub(super) async fn chunk(
        &self,
        checkpoint: &mut Checkpoint,
        rows: &[ListedSpectrum],
        range: Range<usize>,
    ) -> Result<(), End> {
        let blobs = self.batch.answerer.sources.blobs.as_ref();
        let mut begun = checkpoint.begun.take().unwrap_or_default();
        let mut lines = match begun.lines {
            None => Vec::new(),
            Some(digest) => blobs.get(digest).await?.to_vec(),
        };
        let mut state = match begun.state.take() {
            None => None,
            Some(digest) => self.taken_up(digest).await?,
        };
        let last = range.end;
        let first = range.start + begun.rows;
        for (at, row) in (first..last).zip(&rows[first..last]) {
            checkpoint.begun = Some(begun);
            let state = state.take();
            let line = self.row(checkpoint, (row, at), state).await?;
            serde_json::to_writer(&mut lines, &line).map_err(|e| End::defect(&e))?;
            lines.push(b'\n');
            begun = Begun {
                rows: begun.rows + 1,
                lines: Some(blobs.put(Bytes::from(lines.clone())).await?),
                state: None,
            };
            if at + 1 < last {
                checkpoint.begun = Some(begun);
                self.context
                    .checkpoint(checkpoint.store(blobs).await?)
                    .await?;
            }
            self.pace.tell((at + 1) * self.spec.max_evals);
        }
        let lines = begun
            .lines
            .ok_or_else(|| End::defect(&"a chunk without rows"))?;
        checkpoint.begun = None;
        checkpoint.chunks.push(Chunk {
            lines,
            importances: None,
        });
        self.context
            .checkpoint(checkpoint.store(blobs).await?)
            .await?;
        Ok(())
    }

    /// The row at hand of an earlier attempt; from its beginning where that cannot be used.
    async fn taken_up(&self, digest: Digest) -> Result<Option<ShapleyState>, End> {
        let bytes = self.batch.answerer.sources.blobs.get(digest).await?;
        let state = crate::blocking::run(move || Ok(serde_json::from_slice(&bytes)));
        match state.await? {
            Ok(state) => Ok(Some(state)),
            Err(error) => {
                self.context.warn(format!(
                    "what an earlier attempt left of a row cannot be used, so it begins anew: {error}"
                ));
                Ok(None)
            }
        }
    }

    async fn row(
        &self,
        checkpoint: &Checkpoint,
        (row, at): (&ListedSpectrum, usize),
        state: Option<ShapleyState>,
    ) -> Result<ResultLine, End> {
        // What a failed try reached is where the next one goes on.
        let latest = Arc::new(Mutex::new(state));
        let work = self
            .batch
            .patiently(|| self.explain(checkpoint, (row, at), &latest));
        match step(item(at + 1), work).await {
            Ok(line) => Ok(line),
            Err(error) if Fate::of(&error) == Fate::Row => Ok(ResultLine::failed(row, &error)),
            Err(error) => Err(error.into()),
        }
    }

    async fn explain(
        &self,
        checkpoint: &Checkpoint,
        (row, at): (&ListedSpectrum, usize),
        latest: &Arc<Mutex<Option<ShapleyState>>>,
    ) -> Result<ResultLine, AnswerError> {
        let answerer = &self.batch.answerer;
        let options = &self.batch.options;
        let deadline = Deadline::after(Some(options.row_time));
        let bundle = self.judge.bundle().id();
        let question = Question::Stored(row.spectrum);
        let subject = answerer.prepared(bundle, question, deadline).await?;
        let answer = answerer.answered(&subject, deadline).await?;
        let (judge, prepared) = subject;
        let mut keeper = Keeper {
            blobs: Arc::clone(&answerer.sources.blobs),
            context: self.context.clone(),
            checkpoint: checkpoint.clone(),
            runtime: Handle::current(),
            every: options.state_time,
            kept: Instant::now(),
        };
        let (pace, before) = (self.pace.clone(), at * self.spec.max_evals);
        let known = Arc::clone(latest);
        let watch = move |run: &ShapleyRun<'_>| {
            let progress = run.progress();
            pace.tell(before + progress.rows.min(progress.max_evals));
            let state = run.state();
            keeper.keep(&state)?;
            *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
            Ok(())
        };
        let shapley = Shapley {
            judge,
            prepared,
            class: self.class,
            spec: self.spec.clone(),
            state: latest
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            repeatable: true,
            batch_time: Some(options.row_time),
        };
        let values = answerer.hide(shapley, watch, Deadline::after(None)).await?;
        let mut line = ResultLine::of(row);
        line.answer = Some(answer.into());
        line.explanation = Some(RowShapley::explanation(self.judge, &values));
        Ok(line)
    }
}

/// Keeps the state of the row at hand now and then.
struct Keeper {
    blobs: Arc<dyn BlobStore>,
    context: JobContext,
    /// How far the batch is without this row.
    checkpoint: Checkpoint,
    runtime: Handle,
    every: Duration,
    kept: Instant,
}

impl Keeper {
    /// Called on a thread that may wait.
    fn keep(&mut self, state: &ShapleyState) -> Result<(), AnswerError> {
        if self.kept.elapsed() < self.every {
            return Ok(());
        }
        let defect = |error: &dyn std::fmt::Display| AnswerError::Defect(error.to_string());
        let bytes = serde_json::to_vec(state).map_err(|error| defect(&error))?;
        self.runtime.block_on(async {
            let state = self.blobs.put(Bytes::from(bytes)).await?;
            let begun = self.checkpoint.begun.unwrap_or_default();
            self.checkpoint.begun = Some(Begun {
                state: Some(state),
                ..begun
            });
            let kept = serde_json::to_vec(&self.checkpoint).map_err(|error| defect(&error))?;
            let kept = self.blobs.put(Bytes::from(kept)).await?;
            // Only a job that is lost cannot be kept, and then nobody waits for its end.
            let told = self.context.checkpoint(kept).await;
            told.map_err(|_| AnswerError::Cancelled)
        })?;
        self.kept = Instant::now();
        Ok(())
    }
}
