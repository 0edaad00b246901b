//! One connection from the moment when everything is declared until it ends, and the watch over
//! it.

use crate::{
    board::Side,
    options::AmqpOptions,
    topology::Topology,
    transport::{Line, Target},
    trouble::Trouble,
};
use futures::StreamExt;
use lapin::{Channel, Connection, options::BasicQosOptions};
use std::{pin::pin, time::Duration};
use tokio::{
    sync::Mutex,
    time::{MissedTickBehavior, interval, timeout},
};

/// Longest time for declaring: a broker that makes queues for the first time writes to its disk.
const DECLARE_WITHIN: Duration = Duration::from_secs(60);
/// Longest time for taking leave.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Between two looks at whether the library says that the connection is there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is the same for every connection of a queue.
pub(crate) struct Settings {
    target: Target,
    pub(crate) topology: Topology,
    pub(crate) options: AmqpOptions,
    /// One declares at a time: two that make the same queue at once get in each other's way.
    declaring: Mutex<()>,
}

impl Settings {
    pub(crate) fn new(target: Target, options: AmqpOptions) -> Self {
        Self {
            target,
            topology: Topology::new(&options.prefix),
            options,
            declaring: Mutex::new(()),
        }
    }
}

/// A connection with everything declared.
pub(crate) struct Session<'s> {
    pub(crate) settings: &'s Settings,
    connection: Connection,
    /// For asking whether somebody is there.
    control: Channel,
    _line: Line,
}

impl<'s> Session<'s> {
    pub(crate) async fn open(settings: &'s Settings, side: Side) -> Result<Self, Trouble> {
        let within = settings.options.connect_within;
        let (connection, line) = settings.target.connect(side, within).await?;
        let opened = timeout(within, connection.create_channel()).await;
        let control = opened
            .map_err(|_| Trouble::Silent { within })?
            .map_err(|error| Trouble::ended(&error))?;
        let session = Self {
            settings,
            connection,
            control,
            _line: line,
        };
        tokio::select! {
            declared = session.declare() => declared?,
            trouble = session.ended() => return Err(trouble),
        }
        Ok(session)
    }

    /// Declares everything, once more if need be.
    pub(crate) async fn declare(&self) -> Result<(), Trouble> {
        let _alone = self.settings.declaring.lock().await;
        let declaring = async {
            let channel = self.channel().await.map_err(|e| Trouble::ended(&e))?;
            self.settings.topology.declare(&channel).await
        };
        let within = DECLARE_WITHIN;
        let declared = timeout(within, declaring).await;
        declared.unwrap_or(Err(Trouble::Silent { within }))
    }

    pub(crate) async fn channel(&self) -> lapin::Result<Channel> {
        self.connection.create_channel().await
    }

    /// Whether the broker has asked to be spared. It reads nothing then.
    pub(crate) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Waits for the end of the connection, whoever notices it: the library by what it tells or by
    /// what it says when it is asked, or we, because the broker does not answer.
    pub(crate) async fn ended(&self) -> Trouble {
        let heartbeat = self.settings.options.heartbeat;
        let mut events = pin!(self.connection.events_listener().fuse());
        let mut look = interval(LOOK_EVERY);
        let mut ask = interval(heartbeat);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(event) = events.next() => {
                    if let lapin::Event::Error(error) = event
                        && !self.connection.status().connected()
                    {
                        return Trouble::ended(&error);
                    }
                }
                _ = look.tick() => {
                    if !self.connection.status().connected() {
                        let reason = "the broker closed it".to_owned();
                        return Trouble::Ended { reason };
                    }
                }
                // One that asked to be spared hears nothing.
                _ = ask.tick(), if !self.is_blocked() => {
                    match timeout(heartbeat, self.ask()).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return Trouble::ended(&error),
                        Err(_) => return Trouble::Silent { within: heartbeat },
                    }
                }
            }
        }
    }

    /// Asks for something that changes nothing.
    async fn ask(&self) -> lapin::Result<()> {
        self.control.basic_qos(1, BasicQosOptions::default()).await
    }

    /// Takes leave of the broker, shortly, and cuts the line.
    pub(crate) async fn close(self) {
        let leave = self.connection.close(200, "goodbye".into());
        // Whether it heard us or not, the line is cut.
        let _ = timeout(CLOSE_WITHIN, leave).await;
    }
}
