//! The owner of one connection: makes it, lets it work, makes it again when it ends, for ever.

use crate::{
    board::{Board, BrokerState, Side},
    link::Link,
    session::{Session, Settings},
    trouble::Trouble,
};
use assay_core::keyed_rng;
use assay_jobs::Backoff;
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

/// Between attempts to reach the broker.
const RECONNECT: Backoff = Backoff {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(15),
};

/// A connection that lasted so long was a good one: the next attempt comes soon.
const STEADY: Duration = Duration::from_secs(15);

/// What one side of the queue needs.
pub(crate) struct Supervisor<'a, R> {
    pub(crate) side: Side,
    pub(crate) settings: &'a Settings,
    pub(crate) link: &'a Link<R>,
    pub(crate) board: &'a Board,
    pub(crate) ending: &'a CancellationToken,
}

impl<R> Supervisor<'_, R> {
    /// Keeps up the connection until the queue is closed.
    pub(crate) async fn run(self, work: impl AsyncFn(&Session<'_>, mpsc::Receiver<R>) -> Trouble) {
        let seed = RandomState::new().build_hasher().finish();
        let (mut failures, mut told) = (0_u32, None);
        while !self.ending.is_cancelled() {
            let began = Instant::now();
            let trouble = self.once(&work, &mut told).await;
            self.link.shut(&trouble);
            if trouble == Trouble::Closed {
                break;
            }
            self.tell(&trouble, &mut told);
            if began.elapsed() >= STEADY {
                failures = 0;
            }
            failures = failures.saturating_add(1);
            let mut random = keyed_rng(seed, "amqp reconnect", &[u64::from(failures)]);
            tokio::select! {
                () = self.ending.cancelled() => {}
                () = tokio::time::sleep(RECONNECT.wait(failures, &mut random)) => {}
            }
        }
        self.link.shut(&Trouble::Closed);
        let reason = Trouble::Closed.to_string();
        self.board.set(self.side, BrokerState::Lost { reason });
    }

    /// One connection from its beginning to its end.
    async fn once(
        &self,
        work: &impl AsyncFn(&Session<'_>, mpsc::Receiver<R>) -> Trouble,
        told: &mut Option<Trouble>,
    ) -> Trouble {
        let opened = tokio::select! {
            () = self.ending.cancelled() => return Trouble::Closed,
            opened = Session::open(self.settings, self.side) => opened,
        };
        let session = match opened {
            Ok(session) => session,
            Err(trouble) => return trouble,
        };
        *told = None;
        tracing::info!(amqp.connection = self.side.name(), "the broker is reached");
        let requests = self.link.open();
        self.board.set(self.side, BrokerState::Connected);
        let trouble = tokio::select! {
            trouble = work(&session, requests) => trouble,
            trouble = session.ended() => trouble,
            () = self.ending.cancelled() => Trouble::Closed,
        };
        // Before the leave, which may take a moment: nothing gets through any more.
        self.link.shut(&trouble);
        session.close().await;
        trouble
    }

    /// Tells what is wrong, once for each thing that is.
    fn tell(&self, trouble: &Trouble, told: &mut Option<Trouble>) {
        let reason = trouble.to_string();
        if told.as_ref() != Some(trouble) {
            tracing::warn!(
                amqp.connection = self.side.name(),
                reason,
                "no connection to the broker; trying on"
            );
            *told = Some(trouble.clone());
        }
        self.board.set(self.side, BrokerState::Lost { reason });
    }
}
