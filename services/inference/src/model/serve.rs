//! From the queue to answers, row after row. What a row computes is not known here. A row that
//! panics costs its request an answer and the model its thread: what is left of a session after a
//! panic answers nobody.

use super::queue::{Queue, Row, Share, Standing, Task, Ticket};
use crate::measure;
use assay_answering::AnswerError;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

/// What computes rows.
pub(super) trait Compute {
    fn row(&self, task: Task, vector: &[f32]) -> Result<Row, AnswerError>;

    /// Hears of one vector of every request that was answered.
    fn answered(&self, vector: Vec<f32>);
}

/// Something panicked; the model must not go on.
struct Panicked;

/// Computes until the queue closes, or until a row panics.
pub(super) fn serve(model: &impl Compute, queue: &Queue, batch_rows: usize) {
    while let Some(batch) = queue.take(batch_rows) {
        measure::batch(batch.iter().map(|share| share.rows).sum());
        for share in batch {
            if let Err(Panicked) = compute(model, queue, share) {
                return;
            }
        }
    }
}

/// Computes a part of a request, unless nobody wants it any more.
fn compute(
    model: &impl Compute,
    queue: &Queue,
    Share { mut ticket, rows }: Share,
) -> Result<(), Panicked> {
    for done in 0..rows {
        let started = Instant::now();
        let in_batch = rows - done;
        match ticket.standing(started) {
            Standing::Wanted => {}
            Standing::Dropped => {
                queue.forget(ticket.left(), in_batch);
                return Ok(());
            }
            Standing::Expired => {
                queue.forget(ticket.left(), in_batch);
                ticket.expire();
                return Ok(());
            }
        }
        let task = ticket.task;
        let Some(vector) = ticket.next(started) else {
            break;
        };
        match catch_unwind(AssertUnwindSafe(|| model.row(task, vector))) {
            Ok(Ok(row)) => {
                let took = started.elapsed();
                ticket.add(row, took);
                queue.finished(took);
                measure::row(took);
            }
            Ok(Err(error)) => {
                queue.forget(ticket.left(), in_batch);
                ticket.fail(error);
                return Ok(());
            }
            Err(panic) => {
                let reason = in_words(&*panic);
                tracing::error!(reason, "model.failed");
                measure::model_failure();
                ticket.fail(AnswerError::Defect(format!(
                    "the model failed on a row: {reason}"
                )));
                return Err(Panicked);
            }
        }
    }
    finish(model, queue, ticket);
    Ok(())
}

fn finish(model: &impl Compute, queue: &Queue, mut ticket: Ticket) {
    if ticket.left() > 0 {
        return queue.give_back(ticket);
    }
    if let Some(vector) = ticket.vectors.pop() {
        model.answered(vector);
    }
    ticket.answer();
}

fn in_words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason is known")
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
