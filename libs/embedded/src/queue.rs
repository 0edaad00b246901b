//! The queue in the process. It holds what a broker would hold, bytes, and loses them with the
//! process: the sweep at the next start publishes every hint again.

use assay_jobs::{Consumer, Delivery, Hint, JobError, JobId, JobQueue, Lane};
use async_trait::async_trait;
use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;

/// Dead letters kept for each lane; the oldest go first.
const DEAD_LETTERS_KEPT: usize = 1_000;

/// A queue in the process. Clones are the same queue.
#[derive(Clone, Default)]
pub struct LocalQueue {
    lanes: [Arc<LaneQueue>; Lane::ALL.len()],
}

/// The messages of one lane. The semaphore holds one permit a message, and those who wait for
/// one are served in turn.
struct LaneQueue {
    messages: Mutex<Messages>,
    ready: Semaphore,
}

#[derive(Default)]
struct Messages {
    waiting: VecDeque<Message>,
    /// Jobs with a hint among those that wait. A second one would tell nothing new, and hints for
    /// jobs that wait for hours would fill the memory.
    hinted: HashSet<JobId>,
    dead: VecDeque<Vec<u8>>,
}

struct Message {
    bytes: Vec<u8>,
    /// The job, if it is a hint that was published and not raw bytes.
    job: Option<JobId>,
    redelivered: bool,
}

impl LocalQueue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts bytes into a lane that may be no hint, as any program could into a broker.
    pub fn inject_raw(&self, lane: Lane, bytes: Vec<u8>) {
        let message = Message {
            bytes,
            job: None,
            redelivered: false,
        };
        self.lane(lane).push(message, false);
    }

    /// Messages of a lane that could not be decoded, oldest first.
    #[must_use]
    pub fn dead_letters(&self, lane: Lane) -> Vec<Vec<u8>> {
        self.lane(lane).lock().dead.iter().cloned().collect()
    }

    /// Messages of a lane that wait.
    #[must_use]
    pub fn waiting(&self, lane: Lane) -> usize {
        self.lane(lane).lock().waiting.len()
    }

    fn lane(&self, lane: Lane) -> &Arc<LaneQueue> {
        match lane {
            Lane::Train => &self.lanes[0],
            Lane::Identify => &self.lanes[1],
            Lane::Explain => &self.lanes[2],
        }
    }
}

impl Default for LaneQueue {
    fn default() -> Self {
        Self {
            messages: Mutex::default(),
            ready: Semaphore::new(0),
        }
    }
}

impl LaneQueue {
    fn lock(&self) -> MutexGuard<'_, Messages> {
        // Every change under the lock is complete in itself.
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, message: Message, first: bool) {
        let mut messages = self.lock();
        if let Some(job) = message.job
            && !messages.hinted.insert(job)
        {
            return;
        }
        if first {
            messages.waiting.push_front(message);
        } else {
            messages.waiting.push_back(message);
        }
        drop(messages);
        self.ready.add_permits(1);
    }

    /// Takes the message that a permit stands for.
    fn pop(&self) -> Option<Message> {
        let mut messages = self.lock();
        let message = messages.waiting.pop_front()?;
        if let Some(job) = message.job {
            messages.hinted.remove(&job);
        }
        Some(message)
    }

    fn bury(&self, bytes: Vec<u8>) {
        let mut messages = self.lock();
        if messages.dead.len() == DEAD_LETTERS_KEPT {
            messages.dead.pop_front();
        }
        messages.dead.push_back(bytes);
    }
}

#[async_trait]
impl JobQueue for LocalQueue {
    async fn publish(&self, lane: Lane, hint: &Hint) -> Result<(), JobError> {
        let bytes = serde_json::to_vec(hint)
            .map_err(|error| JobError::invalid("hint", error, "what can be written as JSON"))?;
        let message = Message {
            bytes,
            job: Some(hint.job),
            redelivered: false,
        };
        self.lane(lane).push(message, false);
        Ok(())
    }

    async fn consume(&self, lane: Lane) -> Result<Box<dyn Consumer>, JobError> {
        Ok(Box::new(LocalConsumer {
            name: lane,
            lane: Arc::clone(self.lane(lane)),
        }))
    }
}

struct LocalConsumer {
    name: Lane,
    lane: Arc<LaneQueue>,
}

#[async_trait]
impl Consumer for LocalConsumer {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, JobError> {
        loop {
            let permit = self.lane.ready.acquire().await;
            let permit = permit.map_err(|error| JobError::Unavailable {
                what: "the queue",
                reason: error.to_string(),
            })?;
            // From here to the return nothing waits, so a dropped future loses nothing.
            permit.forget();
            let Some(message) = self.lane.pop() else {
                continue;
            };
            match serde_json::from_slice::<Hint>(&message.bytes) {
                Ok(hint) => {
                    return Ok(Box::new(LocalDelivery {
                        hint,
                        redelivered: message.redelivered,
                        unsettled: Some(message),
                        lane: Arc::clone(&self.lane),
                    }));
                }
                Err(error) => {
                    tracing::warn!(job.lane = %self.name, %error, "a message that is no hint");
                    self.lane.bury(message.bytes);
                }
            }
        }
    }
}

struct LocalDelivery {
    hint: Hint,
    redelivered: bool,
    /// The message, until it is settled.
    unsettled: Option<Message>,
    lane: Arc<LaneQueue>,
}

impl LocalDelivery {
    fn give_back(&mut self, first: bool) {
        if let Some(mut message) = self.unsettled.take() {
            message.redelivered = true;
            self.lane.push(message, first);
        }
    }
}

#[async_trait]
impl Delivery for LocalDelivery {
    fn hint(&self) -> &Hint {
        &self.hint
    }

    fn redelivered(&self) -> bool {
        self.redelivered
    }

    async fn acknowledge(mut self: Box<Self>) -> Result<(), JobError> {
        self.unsettled = None;
        Ok(())
    }

    async fn requeue(mut self: Box<Self>) -> Result<(), JobError> {
        self.give_back(false);
        Ok(())
    }
}

impl Drop for LocalDelivery {
    fn drop(&mut self) {
        self.give_back(true);
    }
}

impl std::fmt::Debug for LocalQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalQueue").finish_non_exhaustive()
    }
}
