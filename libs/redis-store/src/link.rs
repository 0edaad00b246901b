//! One connection to a Redis that comes back by itself. Every call has a time limit, and says of
//! a failure whether the server can have done what it was asked.

use crate::address::{Address, wants_new_connection};
use async_trait::async_trait;
use redis::{
    AsyncConnectionConfig, FromRedisValue, Pipeline, RedisResult, aio::MultiplexedConnection,
};
use std::{
    fmt::Display,
    future::Future,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

/// After a first failure to connect; doubled with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Longest time in which nobody tries to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Requests that wait to be written.
const BUFFERED: usize = 256;

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// There is no connection: nothing was sent.
    Unreachable(String),
    /// The answer did not come: whether it was done is not known.
    Lost(String),
    /// The server refused: nothing was done.
    Refused(String),
    /// What is stored there is not what it should be.
    Damaged {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
}

/// What is done on every new connection before it is used.
#[async_trait]
pub(crate) trait Greeting: Send + Sync {
    /// Looks at the server; a failure closes the connection again.
    async fn greet(
        &self,
        address: &Address,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), Fault>;
}

/// For those who take every server.
pub(crate) struct Nothing;

#[async_trait]
impl Greeting for Nothing {
    async fn greet(&self, _: &Address, _: &mut MultiplexedConnection) -> Result<(), Fault> {
        Ok(())
    }
}

pub(crate) struct Link {
    /// Who uses it, for the log.
    name: &'static str,
    address: Address,
    greeting: Box<dyn Greeting>,
    open: std::sync::Mutex<Open>,
    /// Held by the one who connects.
    failed: Mutex<Option<Failed>>,
}

#[derive(Default)]
struct Open {
    /// Number of the connection, or of the last one.
    number: u64,
    connection: Option<MultiplexedConnection>,
}

/// The last attempts to connect failed.
struct Failed {
    fault: Fault,
    times: u32,
    /// Nobody tries before.
    until: Instant,
}

impl Link {
    pub(crate) fn new(
        name: &'static str,
        address: Address,
        greeting: impl Greeting + 'static,
    ) -> Self {
        Self {
            name,
            address,
            greeting: Box::new(greeting),
            open: std::sync::Mutex::default(),
            failed: Mutex::default(),
        }
    }

    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// Asks one question, on a new connection if there is none.
    pub(crate) async fn ask<T, F>(
        &self,
        deadline: Instant,
        question: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let (number, connection) = self.connection(deadline).await?;
        match timeout_at(deadline, question(connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if wants_new_connection(&error) {
                    self.close(number);
                }
                Err(self.address.fault(&error))
            }
            Err(_) => {
                // It may be that nobody is there any more.
                self.close(number);
                Err(Fault::Lost(self.address.says("no answer in time")))
            }
        }
    }

    /// Asks for something that may be done twice: a second time when the connection breaks, as
    /// one does that the server closed when nobody used it.
    pub(crate) async fn ask_again<T: FromRedisValue>(
        &self,
        deadline: Instant,
        pipe: &Pipeline,
    ) -> Result<T, Fault> {
        let once = || {
            self.ask(deadline, |mut connection| async move {
                pipe.query_async(&mut connection).await
            })
        };
        match once().await {
            Err(Fault::Lost(_)) if Instant::now() < deadline => once().await,
            answer => answer,
        }
    }

    /// The connection, which one caller makes for all who wait.
    pub(crate) async fn connection(
        &self,
        deadline: Instant,
    ) -> Result<(u64, MultiplexedConnection), Fault> {
        let late = || Fault::Unreachable(self.address.says("no connection in time"));
        if let Some(open) = self.current() {
            return Ok(open);
        }
        let Ok(mut failed) = timeout_at(deadline, self.failed.lock()).await else {
            return Err(late());
        };
        if let Some(open) = self.current() {
            return Ok(open);
        }
        if let Some(failed) = failed.as_ref().filter(|f| Instant::now() < f.until) {
            return Err(failed.fault.clone());
        }
        let opened = timeout_at(deadline, self.open()).await;
        let opened = opened.unwrap_or_else(|_| Err(late()));
        let connection = opened.map_err(|fault| self.note(&mut failed, fault))?;
        if failed.take().is_some() {
            tracing::info!(user = self.name, "redis is reachable again");
        }
        let mut open = self.lock();
        open.number += 1;
        open.connection = Some(connection.clone());
        Ok((open.number, connection))
    }

    fn current(&self) -> Option<(u64, MultiplexedConnection)> {
        let open = self.lock();
        let connection = open.connection.clone()?;
        Some((open.number, connection))
    }

    async fn open(&self) -> Result<MultiplexedConnection, Fault> {
        // The limits are those of the callers.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(BUFFERED);
        let connected = self
            .address
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let mut connection = connected
            .await
            .map_err(|error| Fault::Unreachable(self.address.says(&error)))?;
        match self.greeting.greet(&self.address, &mut connection).await {
            Ok(()) => Ok(connection),
            // Of the caller's question nothing was sent.
            Err(Fault::Lost(reason) | Fault::Refused(reason)) => Err(Fault::Unreachable(reason)),
            Err(fault) => Err(fault),
        }
    }

    fn note(&self, failed: &mut Option<Failed>, fault: Fault) -> Fault {
        let times = failed.as_ref().map_or(0, |failed| failed.times) + 1;
        if times == 1 {
            tracing::warn!(user = self.name, reason = %fault, "redis is not reachable");
        }
        let pause = FIRST_PAUSE * (1 << (times - 1).min(10));
        *failed = Some(Failed {
            fault: fault.clone(),
            times,
            until: Instant::now() + pause.min(LONGEST_PAUSE),
        });
        fault
    }

    /// Gives a connection up, unless it was done already.
    fn close(&self, number: u64) {
        let mut open = self.lock();
        if open.number == number {
            open.connection = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Every change under the lock is complete in itself.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(reason) | Self::Lost(reason) | Self::Refused(reason) => {
                f.write_str(reason)
            }
            Self::Damaged { what, reason } => write!(f, "{what} is damaged: {reason}"),
        }
    }
}
