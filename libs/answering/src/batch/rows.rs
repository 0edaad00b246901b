//! Answers rows of a data set, several at once and in order.

use super::{
    Batch,
    end::{End, Fate},
    line::{ResultLine, RowExplanation},
    saying::Saying,
};
use crate::{AnswerError, Question};
use assay_core::Digest;
use assay_pipeline::ListedSpectrum;
use assay_trace::{item, step};
use futures::{FutureExt, StreamExt, stream};
use std::time::Duration;

/// Rows to be answered.
pub(super) struct Rows<'a> {
    /// By this bundle.
    pub(super) bundle: Digest,
    /// Length of its input vectors.
    pub(super) bins: usize,
    /// What is said about each.
    pub(super) saying: &'a Saying,
    pub(super) some: &'a [ListedSpectrum],
    /// Rows of the data set before these.
    pub(super) before: usize,
}

/// The finished rows of one chunk.
pub(super) struct Finished {
    /// JSON lines.
    pub(super) lines: Vec<u8>,
    /// Importances of all rows one after another, f32 little-endian; only of class activation maps.
    pub(super) importances: Option<Vec<u8>>,
}

/// Wait before a row is tried for the second time; it doubles from time to time.
const FIRST_WAIT: Duration = Duration::from_millis(200);

impl Batch {
    /// Answers some rows; `finished` is called after each.
    pub(super) async fn answer_rows(
        &self,
        rows: Rows<'_>,
        mut finished: impl FnMut(),
    ) -> Result<Finished, End> {
        let Rows {
            bundle,
            bins,
            saying,
            some,
            before,
        } = rows;
        let mut chunk = Finished {
            lines: Vec::new(),
            importances: matches!(saying, Saying::Map(_)).then(Vec::new),
        };
        // Endings are in the order of the rows, so that neighbours never change a file.
        let work: Vec<_> = some
            .iter()
            .zip(before + 1..)
            .map(|(row, number)| self.answer_row((bundle, saying), row, number).boxed())
            .collect();
        let mut answers = stream::iter(work).buffered(self.options.rows_at_once);
        while let Some(answer) = answers.next().await {
            let (line, importance) = answer?;
            serde_json::to_writer(&mut chunk.lines, &line).map_err(|e| End::defect(&e))?;
            chunk.lines.push(b'\n');
            if let Some(all) = &mut chunk.importances {
                let importance = importance.unwrap_or_else(|| vec![f32::NAN; bins]);
                if importance.len() != bins {
                    let found = importance.len();
                    return Err(End::defect(&format!("{found} importances for {bins} bins")));
                }
                all.extend(importance.iter().flat_map(|value| value.to_le_bytes()));
            }
            finished();
        }
        Ok(chunk)
    }

    /// `number`: of the row, from 1.
    async fn answer_row(
        &self,
        by: (Digest, &Saying),
        row: &ListedSpectrum,
        number: usize,
    ) -> Result<(ResultLine, Option<Vec<f32>>), End> {
        let asked = self.patiently(|| self.ask(by, row));
        match step(item(number), asked).await {
            Ok(answered) => Ok(answered),
            Err(error) if Fate::of(&error) == Fate::Row => {
                Ok((ResultLine::failed(row, &error), None))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn ask(
        &self,
        (bundle, saying): (Digest, &Saying),
        row: &ListedSpectrum,
    ) -> Result<(ResultLine, Option<Vec<f32>>), AnswerError> {
        let question = Question::Stored(row.spectrum);
        let time = Some(self.options.row_time);
        let mut line = ResultLine::of(row);
        let Saying::Map(wanted) = saying else {
            let answer = self.answerer.identify_with(bundle, question, time).await?;
            line.answer = Some(answer.into());
            return Ok((line, None));
        };
        let explain = self
            .answerer
            .explain_with(bundle, question, wanted.clone(), time);
        let explained = explain.await?;
        line.answer = Some(explained.answer.into());
        line.explanation = Some(RowExplanation {
            label: explained.label,
            regions: explained.regions,
            shapley: None,
        });
        Ok((line, Some(explained.importance)))
    }

    /// Tries again a few times what may be better in a moment.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, AnswerError>>>(
        &self,
        mut work: impl FnMut() -> F,
    ) -> Result<T, AnswerError> {
        let mut wait = FIRST_WAIT;
        for _ in 0..self.options.retries {
            let error = match work().await {
                Err(error) if Fate::of(&error) == Fate::Later => error,
                done => return done,
            };
            let pause = match &error {
                AnswerError::Overloaded { retry_after, .. } => wait.max(*retry_after),
                _ => wait,
            };
            tracing::debug!(error = %error, pause_s = pause.as_secs_f64(), "batch.row.again");
            tokio::time::sleep(pause).await;
            wait *= 2;
        }
        work().await
    }
}
