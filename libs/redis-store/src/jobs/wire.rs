//! How questions and commits go to the server and come back: the scripts, the clock, JSON, and
//! what is done when an answer gets lost.

use super::Shared;
use crate::link::Fault;
use assay_jobs::{JobError, JobId, JobRecord, Timestamp};
use redis::{FromRedisValue, Pipeline, Script, ScriptInvocation};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Before a commit whose answer was lost is sent again.
const PAUSE: Duration = Duration::from_millis(50);

/// The scripts that change something, each of them as a whole or not at all.
pub(super) struct Scripts {
    pub(super) insert: Script,
    pub(super) change: Script,
    pub(super) remove: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            insert: Script::new(include_str!("scripts/insert.lua")),
            change: Script::new(include_str!("scripts/change.lua")),
            remove: Script::new(include_str!("scripts/remove.lua")),
        }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// It stands.
    Done,
    /// It stood before: this was a repeat.
    Before,
    /// Somebody else changed the record first.
    Conflict,
    /// Its time was up.
    Late,
    /// The lane has so many waiting jobs.
    Full(u64),
    /// There is no such job any more.
    Gone,
}

/// What `TIME` answers: seconds and microseconds.
pub(super) type Clock = (u64, u64);

impl Shared {
    /// Asks for something that changes nothing.
    pub(super) async fn read<T: FromRedisValue>(
        &self,
        deadline: Instant,
        pipe: &Pipeline,
    ) -> Result<T, JobError> {
        Ok(self.link.ask_again(deadline, pipe).await?)
    }

    /// Sends a commit, again and again while its answer gets lost: the script knows a repeat.
    pub(super) async fn commit(
        &self,
        deadline: Instant,
        script: &ScriptInvocation<'_>,
    ) -> Result<Reply, JobError> {
        let mut lost = false;
        loop {
            let sent = self.link.ask(deadline, |mut connection| async move {
                script.invoke_async(&mut connection).await
            });
            let fault = match sent.await {
                Ok((word, number)) => return reply(word, number),
                Err(fault) => fault,
            };
            lost |= matches!(fault, Fault::Lost(_));
            if !lost {
                return Err(fault.into());
            }
            if Instant::now() + PAUSE >= deadline {
                return Err(unavailable(format!(
                    "{fault}; whether the change was stored is not known, so ask for it again"
                )));
            }
            sleep(PAUSE).await;
        }
    }

    pub(super) async fn now(&self, deadline: Instant) -> Result<Timestamp, JobError> {
        let (time,): (Clock,) = self.read(deadline, redis::pipe().cmd("TIME")).await?;
        Ok(self.moment(time))
    }

    pub(super) fn moment(&self, (seconds, microseconds): Clock) -> Timestamp {
        Timestamp(seconds * 1000 + microseconds / 1000 + self.ahead_ms())
    }
}

fn reply(word: String, number: u64) -> Result<Reply, JobError> {
    Ok(match word.as_str() {
        "done" => Reply::Done,
        "before" => Reply::Before,
        "conflict" => Reply::Conflict,
        "late" => Reply::Late,
        "full" => Reply::Full(number),
        "gone" => Reply::Gone,
        _ => {
            return Err(unavailable(format!("a script answered {word:?}")));
        }
    })
}

pub(super) const fn unavailable(reason: String) -> JobError {
    JobError::Unavailable {
        what: "the job store",
        reason,
    }
}

impl From<Fault> for JobError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreachable(reason) | Fault::Lost(reason) | Fault::Refused(reason) => {
                unavailable(reason)
            }
            Fault::Damaged { what, reason } => Self::Damaged { what, reason },
        }
    }
}

pub(super) fn decode<T: DeserializeOwned>(
    what: &str,
    id: JobId,
    json: &[u8],
) -> Result<T, JobError> {
    serde_json::from_slice(json).map_err(|error| JobError::Damaged {
        what: format!("{what} of job {id}"),
        reason: error.to_string(),
    })
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, JobError> {
    serde_json::to_vec(value)
        .map_err(|error| JobError::invalid("job", error, "what can be written as JSON"))
}

/// The record with its specification, which is stored once apart.
pub(super) fn complete(
    mut record: JobRecord,
    specification: Option<&[u8]>,
) -> Result<JobRecord, JobError> {
    let json = specification.ok_or_else(|| JobError::Damaged {
        what: format!("the specification of job {}", record.id),
        reason: "it is missing".to_owned(),
    })?;
    record.job.specification = decode("the specification", record.id, json)?;
    Ok(record)
}

pub(super) fn parse_id(text: &str) -> Result<JobId, JobError> {
    text.parse().map_err(|_| JobError::Damaged {
        what: "the job store".to_owned(),
        reason: format!("{text:?} stands among its ids"),
    })
}
