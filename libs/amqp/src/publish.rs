//! The side that publishes: many hints at once on one channel, each answered when the broker has
//! confirmed it, or has not.

use crate::{
    message::Message,
    session::Session,
    trouble::{Trouble, unavailable, words},
};
use assay_jobs::{JobError, Lane};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use lapin::{
    Channel, Confirmation,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::collections::BTreeMap;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// Hints that wait for their confirms at most.
const UNCONFIRMED: usize = 1_024;

/// A hint to be published.
pub(crate) struct Publish {
    pub(crate) lane: Lane,
    pub(crate) message: Message,
    pub(crate) answer: oneshot::Sender<Result<(), JobError>>,
}

/// Publishes what is asked for until the connection is of no use any more.
pub(crate) async fn run(session: &Session<'_>, mut requests: mpsc::Receiver<Publish>) -> Trouble {
    let mut publisher = match Publisher::new(session).await {
        Ok(publisher) => publisher,
        Err(error) => return Trouble::ended(&error),
    };
    let trouble = publisher.run(&mut requests).await;
    for (_, waiting) in publisher.waiting {
        if let Some(answer) = waiting.answer {
            // Whoever asked may have gone.
            let _ = answer.send(Err(trouble.unavailable()));
        }
    }
    trouble
}

/// What became of the hint with this number.
type Done = (u64, lapin::Result<Confirmation>);

struct Publisher<'s> {
    session: &'s Session<'s>,
    channel: Channel,
    confirms: FuturesUnordered<BoxFuture<'static, Done>>,
    /// The hints under way by their number, oldest first.
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
}

struct Waiting {
    since: Instant,
    lane: Lane,
    /// `None` once it was told that it took too long.
    answer: Option<oneshot::Sender<Result<(), JobError>>>,
    /// Why it came back, if it did.
    returned: Option<String>,
}

impl<'s> Publisher<'s> {
    async fn new(session: &'s Session<'s>) -> lapin::Result<Self> {
        let channel = session.channel().await?;
        let options = ConfirmSelectOptions::default();
        channel.confirm_select(options).await?;
        Ok(Self {
            session,
            channel,
            confirms: FuturesUnordered::new(),
            waiting: BTreeMap::new(),
            next: 0,
        })
    }

    async fn run(&mut self, requests: &mut mpsc::Receiver<Publish>) -> Trouble {
        loop {
            let late = self.late_at();
            let room = self.waiting.len() < UNCONFIRMED;
            tokio::select! {
                biased;
                Some(done) = self.confirms.next() => {
                    if let Err(trouble) = self.settle(done).await {
                        return trouble;
                    }
                }
                request = requests.recv(), if room => match request {
                    Some(request) => self.start(request),
                    None => return Trouble::Closed,
                },
                () = tokio::time::sleep_until(late.unwrap_or_else(Instant::now)), if late.is_some() => {
                    if let Err(trouble) = self.overdue() {
                        return trouble;
                    }
                }
            }
        }
    }

    /// Hands a hint to the library. All of this happens in one task, for the library numbers what
    /// is published apart from putting it on the line.
    fn start(&mut self, request: Publish) {
        let Publish {
            lane,
            message,
            answer,
        } = request;
        if self.session.is_blocked() {
            let _ = answer.send(Err(blocked()));
            return;
        }
        let number = self.next;
        self.next += 1;
        let channel = self.channel.clone();
        let queue = self.session.settings.topology.queue(lane);
        // The number finds the hint again when it comes back.
        let properties = message
            .properties
            .with_correlation_id(number.to_string().into());
        self.confirms.push(
            async move {
                let options = BasicPublishOptions {
                    mandatory: true,
                    immediate: false,
                };
                let sent = channel
                    .basic_publish("".into(), queue.into(), options, &message.bytes, properties)
                    .await;
                let confirmed = match sent {
                    Ok(confirm) => confirm.await,
                    Err(error) => Err(error),
                };
                (number, confirmed)
            }
            .boxed(),
        );
        let waiting = Waiting {
            since: Instant::now(),
            lane,
            answer: Some(answer),
            returned: None,
        };
        self.waiting.insert(number, waiting);
    }

    /// Answers for what is done. The library gives a message that came back to whichever confirm
    /// comes next, which is that of this message or an earlier one to be told: so all that are
    /// there are read before any is answered.
    async fn settle(&mut self, first: Done) -> Result<(), Trouble> {
        let mut all = vec![first];
        while let Some(Some(done)) = self.confirms.next().now_or_never() {
            all.push(done);
        }
        let mut came_back = false;
        for (_, confirmed) in &all {
            if let Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) =
                confirmed
            {
                came_back = true;
                self.note_return(message);
            }
        }
        for (number, confirmed) in all {
            self.answer(number, confirmed);
        }
        if !self.channel.status().connected() {
            let reason = "the broker closed the channel for publishing".to_owned();
            return Err(Trouble::Ended { reason });
        }
        if came_back {
            // Somebody deleted a queue. The hint is lost, but the next ones find it again.
            tracing::warn!("a hint found no queue; declaring everything again");
            self.session.declare().await?;
        }
        Ok(())
    }

    fn note_return(&mut self, message: &BasicReturnMessage) {
        let number = message.properties.correlation_id().as_ref();
        let number = number.and_then(|number| number.as_str().parse().ok());
        if let Some(waiting) = number.and_then(|number: u64| self.waiting.get_mut(&number)) {
            waiting.returned = Some(message.reply_text.to_string());
        }
    }

    fn answer(&mut self, number: u64, confirmed: lapin::Result<Confirmation>) {
        let Some(waiting) = self.waiting.remove(&number) else {
            return;
        };
        let queue = || self.session.settings.topology.queue(waiting.lane);
        let answer = match (waiting.returned, confirmed) {
            (Some(reason), _) => Err(unavailable(format!(
                "the broker has no queue {} ({reason}); it is declared again",
                queue()
            ))),
            (None, Ok(Confirmation::Ack(_))) => Ok(()),
            (None, Ok(Confirmation::Nack(_))) => Err(unavailable(format!(
                "the broker took no hint into the queue {}, as it does when the queue is full",
                queue()
            ))),
            (None, Ok(Confirmation::NotRequested)) => {
                Err(unavailable("the broker was not asked to confirm"))
            }
            (None, Err(error)) => Err(unavailable(words(&error))),
        };
        if let Some(asked) = waiting.answer {
            // Whoever asked may have gone.
            let _ = asked.send(answer);
        }
    }

    /// When the oldest hint that was not answered takes too long.
    fn late_at(&self) -> Option<Instant> {
        let oldest = self.waiting.values().find(|hint| hint.answer.is_some())?;
        Some(oldest.since + self.session.settings.options.confirm_within)
    }

    /// Something takes too long: either the broker asked to be spared, or it is of no use.
    fn overdue(&mut self) -> Result<(), Trouble> {
        let within = self.session.settings.options.confirm_within;
        if !self.session.is_blocked() {
            return Err(Trouble::Unconfirmed { within });
        }
        for waiting in self.waiting.values_mut() {
            if waiting.since.elapsed() >= within
                && let Some(answer) = waiting.answer.take()
            {
                let _ = answer.send(Err(blocked()));
            }
        }
        Ok(())
    }
}

fn blocked() -> JobError {
    unavailable("the broker is short of memory or disk and takes nothing at the moment")
}
