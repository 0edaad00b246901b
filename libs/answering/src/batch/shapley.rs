//! Rows with Shapley values. One takes seconds to minutes, so what is done of it is kept, too.

use super::{
    Batch,
    chunks::{Begun, Checkpoint, Chunk},
    end::{End, Fate},
    keeper::{Keeper, Kept},
    line::{ResultLine, RowShapley},
    pace::Pace,
};
use crate::{AnswerError, Question, deadline::Deadline, shapley::Shapley};
use assay_core::Digest;
use assay_explain::{ShapleyRun, ShapleySpec, ShapleyState};
use assay_jobs::JobContext;
use assay_pipeline::{Judge, ListedSpectrum};
use assay_trace::{item, step};
use bytes::Bytes;
use std::{ops::Range, sync::Arc};

/// Rows of a chunk: the lines of the one at hand are put anew after each row.
pub(super) const MOST_CHUNK_ROWS: usize = 8;

/// Rows with Shapley values by one model.
pub(super) struct ShapleyRows<'a> {
    pub(super) batch: &'a Batch,
    pub(super) context: &'a JobContext,
    pub(super) judge: &'a Arc<Judge>,
    pub(super) class: Option<usize>,
    pub(super) spec: &'a ShapleySpec,
    pub(super) pace: Pace,
}

impl ShapleyRows<'_> {
    /// Finishes the chunk of these rows, of which an earlier attempt may have done some.
    pub(super) async fn chunk(
        &mut self,
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
        let (first, last) = (range.start + begun.rows, range.end);
        if let Some(state) = &state {
            let evals = state.progress().rows.min(self.spec.max_evals);
            self.pace = self.pace.anew(first * self.spec.max_evals + evals);
        }
        let every = self.batch.options.state_time;
        let kept = Kept::new(every);
        for (at, row) in (first..last).zip(&rows[first..last]) {
            checkpoint.begun = Some(begun);
            let state = state.take();
            let line = self.row(checkpoint, (row, at), (state, &kept)).await?;
            serde_json::to_writer(&mut lines, &line).map_err(|e| End::defect(&e))?;
            lines.push(b'\n');
            begun = Begun {
                rows: begun.rows + 1,
                lines: Some(blobs.put(Bytes::from(lines.clone())).await?),
                state: None,
            };
            if at + 1 < last && kept.is_due() {
                checkpoint.begun = Some(begun);
                let stored = checkpoint.store(blobs).await?;
                self.context.checkpoint(stored).await?;
                kept.renew();
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
        let stored = checkpoint.store(blobs).await?;
        self.context.checkpoint(stored).await?;
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
        (state, kept): (Option<ShapleyState>, &Kept),
    ) -> Result<ResultLine, End> {
        kept.set_state(state);
        loop {
            let before = kept.evals();
            let work = self
                .batch
                .patiently(|| self.explain(checkpoint, (row, at), kept));
            match step(item(at + 1), work).await {
                Ok(line) => return Ok(line),
                Err(error) => match Fate::of(&error) {
                    Fate::Row => return Ok(ResultLine::failed(row, &error)),
                    // Where tries came further, patience begins anew: the row may take hours.
                    Fate::Later if kept.evals() > before => {}
                    Fate::Later | Fate::Job => return Err(error.into()),
                },
            }
        }
    }

    async fn explain(
        &self,
        checkpoint: &Checkpoint,
        (row, at): (&ListedSpectrum, usize),
        kept: &Kept,
    ) -> Result<ResultLine, AnswerError> {
        let answerer = &self.batch.answerer;
        let options = &self.batch.options;
        let deadline = Deadline::after(Some(options.row_time));
        let bundle = self.judge.bundle().id();
        let question = Question::Stored(row.spectrum);
        let subject = answerer.prepared(bundle, question, deadline).await?;
        let answer = answerer.answered(&subject, deadline).await?;
        let (judge, prepared) = subject;
        let keeper = Keeper::new(
            Arc::clone(&answerer.sources.blobs),
            self.context.clone(),
            checkpoint.clone(),
            kept.clone(),
        );
        let (pace, before) = (self.pace.clone(), at * self.spec.max_evals);
        let told = move |run: &ShapleyRun<'_>| {
            let progress = run.progress();
            pace.tell(before + progress.rows.min(progress.max_evals));
            keeper.keep(run)
        };
        let shapley = Shapley {
            judge,
            prepared,
            class: self.class,
            spec: self.spec.clone(),
            // What a failed try reached is where the next one goes on.
            state: kept.state(),
            repeatable: true,
            batch_time: Some(options.row_time),
        };
        let values = answerer.hide(shapley, told, Deadline::after(None)).await?;
        let mut line = ResultLine::of(row);
        line.answer = Some(answer.into());
        line.explanation = Some(RowShapley::explanation(self.judge, &values));
        Ok(line)
    }
}
