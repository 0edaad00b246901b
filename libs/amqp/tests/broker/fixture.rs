//! A place on the broker for each test, queues on it, and a way past the adapter.

use assay_amqp::{AmqpOptions, AmqpQueue, BrokerState};
use assay_core::Secret;
use assay_jobs::{Consumer, Hint, JobId, JobQueue, Lane};
use assay_servers::rabbitmq::Corner;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::FieldTable,
};
use serde_json::json;
use std::{
    io::Write,
    sync::{LazyLock, Mutex},
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// Only a guard against hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at something that will come.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A test's place on the broker.
pub(crate) struct Place {
    corner: Corner,
    /// A connection of its own, past the adapter.
    pub(crate) by_hand: Channel,
    _connection: Connection,
}

impl Place {
    /// `None` after saying that there is no broker.
    pub(crate) async fn find(test: &str) -> Option<Self> {
        // From here on everything is logged.
        LazyLock::force(&LOG);
        let name = test.to_owned();
        let found = tokio::task::spawn_blocking(move || Corner::find(&name).unwrap());
        let corner = found.await.unwrap()?;
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(corner.url(), properties).await.unwrap();
        let by_hand = connection.create_channel().await.unwrap();
        let options = ConfirmSelectOptions::default();
        by_hand.confirm_select(options).await.unwrap();
        Some(Self {
            by_hand,
            corner,
            _connection: connection,
        })
    }

    pub(crate) fn url(&self) -> &str {
        self.corner.url()
    }

    pub(crate) fn options(&self) -> AmqpOptions {
        self.options_at(self.corner.url())
    }

    /// Options for this place by way of another address.
    pub(crate) fn options_at(&self, url: &str) -> AmqpOptions {
        AmqpOptions {
            prefix: self.corner.prefix().to_owned(),
            ..AmqpOptions::new(Secret::new(url))
        }
    }

    /// A queue that is connected.
    pub(crate) async fn queue(&self) -> AmqpQueue {
        connected(self.options()).await
    }

    pub(crate) fn name(&self, lane: Lane) -> String {
        format!("{}.{lane}", self.corner.prefix())
    }

    pub(crate) fn dead(&self, lane: Lane) -> String {
        format!("{}.{lane}.dead", self.corner.prefix())
    }

    /// Puts bytes into a lane past the port; the broker has them then.
    pub(crate) async fn inject(&self, lane: Lane, bytes: &[u8]) {
        let name = self.name(lane);
        let sent = self
            .by_hand
            .basic_publish(
                "".into(),
                name.into(),
                BasicPublishOptions::default(),
                bytes,
                BasicProperties::default(),
            )
            .await
            .unwrap();
        assert!(sent.await.unwrap().is_ack());
    }

    /// Messages of a queue that nobody has, and its consumers.
    pub(crate) async fn counts(&self, name: &str) -> (u32, u32) {
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let declared = self
            .by_hand
            .queue_declare(name.into(), options, FieldTable::default())
            .await
            .unwrap();
        (declared.message_count(), declared.consumer_count())
    }

    /// Waits until a queue has so many messages that nobody has, and so many consumers.
    pub(crate) async fn until_counts(&self, name: &str, expected: (u32, u32)) {
        self.until(name, |counts| counts == expected).await;
    }

    /// Waits until a queue's messages that nobody has, and its consumers, are as wanted.
    pub(crate) async fn until(&self, name: &str, wanted: impl Fn((u32, u32)) -> bool) {
        let mut last = self.counts(name).await;
        let reached = timeout(PATIENCE, async {
            while !wanted(last) {
                sleep(LOOK_EVERY).await;
                last = self.counts(name).await;
            }
        });
        assert!(reached.await.is_ok(), "{name}: {last:?}");
    }

    /// Takes a message out of a queue for good.
    pub(crate) async fn take(&self, name: &str) -> Option<Vec<u8>> {
        let options = BasicGetOptions { no_ack: true };
        let got = self.by_hand.basic_get(name.into(), options).await.unwrap();
        got.map(|message| message.delivery.data)
    }

    /// Takes so many messages out of a queue, as soon as they are there, and all others.
    pub(crate) async fn take_all(&self, name: &str, expected: usize) -> Vec<Vec<u8>> {
        let mut taken = Vec::new();
        let all = timeout(PATIENCE, async {
            loop {
                match self.take(name).await {
                    Some(bytes) => taken.push(bytes),
                    None if taken.len() >= expected => return,
                    None => sleep(LOOK_EVERY).await,
                }
            }
        });
        assert!(all.await.is_ok(), "{name}: {} messages", taken.len());
        taken
    }
}

pub(crate) async fn connected(options: AmqpOptions) -> AmqpQueue {
    let queue = AmqpQueue::start(options).unwrap();
    let connected = timeout(PATIENCE, queue.connected()).await;
    assert!(connected.is_ok(), "{queue:?}");
    queue
}

/// Waits until a queue is lost, and tells why.
pub(crate) async fn lost(queue: &AmqpQueue) -> String {
    let mut state = queue.state();
    let is_lost = |state: &BrokerState| matches!(state, BrokerState::Lost { .. });
    let state = timeout(PATIENCE, state.wait_for(is_lost)).await;
    match &*state.unwrap().unwrap() {
        BrokerState::Lost { reason } => reason.clone(),
        other => unreachable!("{other:?}"),
    }
}

pub(crate) fn hint() -> Hint {
    Hint {
        job: JobId::new(),
        attempt: 0,
        specification: json!({ "dataset": "a" }),
        trace_parent: None,
    }
}

/// Publishes a new hint.
pub(crate) async fn published(queue: &AmqpQueue, lane: Lane) -> JobId {
    let hint = hint();
    queue.publish(lane, &hint).await.unwrap();
    hint.job
}

/// Takes the next hint for good.
pub(crate) async fn taken(consumer: &mut dyn Consumer) -> JobId {
    let delivery = timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();
    let job = delivery.hint().job;
    delivery.acknowledge().await.unwrap();
    job
}

/// Everything that was logged so far.
pub(crate) fn log() -> String {
    let lines = LOG.0.lock().unwrap();
    String::from_utf8_lossy(&lines).into_owned()
}

/// The log of this process.
#[derive(Clone, Copy)]
struct Log(&'static Mutex<Vec<u8>>);

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log(&LINES);
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || log)
        .init();
    log
});

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
