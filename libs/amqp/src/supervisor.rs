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
        loop {
            let began = Instant::now();
            let trouble = self.once(&work, &mut told).await;
            self.lost(&trouble);
            if trouble == Trouble::Closed {
                return;
            }
            tell(self.side, trouble, &mut told);
            if began.elapsed() >= STEADY {
                failures = 0;
            }
            failures = failures.saturating_add(1);
            let mut random = keyed_rng(seed, "amqp reconnect", &[u64::from(failures)]);
            // When the queue is closed meanwhile, the next attempt hears of it at once.
            let pause = tokio::time::sleep(RECONNECT.wait(failures, &mut random));
            let _ = self.ending.run_until_cancelled(pause).await;
        }
    }

    /// One connection from its beginning to its end.
    async fn once(
        &self,
        work: &impl AsyncFn(&Session<'_>, mpsc::Receiver<R>) -> Trouble,
        told: &mut Option<Trouble>,
    ) -> Trouble {
        let opened = tokio::select! {
            biased;
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
        self.lost(&trouble);
        session.close().await;
        trouble
    }

    fn lost(&self, trouble: &Trouble) {
        self.link.shut(trouble);
        let reason = trouble.to_string();
        self.board.set(self.side, BrokerState::Lost { reason });
    }
}

/// Tells what is wrong, once for each thing that is.
fn tell(side: Side, trouble: Trouble, told: &mut Option<Trouble>) {
    if told.as_ref() != Some(&trouble) {
        tracing::warn!(
            amqp.connection = side.name(),
            reason = %trouble,
            "no connection to the broker; trying on"
        );
        *told = Some(trouble);
    }
}
