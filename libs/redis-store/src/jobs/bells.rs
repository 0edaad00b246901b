//! Those who wait for events, and the one subscription of this process that wakes them.

use assay_jobs::JobId;
use futures::StreamExt as _;
use redis::{Client, RedisResult, aio::PubSub};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// Those who wait are spread over this many bells, so that a change wakes few.
const BELLS: usize = 64;

/// Between two attempts to subscribe; doubled while they fail.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Time limit of one attempt.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Bells([Notify; BELLS]);

impl Default for Bells {
    fn default() -> Self {
        Self([const { Notify::const_new() }; BELLS])
    }
}

impl Bells {
    pub(super) fn of(&self, id: JobId) -> &Notify {
        // The last byte of the id is random.
        &self.0[usize::from(id.as_bytes()[15]) % BELLS]
    }

    pub(super) fn ring(&self, id: JobId) {
        self.of(id).notify_waiters();
    }

    /// Rings for every change that is told on a channel, for as long as the runtime lives.
    pub(super) async fn listen(self: Arc<Self>, client: Client, channel: String) {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            match timeout(PATIENCE, subscribed(&client, &channel)).await {
                Ok(Ok(subscription)) => {
                    (pause, told) = (FIRST_PAUSE, false);
                    // Of what was changed until now nothing is told any more.
                    self.ring_all();
                    self.ring_for(subscription).await;
                }
                Ok(Err(error)) if !told && error.code() == Some("NOPERM") => {
                    told = true;
                    tracing::warn!(
                        channel,
                        "redis lets this user hear of no changes: watchers see them later"
                    );
                }
                // Where there is no server, the link says so.
                _ => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Until the connection breaks.
    async fn ring_for(&self, mut subscription: PubSub) {
        let mut messages = subscription.on_message();
        while let Some(message) = messages.next().await {
            let job = message.get_payload::<String>().ok();
            match job.and_then(|job| job.parse().ok()) {
                Some(id) => self.ring(id),
                None => self.ring_all(),
            }
        }
    }

    fn ring_all(&self) {
        for bell in &self.0 {
            bell.notify_waiters();
        }
    }
}

async fn subscribed(client: &Client, channel: &str) -> RedisResult<PubSub> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(channel).await?;
    Ok(subscription)
}
