//! Whether a server keeps what it acknowledges, and whether what it holds can be read: looked at
//! on every new connection, for a restart may have changed both.

use super::keys::Keys;
use crate::{
    address::Address,
    link::{Fault, Greeting},
};
use async_trait::async_trait;
use redis::{
    ErrorKind, FromRedisValue as _, RedisError, Script, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use std::sync::atomic::{AtomicBool, Ordering};

/// Version of the layout that [`Keys`] describes.
const FORMAT: &str = "1";

/// The configuration key that takes a volatile server.
const OVERRIDE: &str = "storage.allow_volatile_jobs";

/// Settings and the values that keep what is acknowledged.
const WANTED: [(&str, &str); 4] = [
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    // Otherwise nothing is synchronised while the file is rewritten.
    ("no-appendfsync-on-rewrite", "no"),
    ("maxmemory-policy", "noeviction"),
];

pub(super) struct Durability {
    keys: Keys,
    open: Script,
    allow_volatile: bool,
    /// Whether there was a connection before.
    begun: AtomicBool,
    /// Whether the log knows that the server is volatile.
    told: AtomicBool,
}

impl Durability {
    pub(super) fn new(prefix: &str, allow_volatile: bool) -> Self {
        Self {
            keys: Keys::new(prefix),
            open: Script::new(include_str!("scripts/open.lua")),
            allow_volatile,
            begun: AtomicBool::new(false),
            told: AtomicBool::new(false),
        }
    }

    /// What may lose acknowledged jobs, as a part of a sentence; `None` when nothing does.
    async fn doubts(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Option<String>, RedisError> {
        let mut wrong = Vec::new();
        match role(connection).await {
            Ok(role) if role == "master" => {}
            Ok(role) => wrong.push(format!("its role is {role} (wanted: master)")),
            Err(error) if is_refusal(&error) => return Ok(Some(unreadable("ROLE", &error))),
            Err(error) => return Err(error),
        }
        for (name, wanted) in WANTED {
            match setting(connection, name).await {
                Ok(value) if value == wanted => {}
                Ok(value) => wrong.push(format!("{name} is {value:?} (wanted: {wanted:?})")),
                Err(error) if is_refusal(&error) => {
                    return Ok(Some(unreadable("CONFIG GET", &error)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((!wrong.is_empty()).then(|| wrong.join(", ")))
    }

    /// Refuses a server that may lose what it acknowledges, or says so where that is allowed.
    fn judge(&self, address: &Address, doubts: Option<String>) -> Result<(), Fault> {
        let Some(doubts) = doubts else {
            self.told.store(false, Ordering::Relaxed);
            return Ok(());
        };
        let reason = address.says(format!("it may lose jobs that it acknowledged: {doubts}"));
        let first = !self.told.swap(true, Ordering::Relaxed);
        if self.allow_volatile {
            if first {
                tracing::warn!(reason, "jobs may be lost, which {OVERRIDE} allows");
            }
            return Ok(());
        }
        if first && self.begun.load(Ordering::Relaxed) {
            tracing::error!(
                reason,
                "redis has become volatile; no jobs are taken or changed"
            );
        }
        Err(Fault::Refused(format!(
            "{reason}; mend this, or set {OVERRIDE} = true to accept the loss"
        )))
    }

    /// Looks at the format of what is there, and marks an empty place as a store.
    async fn format(
        &self,
        address: &Address,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), Fault> {
        let mut script = self.open.prepare_invoke();
        script.key(self.keys.meta());
        for part in ["hash", "stream", "set", "string"] {
            script.key(self.keys.trial(part));
        }
        let opened = script.arg(FORMAT).invoke_async(connection).await;
        let (found, fresh): (String, bool) = opened.map_err(|error| foreign(address, &error))?;
        if found != FORMAT {
            return Err(Fault::Damaged {
                what: "the job store".to_owned(),
                reason: address.says(format!(
                    "its format is {found}, but this version reads {FORMAT}; use the version that \
                     wrote it"
                )),
            });
        }
        if self.begun.swap(true, Ordering::Relaxed) && fresh {
            let reason = address.says("the jobs that were taken before are not there");
            tracing::error!(reason, "the job store came back empty");
        }
        Ok(())
    }
}

#[async_trait]
impl Greeting for Durability {
    async fn greet(
        &self,
        address: &Address,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), Fault> {
        let doubts = self.doubts(connection).await;
        self.judge(address, doubts.map_err(|error| address.fault(&error))?)?;
        self.format(address, connection).await
    }
}

async fn role(connection: &mut MultiplexedConnection) -> Result<String, RedisError> {
    let answer: Vec<Value> = redis::cmd("ROLE").query_async(connection).await?;
    let role = answer.first().map(String::from_redis_value_ref);
    Ok(role.transpose()?.unwrap_or_default())
}

async fn setting(connection: &mut MultiplexedConnection, name: &str) -> Result<String, RedisError> {
    let mut asked = redis::cmd("CONFIG");
    let answer: Vec<String> = asked.arg("GET").arg(name).query_async(connection).await?;
    // The name and the value; nothing when there is no such setting.
    Ok(answer.into_iter().nth(1).unwrap_or_default())
}

/// Whether the server does not want to answer this question, as against any.
fn is_refusal(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => kind != ServerErrorKind::BusyLoading,
        ErrorKind::Extension => error.code() != Some("NOAUTH"),
        _ => false,
    }
}

fn unreadable(command: &str, error: &RedisError) -> String {
    format!("its settings cannot be read, for it refuses {command} to this user ({error})")
}

/// A key of that name has another type: the place belongs to something else.
fn foreign(address: &Address, error: &RedisError) -> Fault {
    if error.to_string().contains("WRONGTYPE") {
        return Fault::Damaged {
            what: "the job store".to_owned(),
            reason: address.says(format!("another program uses its keys: {error}")),
        };
    }
    address.fault(error)
}
