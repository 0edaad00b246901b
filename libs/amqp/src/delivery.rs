//! What the port gives out: consumers that ask for one hint at a time, and hints that are settled
//! where their channel is.

use crate::{
    consume::Wanted,
    link::Link,
    trouble::{unavailable, words},
};
use assay_jobs::{Consumer, Delivery, Hint, JobError, Lane};
use async_trait::async_trait;
use lapin::{
    Acker,
    options::{BasicAckOptions, BasicNackOptions},
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// A receiver of a lane. It holds nothing at the broker while nobody waits in it.
pub(crate) struct AmqpConsumer {
    pub(crate) lane: Lane,
    pub(crate) link: Arc<Link<Wanted>>,
}

#[async_trait]
impl Consumer for AmqpConsumer {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, JobError> {
        let (answer, answered) = oneshot::channel();
        let lane = self.lane;
        // Dropped while it waits, the other side hears of it; dropped with a delivery in it, the
        // delivery is given back.
        self.link.send(Wanted { lane, answer }).await?;
        match answered.await {
            Ok(delivery) => Ok(Box::new(delivery?)),
            Err(_) => Err(self.link.lost()),
        }
    }
}

/// What is to become of a delivery, and where to tell that it did.
pub(crate) struct Settle {
    acknowledge: bool,
    answer: oneshot::Sender<Result<(), JobError>>,
}

/// A hint that was not settled yet. Dropped, it goes back to its queue, as the task that waits for
/// what becomes of it sees that nobody will say.
pub(crate) struct AmqpDelivery {
    hint: Hint,
    redelivered: bool,
    settle: oneshot::Sender<Settle>,
}

impl AmqpDelivery {
    pub(crate) fn new(hint: Hint, redelivered: bool) -> (Self, oneshot::Receiver<Settle>) {
        let (settle, settled) = oneshot::channel();
        let delivery = Self {
            hint,
            redelivered,
            settle,
        };
        (delivery, settled)
    }

    async fn settled(self, acknowledge: bool) -> Result<(), JobError> {
        let gone = || unavailable("the hint's connection ended; it comes again by itself");
        let (answer, answered) = oneshot::channel();
        let settle = Settle {
            acknowledge,
            answer,
        };
        self.settle.send(settle).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

#[async_trait]
impl Delivery for AmqpDelivery {
    fn hint(&self) -> &Hint {
        &self.hint
    }

    fn redelivered(&self) -> bool {
        self.redelivered
    }

    async fn acknowledge(self: Box<Self>) -> Result<(), JobError> {
        self.settled(true).await
    }

    async fn requeue(self: Box<Self>) -> Result<(), JobError> {
        self.settled(false).await
    }
}

/// Waits for what is to become of a delivery, and does it.
pub(crate) async fn settle(acker: &Acker, settled: oneshot::Receiver<Settle>) {
    let wish = settled.await.ok();
    let done = match &wish {
        Some(wish) if wish.acknowledge => acker.ack(BasicAckOptions::default()).await,
        _ => requeue(acker).await,
    };
    let done = match done {
        Ok(true) => Ok(()),
        Ok(false) => Err("its channel is gone".to_owned()),
        Err(error) => Err(words(&error)),
    };
    let done = done.map_err(|reason| unavailable(format!("{reason}; the hint comes again")));
    match (wish, done) {
        (Some(wish), done) => {
            // Whoever asked may have gone; the broker has it all the same.
            let _ = wish.answer.send(done);
        }
        (None, Err(error)) => tracing::debug!(%error, "a hint was not given back"),
        (None, Ok(())) => {}
    }
}

/// Gives a message back to its queue.
pub(crate) async fn requeue(acker: &Acker) -> lapin::Result<bool> {
    let options = BasicNackOptions {
        requeue: true,
        multiple: false,
    };
    acker.nack(options).await
}
