//! The body of an answer, followed to its end: how it ended, how much it was, and an end of its
//! own when its time is over, the server ends first or the handler panics.

use super::{measure::Measure, refusal};
use crate::access::Pass;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use metrics::Counter;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};
use tonic::{Status, body::Body};
use tracing::Span;

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

/// When an answer has to end however far it is.
#[derive(Debug, Clone)]
pub(super) struct End {
    /// Once it has nothing to send at the moment.
    pub(super) idle: CancellationToken,
    /// At its next step.
    pub(super) now: CancellationToken,
    /// When the caller's time is over.
    pub(super) deadline: Option<Instant>,
}

/// What a request holds until its answer has ended.
pub(super) struct Held {
    /// Its place among those in flight.
    pub(super) _place: Option<OwnedSemaphorePermit>,
    /// Ends the reading of the request.
    pub(super) _request: DropGuard,
    /// Its place among those of its principal.
    pub(super) pass: Pass,
}

/// A body that is followed.
pub(super) struct AnswerBody {
    inner: Body,
    now: CancellationToken,
    idle: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Option<Pin<Box<Sleep>>>,
    measure: Measure,
    sent: Counter,
    span: Span,
    over: bool,
    _held: Held,
}

impl AnswerBody {
    /// Follows the body to its end, or to this one.
    pub(super) fn new(inner: Body, measure: Measure, held: Held, end: End) -> Self {
        Self {
            inner,
            now: end.now,
            idle: Box::pin(end.idle.cancelled_owned()),
            deadline: end.deadline.map(|at| Box::pin(sleep_until(at))),
            sent: measure.sent(),
            measure,
            span: Span::current(),
            over: false,
            _held: held,
        }
    }

    /// Ends the answer with a status of the server's own.
    fn end_with(&mut self, status: &Status) -> Polled {
        self.over = true;
        self.measure.ended(status.code());
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(match status.add_header(&mut trailers) {
            Ok(()) => Ok(Frame::trailers(trailers)),
            Err(status) => Err(status),
        }))
    }

    /// Notes what passes, and gives tonic's refusal of large messages its right code.
    fn pass(&mut self, frame: Frame<Bytes>) -> Polled {
        if let Some(data) = frame.data_ref() {
            self.sent.increment(data.len() as u64);
        }
        if let Some(status) = frame.trailers_ref().and_then(Status::from_header_map) {
            if let Some(status) = refusal::larger_name(&status) {
                return self.end_with(&status);
            }
            self.measure.ended(status.code());
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        if self.over {
            return Poll::Ready(None);
        }
        if self.now.is_cancelled() {
            return self.end_with(&refusal::ending());
        }
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return self.end_with(&refusal::expired());
        }
        let span = self.span.clone();
        let _entered = span.enter();
        let inner = &mut self.inner;
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(context)));
        match polled {
            Err(_) => self.end_with(&refusal::panicked()),
            Ok(Poll::Ready(Some(Ok(frame)))) => self.pass(frame),
            Ok(Poll::Ready(Some(Err(status)))) => {
                self.over = true;
                self.measure.ended(status.code());
                Poll::Ready(Some(Err(status)))
            }
            Ok(Poll::Ready(None)) => {
                self.over = true;
                Poll::Ready(None)
            }
            Ok(Poll::Pending) => match self.idle.as_mut().poll(context) {
                Poll::Ready(()) => self.end_with(&refusal::ending()),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
