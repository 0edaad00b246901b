//! The side that consumes. The broker gives to a consumer as soon as it has room, and counts what
//! comes back: so there is one only while somebody waits, and it ends with its first hint.

use crate::{
    delivery::{self, AmqpDelivery},
    message,
    session::Session,
    trouble::{Trouble, unavailable, words},
};
use assay_jobs::{Hint, JobError, Lane};
use futures::{StreamExt, stream::FuturesUnordered};
use lapin::{
    Channel,
    message::Delivery as Delivered,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::{FieldTable, ShortString},
};
use std::{
    cell::{Cell, RefCell},
    fmt,
};
use tokio::sync::{mpsc, oneshot};

/// Channels that are kept for the next who waits. More than wait at once are of no use.
const SPARE_CHANNELS: usize = 16;

/// Somebody waits for a hint of a lane.
pub(crate) struct Wanted {
    pub(crate) lane: Lane,
    pub(crate) answer: oneshot::Sender<Result<AmqpDelivery, JobError>>,
}

/// Serves those who wait until the queue is closed; all of them at once.
pub(crate) async fn run(session: &Session<'_>, mut requests: mpsc::Receiver<Wanted>) -> Trouble {
    let lanes = Lanes {
        session,
        spare: RefCell::default(),
        tags: Cell::new(0),
    };
    let mut served = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = served.next() => {}
            wanted = requests.recv() => match wanted {
                Some(wanted) => served.push(lanes.serve(wanted)),
                None => return Trouble::Closed,
            }
        }
    }
}

struct Lanes<'s> {
    session: &'s Session<'s>,
    spare: RefCell<Vec<Channel>>,
    tags: Cell<u64>,
}

/// Why a consumer came to its end without a hint.
enum Interrupted {
    /// The broker ended it, as it does when its queue is deleted.
    Cancelled,
    Failed(lapin::Error),
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the broker ended the consumer"),
            Self::Failed(error) => f.write_str(&words(error)),
        }
    }
}

impl From<lapin::Error> for Interrupted {
    fn from(error: lapin::Error) -> Self {
        Self::Failed(error)
    }
}

impl Lanes<'_> {
    /// Gets one hint for somebody who waits and sees to it until it is settled.
    async fn serve(&self, mut wanted: Wanted) {
        let mut declared = false;
        while !wanted.answer.is_closed() {
            let interrupted = match self.attempt(&mut wanted).await {
                Ok(None) => return,
                Ok(Some(received)) => return self.hand_over(received, wanted).await,
                Err(interrupted) => interrupted,
            };
            let lane = wanted.lane;
            tracing::debug!(job.lane = %lane, reason = %interrupted, "no hint can be had");
            // The queue may have been deleted; then it is made again, once for each who waits.
            let again = match declared {
                true => Err(unavailable(interrupted.to_string())),
                false => self.session.declare().await.map_err(|t| t.unavailable()),
            };
            declared = true;
            if let Err(error) = again {
                // Whoever waited may have gone.
                let _ = wanted.answer.send(Err(error));
                return;
            }
        }
    }

    /// One consumer, until it has a hint or nobody waits for one any more.
    async fn attempt(&self, wanted: &mut Wanted) -> Result<Option<Received>, Interrupted> {
        let channel = self.channel().await?;
        let received = self.receive(&channel, wanted).await?;
        match received {
            Some((hint, delivered)) => Ok(Some(Received {
                channel,
                hint,
                delivered,
            })),
            None => {
                self.keep(channel);
                Ok(None)
            }
        }
    }

    async fn receive(
        &self,
        channel: &Channel,
        wanted: &mut Wanted,
    ) -> Result<Option<(Hint, Delivered)>, Interrupted> {
        let lane = wanted.lane;
        let queue = self.session.settings.topology.queue(lane);
        let tag = self.tag(lane);
        let mut consumer = channel
            .basic_consume(
                queue.into(),
                tag.clone(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        loop {
            let delivered = tokio::select! {
                delivered = consumer.next() => delivered.ok_or(Interrupted::Cancelled)??,
                () = wanted.answer.closed() => {
                    let options = BasicCancelOptions::default();
                    channel.basic_cancel(tag, options).await?;
                    // What came before the broker heard of it goes back.
                    while let Some(delivered) = consumer.next().await {
                        delivery::requeue(&delivered?.acker).await?;
                    }
                    return Ok(None);
                }
            };
            match message::read(&delivered.data) {
                Ok(hint) => {
                    // Ended before the hint is settled, or the broker would give another for it.
                    let options = BasicCancelOptions { nowait: true };
                    channel.basic_cancel(tag, options).await?;
                    return Ok(Some((hint, delivered)));
                }
                Err(fault) => {
                    tracing::warn!(
                        job.lane = %lane,
                        message.size_bytes = delivered.data.len(),
                        fault,
                        "a message that is no hint goes to the dead letters"
                    );
                    let options = BasicRejectOptions { requeue: false };
                    delivered.acker.reject(options).await?;
                }
            }
        }
    }

    async fn hand_over(&self, received: Received, wanted: Wanted) {
        let Received {
            channel,
            hint,
            delivered,
        } = received;
        let (delivery, settled) = AmqpDelivery::new(hint, delivered.redelivered);
        // If nobody takes it, it is dropped here, and settled as what nobody wants.
        drop(wanted.answer.send(Ok(delivery)));
        delivery::settle(&delivered.acker, settled).await;
        self.keep(channel);
    }

    /// A channel on which a consumer gets one message at a time.
    async fn channel(&self) -> lapin::Result<Channel> {
        let spare = self.spare.borrow_mut().pop();
        if let Some(channel) = spare
            && channel.status().connected()
        {
            return Ok(channel);
        }
        let channel = self.session.channel().await?;
        let options = BasicQosOptions::default();
        channel.basic_qos(1, options).await?;
        Ok(channel)
    }

    fn keep(&self, channel: Channel) {
        let mut spare = self.spare.borrow_mut();
        if channel.status().connected() && spare.len() < SPARE_CHANNELS {
            spare.push(channel);
        }
    }

    /// A name that no other consumer of this connection has or had.
    fn tag(&self, lane: Lane) -> ShortString {
        let number = self.tags.get();
        self.tags.set(number + 1);
        format!("{lane}-{number}").into()
    }
}

/// A hint with the channel on which it is to be settled.
struct Received {
    channel: Channel,
    hint: Hint,
    delivered: Delivered,
}
