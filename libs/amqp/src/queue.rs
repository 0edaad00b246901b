//! The queue: the port on one side, a thread with the connections on the other.

use crate::{
    board::{Board, BrokerState, Side},
    consume::{self, Wanted},
    delivery::AmqpConsumer,
    link::Link,
    message::Message,
    options::AmqpOptions,
    publish::{self, Publish},
    session::Settings,
    supervisor::Supervisor,
    transport::Target,
    trouble::{Trouble, unavailable},
};
use assay_jobs::{Consumer, Hint, JobError, JobQueue, Lane};
use async_trait::async_trait;
use std::{fmt, sync::Arc, thread};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{oneshot, watch},
};
use tokio_util::sync::CancellationToken;

/// A queue on a RabbitMQ broker. Clones are the same queue; with the last one its connections end.
#[derive(Clone)]
pub struct AmqpQueue {
    shared: Arc<Shared>,
}

struct Shared {
    prefix: String,
    publishing: Arc<Link<Publish>>,
    consuming: Arc<Link<Wanted>>,
    board: Arc<Board>,
    ending: CancellationToken,
    ended: CancellationToken,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

impl AmqpQueue {
    /// Begins to connect and returns; whether the broker is there does not matter. Until it is,
    /// publishing and consuming fail as [`JobError::Unavailable`], as they do after it was lost.
    ///
    /// # Errors
    /// When the options are no good, the file of certificates cannot be read, or the system has no
    /// thread for the connections.
    pub fn start(options: AmqpOptions) -> Result<Self, JobError> {
        let faults = options.faults();
        if !faults.is_empty() {
            return Err(unavailable(faults.join("; ")));
        }
        let target = Target::new(&options).map_err(unavailable)?;
        let shared = Arc::new(Shared {
            prefix: options.prefix.clone(),
            publishing: Arc::new(Link::new()),
            consuming: Arc::new(Link::new()),
            board: Arc::new(Board::new()),
            ending: CancellationToken::new(),
            ended: CancellationToken::new(),
        });
        let owner = Owner {
            settings: Settings::new(target, options),
            publishing: Arc::clone(&shared.publishing),
            consuming: Arc::clone(&shared.consuming),
            board: Arc::clone(&shared.board),
            ending: shared.ending.clone(),
        };
        let ended = shared.ended.clone().drop_guard();
        // With timers and files of its own: the connections stay alive when the work takes every
        // thread of the other runtime.
        let no_thread = |error| unavailable(format!("no thread can be started: {error}"));
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(no_thread)?;
        thread::Builder::new()
            .name("amqp".to_owned())
            .spawn(move || {
                owner.run(&runtime);
                runtime.shutdown_background();
                drop(owner);
                drop(ended);
            })
            .map_err(no_thread)?;
        Ok(Self { shared })
    }

    /// How it stands with its broker, now and whenever that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<BrokerState> {
        self.shared.board.watch()
    }

    /// Waits until hints can be published and consumed; for ever, if the broker never comes or the
    /// queue is closed.
    pub async fn connected(&self) {
        let mut state = self.state();
        let reached = state.wait_for(|state| *state == BrokerState::Connected);
        if reached.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends the connections and waits until they have: unsettled hints are free for others then.
    /// Without this they end when the last clone is dropped, and nobody waits.
    pub async fn close(&self) {
        self.shared.ending.cancel();
        self.shared.ended.cancelled().await;
    }
}

#[async_trait]
impl JobQueue for AmqpQueue {
    async fn publish(&self, lane: Lane, hint: &Hint) -> Result<(), JobError> {
        let message = Message::of(hint)?;
        let (answer, answered) = oneshot::channel();
        let publish = Publish {
            lane,
            message,
            answer,
        };
        self.shared.publishing.send(publish).await?;
        let lost = || Err(self.shared.publishing.lost());
        answered.await.unwrap_or_else(|_| lost())
    }

    async fn consume(&self, lane: Lane) -> Result<Box<dyn Consumer>, JobError> {
        self.shared.consuming.check()?;
        let link = Arc::clone(&self.shared.consuming);
        Ok(Box::new(AmqpConsumer { lane, link }))
    }
}

/// What the thread owns.
struct Owner {
    settings: Settings,
    publishing: Arc<Link<Publish>>,
    consuming: Arc<Link<Wanted>>,
    board: Arc<Board>,
    ending: CancellationToken,
}

impl Owner {
    fn run(&self, runtime: &Runtime) {
        let publisher = Supervisor {
            side: Side::Publisher,
            settings: &self.settings,
            link: &self.publishing,
            board: &self.board,
            ending: &self.ending,
        };
        let consumer = Supervisor {
            side: Side::Consumer,
            settings: &self.settings,
            link: &self.consuming,
            board: &self.board,
            ending: &self.ending,
        };
        runtime.block_on(async {
            tokio::join!(
                publisher.run(async |session, requests| publish::run(session, requests).await),
                consumer.run(async |session, requests| consume::run(session, requests).await),
            )
        });
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // However the thread ends, nobody waits for it any more.
        self.publishing.shut(&Trouble::Closed);
        self.consuming.shut(&Trouble::Closed);
        let reason = Trouble::Closed.to_string();
        for side in [Side::Publisher, Side::Consumer] {
            let reason = reason.clone();
            self.board.set(side, BrokerState::Lost { reason });
        }
    }
}

impl fmt::Debug for AmqpQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpQueue")
            .field("prefix", &self.shared.prefix)
            .field("state", &*self.state().borrow())
            .finish_non_exhaustive()
    }
}
