//! A stream of answers to a stream of requests: in order, some in work at once, taken no faster
//! than answers are fetched, and ended in order when the server or the time ends.

use futures::{Stream, StreamExt, stream};
use std::future::Future;
use tonic::Status;

/// Answers requests in their order, at most `at_once` of them in work or waiting to be fetched.
///
/// When `end` comes, nothing more is taken: what was taken is answered, and then its status tells
/// the client that the rest is not. A request that cannot be read ends the stream in the same way.
pub fn answers<Q, A, F>(
    requests: impl Stream<Item = Result<Q, Status>>,
    end: impl Future<Output = Status>,
    at_once: usize,
    mut answer: impl FnMut(Q) -> F,
) -> impl Stream<Item = Result<A, Status>>
where
    F: Future<Output = A>,
{
    taken(requests, end)
        .map(move |request| {
            let answer = request.map(&mut answer);
            async move {
                match answer {
                    Ok(answer) => Ok(answer.await),
                    Err(status) => Err(status),
                }
            }
        })
        .buffered(at_once)
}

/// The requests until the first error, which may be that of the end.
fn taken<Q>(
    requests: impl Stream<Item = Result<Q, Status>>,
    end: impl Future<Output = Status>,
) -> impl Stream<Item = Result<Q, Status>> {
    let open = (Box::pin(requests), Box::pin(end));
    stream::unfold(Some(open), async |open| {
        let (mut requests, mut end) = open?;
        let next = tokio::select! {
            biased;
            status = &mut end => Err(status),
            request = requests.next() => request?,
        };
        let open = next.is_ok().then_some((requests, end));
        Some((next, open))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, channel::oneshot, pin_mut};
    use std::{
        cell::{Cell, RefCell},
        future::{pending, ready},
    };
    use tonic::Code;

    /// Requests 0, 1, 2 and so on for ever, counted when they are taken.
    fn counted(taken: &Cell<usize>) -> impl Stream<Item = Result<usize, Status>> + '_ {
        stream::repeat_with(|| Ok(taken.replace(taken.get() + 1)))
    }

    fn status(code: Code) -> Status {
        Status::new(code, "")
    }

    #[test]
    fn no_more_is_taken_than_is_fetched_and_may_wait() {
        let taken = Cell::new(0);
        let answers = answers(counted(&taken), pending(), 3, ready);
        pin_mut!(answers);
        assert_eq!(taken.get(), 0, "nothing before somebody fetches");
        for fetched in 0..20 {
            let answer = answers.next().now_or_never().unwrap().unwrap();
            assert_eq!(answer.unwrap(), fetched);
            assert!(
                taken.get() <= fetched + 3,
                "{} after {fetched}",
                taken.get()
            );
        }
    }

    #[test]
    fn answers_come_in_order_whoever_is_done_first() {
        let senders = RefCell::new(Vec::new());
        let requests = stream::iter((0..3).map(Ok));
        let work = |request: usize| {
            let (sender, done) = oneshot::channel::<()>();
            senders.borrow_mut().push(sender);
            done.map(move |_| request)
        };
        let answers = answers(requests, pending(), 3, work);
        pin_mut!(answers);
        assert!(answers.next().now_or_never().is_none());
        for last_first in (1..3).rev() {
            drop(senders.borrow_mut().remove(last_first));
            assert!(answers.next().now_or_never().is_none(), "{last_first}");
        }
        senders.borrow_mut().clear();
        let all = answers.map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(all.now_or_never(), Some(vec![0, 1, 2]));
    }

    #[test]
    fn at_the_end_what_was_taken_is_answered_and_the_client_is_told() {
        let (taken, senders) = (Cell::new(0), RefCell::new(Vec::new()));
        let (ending, end) = oneshot::channel::<()>();
        let work = |request: usize| {
            let (sender, done) = oneshot::channel::<()>();
            senders.borrow_mut().push(sender);
            done.map(move |_| request)
        };
        let end = end.map(|_| status(Code::Unavailable));
        let answers = answers(counted(&taken), end, 2, work);
        pin_mut!(answers);
        assert!(answers.next().now_or_never().is_none());
        assert_eq!(taken.get(), 2);
        drop(ending);
        assert!(
            answers.next().now_or_never().is_none(),
            "what was taken comes first"
        );
        senders.borrow_mut().clear();
        let all = answers.map(|answer| answer.map_err(|status| status.code()));
        let all: Vec<_> = all.collect().now_or_never().unwrap();
        assert_eq!(all, [Ok(0), Ok(1), Err(Code::Unavailable)]);
        assert_eq!(taken.get(), 2, "nothing is taken after the end");
    }

    #[test]
    fn an_idle_stream_ends_without_another_request() {
        let answers = answers(
            stream::pending::<Result<usize, Status>>(),
            ready(status(Code::Unavailable)),
            2,
            ready,
        );
        let all = answers.map(|answer| answer.map_err(|status| status.code()));
        let all: Vec<_> = all.collect().now_or_never().unwrap();
        assert_eq!(all, [Err(Code::Unavailable)]);
    }

    #[test]
    fn a_request_that_cannot_be_read_is_the_last() {
        let requests = [Ok(7), Err(status(Code::OutOfRange)), Ok(8)];
        let answers = answers(stream::iter(requests), pending(), 5, ready);
        let all = answers.map(|answer| answer.map_err(|status| status.code()));
        let all: Vec<_> = all.collect().now_or_never().unwrap();
        assert_eq!(all, [Ok(7), Err(Code::OutOfRange)]);
    }

    #[test]
    fn a_client_that_has_sent_everything_gets_everything_and_no_error() {
        let answers = answers(stream::iter((0..5).map(Ok)), pending(), 2, ready);
        let all: Vec<_> = answers
            .map(Result::unwrap)
            .collect()
            .now_or_never()
            .unwrap();
        assert_eq!(all, [0, 1, 2, 3, 4]);
    }
}
