//! A connection that lets go of a silent peer: one that never says that it speaks HTTP/2, and,
//! once no more requests are taken, one that says nothing at all, not even an answer to the ping
//! that asks it to go.
//!
//! hyper waits for the peer in both cases, for as long as the peer likes. A peer that has answered
//! the ping is left to hyper: it closes the connection when all answers on it have gone, and much
//! of one can still wait in its queues when nothing is in flight here any more.

use crate::{
    layers::{Ends, Shared},
    tls::{Peer, Wire},
};
use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

/// What every HTTP/2 connection begins with, in bytes (RFC 9113, section 3.4).
const PREFACE_BYTES: usize = 24;
/// One turn of silence at the end; after two of them a connection is let go. A peer that lives
/// answers a ping in less, however far away it is.
const TURN: Duration = Duration::from_secs(1);

type Cancelled = Pin<Box<WaitForCancellationFutureOwned>>;

/// A connection of the server.
pub(crate) struct Connection<IO = Wire> {
    io: IO,
    shared: Arc<Shared>,
    preface_left: usize,
    /// End of the time for the preface; later, while the server drains, of a turn.
    timer: Pin<Box<Sleep>>,
    drain: Cancelled,
    over: Cancelled,
    turning: bool,
    /// The peer has said something since no more requests are taken.
    heard: bool,
    /// Something was read or written in this turn.
    active: bool,
    /// The turn before was silent.
    silent: bool,
    /// The peer does not take what is written.
    blocked: bool,
}

impl<IO> Connection<IO> {
    /// A connection that begins. `greeting`: end of the time for the preface.
    pub(crate) fn new(io: IO, shared: Arc<Shared>, greeting: Instant) -> Self {
        let Ends { drain, over, .. } = shared.ends().clone();
        Self {
            io,
            shared,
            preface_left: PREFACE_BYTES,
            timer: Box::pin(sleep_until(greeting)),
            drain: Box::pin(drain.cancelled_owned()),
            over: Box::pin(over.cancelled_owned()),
            turning: false,
            heard: false,
            active: false,
            silent: false,
            blocked: false,
        }
    }

    /// Ready when a peer that sends nothing has had its time.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.over.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let draining = self.drain.as_mut().poll(context).is_ready();
        if self.preface_left > 0 {
            return if draining {
                Poll::Ready(())
            } else {
                self.timer.as_mut().poll(context)
            };
        }
        if !draining {
            return Poll::Pending;
        }
        if !self.turning {
            self.turning = true;
            self.active = true;
            self.timer.as_mut().reset(Instant::now());
        }
        while self.timer.as_mut().poll(context).is_ready() {
            self.timer.as_mut().reset(Instant::now() + TURN);
            let busy = std::mem::take(&mut self.active) || self.blocked;
            let silent = !busy && !self.heard && self.shared.in_flight() == 0;
            if silent && self.silent {
                return Poll::Ready(());
            }
            self.silent = silent;
        }
        Poll::Pending
    }

    /// Notes what came of writing, and ends it when everything is over.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.blocked = polled.is_pending();
        if self.blocked && self.over.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        self.active |= polled.is_ready();
        polled
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Connection<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut me.io).poll_read(context, buffer) {
            Poll::Ready(result) => {
                let read = buffer.filled().len() - before;
                me.preface_left = me.preface_left.saturating_sub(read);
                me.active = true;
                me.heard |= read > 0 && me.shared.ends().drain.is_cancelled();
                Poll::Ready(result)
            }
            // Nothing read is the end of what the peer sends.
            Poll::Pending => me.poll_patience(context).map(Ok),
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Connection<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let polled = Pin::new(&mut me.io).poll_write(context, data);
        me.written(context, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let polled = Pin::new(&mut me.io).poll_write_vectored(context, data);
        me.written(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.io.peer().clone()
    }
}
