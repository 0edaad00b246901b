//! The time that a request has left, looked at between steps and while waiting.

use crate::AnswerError;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout_at};

/// The moment at which nobody waits for the answer any more, if there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(left: Option<Duration>) -> Self {
        Self(left.and_then(|left| Instant::now().checked_add(left)))
    }

    /// Time left; an error when there is none.
    pub(crate) fn left(self, doing: &'static str) -> Result<Option<Duration>, AnswerError> {
        match self
            .0
            .map(|at| at.saturating_duration_since(Instant::now()))
        {
            Some(Duration::ZERO) => Err(AnswerError::Deadline { doing }),
            left => Ok(left),
        }
    }

    /// Does some work unless and until the time is over.
    pub(crate) async fn within<T>(
        self,
        doing: &'static str,
        work: impl Future<Output = Result<T, AnswerError>>,
    ) -> Result<T, AnswerError> {
        self.left(doing)?;
        match self.0 {
            None => work.await,
            Some(at) => timeout_at(at, work)
                .await
                .unwrap_or(Err(AnswerError::Deadline { doing })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test(start_paused = true)]
    async fn work_is_not_begun_after_it_and_not_waited_for_beyond_it() {
        let none = Deadline::after(None);
        assert_eq!(none.within("working", ready(Ok(1))).await.unwrap(), 1);
        assert_eq!(none.left("working").unwrap(), None);

        let over = Deadline::after(Some(Duration::ZERO));
        let answer = over.within("working", ready(Ok(1))).await;
        assert!(matches!(
            answer,
            Err(AnswerError::Deadline { doing: "working" })
        ));

        let soon = Deadline::after(Some(Duration::from_secs(3)));
        let answer = soon.within("waiting", pending::<Result<(), _>>()).await;
        let message = answer.unwrap_err().to_string();
        assert!(message.contains("while waiting"), "{message}");
    }

    #[test]
    fn a_time_beyond_all_clocks_is_none() {
        assert!(Deadline::after(Some(Duration::MAX)).0.is_none());
    }
}
