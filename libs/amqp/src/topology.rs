//! The queues and the exchange that there must be. They are declared at each connection, which
//! changes nothing where they are there already.

use crate::trouble::Trouble;
use assay_jobs::Lane;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

/// Times a hint may come back before it is a dead letter. A hint that cannot be read is one at
/// once, so this only ends what comes back for ever for reasons that nobody thought of. It is far
/// above what workers give back while their job store is down.
const DELIVERY_LIMIT: i64 = 1_000;

/// Hints that a lane keeps. What is more is refused: it is only hints, and they are published
/// again while their jobs wait. Without this the second and third hints for jobs that wait for
/// days would fill the broker.
const HINTS_KEPT: i64 = 20_000;
const HINT_BYTES_KEPT: i64 = 256 << 20;

/// Dead letters that a lane keeps; the oldest go first.
const DEAD_LETTERS_KEPT: i64 = 1_000;
const DEAD_LETTER_BYTES_KEPT: i64 = 64 << 20;

/// The names of what there must be.
#[derive(Debug, Clone)]
pub(crate) struct Topology {
    prefix: String,
}

impl Topology {
    pub(crate) fn new(prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        Self { prefix }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The queue of a lane.
    pub(crate) fn queue(&self, lane: Lane) -> String {
        format!("{}.{lane}", self.prefix)
    }

    /// Where the dead letters of a lane go.
    pub(crate) fn dead_letters(&self, lane: Lane) -> String {
        format!("{}.{lane}.dead", self.prefix)
    }

    /// By way of which they go there.
    pub(crate) fn exchange(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    /// Declares everything on a channel, which the broker closes at the first refusal.
    pub(crate) async fn declare(&self, channel: &Channel) -> Result<(), Trouble> {
        self.declare_exchange(channel).await?;
        for lane in Lane::ALL {
            let dead = self.dead_letters(lane);
            self.declare_queue(channel, &dead, dead_letter_arguments())
                .await?;
            self.bind(channel, lane, &dead).await?;
            let queue = self.queue(lane);
            self.declare_queue(channel, &queue, self.arguments(lane))
                .await?;
        }
        Ok(())
    }

    async fn declare_exchange(&self, channel: &Channel) -> Result<(), Trouble> {
        let name = self.exchange();
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(
                name.as_str().into(),
                ExchangeKind::Direct,
                options,
                FieldTable::default(),
            )
            .await
            .map_err(|error| Trouble::declaring(&format!("exchange {name}"), self, &error))
    }

    async fn declare_queue(
        &self,
        channel: &Channel,
        name: &str,
        arguments: FieldTable,
    ) -> Result<(), Trouble> {
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        channel
            .queue_declare(name.into(), options, arguments)
            .await
            .map_err(|error| Trouble::declaring(&format!("queue {name}"), self, &error))?;
        Ok(())
    }

    async fn bind(&self, channel: &Channel, lane: Lane, dead: &str) -> Result<(), Trouble> {
        channel
            .queue_bind(
                dead.into(),
                self.exchange().into(),
                lane.name().into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(|error| Trouble::declaring(&format!("queue {dead}"), self, &error))
    }

    /// A dead letter leaves its queue only when the other one has it, for which the broker wants a
    /// full queue to refuse.
    fn arguments(&self, lane: Lane) -> FieldTable {
        table([
            ("x-queue-type", text("quorum")),
            ("x-delivery-limit", number(DELIVERY_LIMIT)),
            ("x-dead-letter-exchange", text(&self.exchange())),
            ("x-dead-letter-routing-key", text(lane.name())),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
            ("x-max-length", number(HINTS_KEPT)),
            ("x-max-length-bytes", number(HINT_BYTES_KEPT)),
        ])
    }
}

fn dead_letter_arguments() -> FieldTable {
    table([
        ("x-queue-type", text("quorum")),
        ("x-overflow", text("drop-head")),
        ("x-max-length", number(DEAD_LETTERS_KEPT)),
        ("x-max-length-bytes", number(DEAD_LETTER_BYTES_KEPT)),
    ])
}

fn table<const N: usize>(arguments: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        table.insert(ShortString::from(name), value);
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

const fn number(value: i64) -> AMQPValue {
    AMQPValue::LongLongInt(value)
}
