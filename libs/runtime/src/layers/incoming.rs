//! The body of a request, refused as soon as it declares a message that is too large: before a
//! byte of that message is kept. It ends with the answer: a task that goes on reading would keep
//! the connection open.

use super::refusal;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use metrics::Counter;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Status, body::Body};

/// A gRPC message begins with a flag for compression and its length in four bytes, big-endian.
const PREFIX: usize = 5;

/// A body whose messages have a largest size.
pub(super) struct LimitedBody {
    /// None once it was refused or the request was answered.
    inner: Option<Body>,
    answered: Pin<Box<WaitForCancellationFutureOwned>>,
    lengths: Lengths,
    received: Counter,
}

impl LimitedBody {
    /// Follows the body until it ends or the request is `answered`.
    pub(super) fn new(
        inner: Body,
        max_message_bytes: usize,
        received: Counter,
        answered: WaitForCancellationFutureOwned,
    ) -> Self {
        Self {
            inner: Some(inner),
            answered: Box::pin(answered),
            lengths: Lengths::new(max_message_bytes),
            received,
        }
    }
}

impl http_body::Body for LimitedBody {
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
        if me.answered.as_mut().poll(context).is_ready() {
            me.inner = None;
            return Poll::Ready(Some(Err(refusal::answered())));
        }
        let frame = ready!(Pin::new(inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            me.received.increment(data.len() as u64);
            if let Err(length) = me.lengths.follow(data) {
                me.inner = None;
                let limit = me.lengths.limit;
                return Poll::Ready(Some(Err(refusal::too_large(length, limit))));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

/// Follows the lengths of messages through pieces that begin and end anywhere.
struct Lengths {
    limit: usize,
    prefix: [u8; PREFIX],
    prefix_bytes: usize,
    left_of_message: usize,
}

impl Lengths {
    const fn new(limit: usize) -> Self {
        Self {
            limit,
            prefix: [0; PREFIX],
            prefix_bytes: 0,
            left_of_message: 0,
        }
    }

    /// Takes one piece. The error is a length above the limit.
    fn follow(&mut self, mut data: &[u8]) -> Result<(), usize> {
        while !data.is_empty() {
            if self.left_of_message > 0 {
                let step = self.left_of_message.min(data.len());
                self.left_of_message -= step;
                data = &data[step..];
                continue;
            }
            self.prefix[self.prefix_bytes] = data[0];
            self.prefix_bytes += 1;
            data = &data[1..];
            if self.prefix_bytes == PREFIX {
                self.prefix_bytes = 0;
                let [_, a, b, c, d] = self.prefix;
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                if length > self.limit {
                    return Err(length);
                }
                self.left_of_message = length;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(length.to_be_bytes());
        bytes.extend(vec![0xff; length as usize]);
        bytes
    }

    #[test]
    fn lengths_are_followed_however_the_bytes_are_cut() {
        let bytes: Vec<u8> = [message(3), message(0), message(300), message(7)].concat();
        for piece in 1..=bytes.len() {
            let mut lengths = Lengths::new(300);
            for data in bytes.chunks(piece) {
                assert_eq!(lengths.follow(data), Ok(()));
            }
            let mut lengths = Lengths::new(299);
            let refused = bytes.chunks(piece).find_map(|d| lengths.follow(d).err());
            assert_eq!(refused, Some(300));
        }
    }

    #[test]
    fn a_declared_length_is_enough_to_refuse() {
        let mut lengths = Lengths::new(1 << 20);
        assert_eq!(
            lengths.follow(&[0, 0xff, 0xff, 0xff, 0xff]),
            Err(u32::MAX as usize)
        );
    }
}
