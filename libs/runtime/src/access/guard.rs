//! The body of an answer that ends when the token that it was asked for with is taken no more.

use super::refusal;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, body::Body};

/// A body that ends with its lease.
pub(super) struct LeasedBody {
    /// None once the lease has ended.
    inner: Option<Body>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl LeasedBody {
    pub(super) fn new(inner: Body, lease: CancellationToken) -> Self {
        Self {
            inner: Some(inner),
            ended: Box::pin(lease.cancelled_owned()),
        }
    }
}

impl http_body::Body for LeasedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let me = &mut *self;
        let Some(inner) = &mut me.inner else {
            return Poll::Ready(None);
        };
        if me.ended.as_mut().poll(context).is_ready() {
            me.inner = None;
            let status = refusal::stranger();
            let mut trailers = HeaderMap::new();
            return Poll::Ready(Some(match status.add_header(&mut trailers) {
                Ok(()) => Ok(Frame::trailers(trailers)),
                Err(status) => Err(status),
            }));
        }
        Pin::new(inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.as_ref();
        inner.map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}
