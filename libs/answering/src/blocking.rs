//! Work that computes and so must not hold up the tasks that wait.

use crate::AnswerError;
use tokio::task::spawn_blocking;

/// Does some work on a thread of its own.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AnswerError> + Send + 'static,
) -> Result<T, AnswerError> {
    let span = tracing::Span::current();
    spawn_blocking(move || span.in_scope(work))
        .await
        .unwrap_or_else(|stopped| Err(AnswerError::Defect(stopped.to_string())))
}
