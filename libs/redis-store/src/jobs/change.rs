//! The changes of one job: read it, let the state machine change it, keep it if nobody else
//! changed it meanwhile, and begin anew otherwise.

use super::{
    Shared,
    keys::{count, moment},
    wire::{Clock, Reply, complete, decode, encode, unavailable},
};
use assay_core::keyed_rng;
use assay_jobs::{
    Beat, Claim, FencingToken, JobError, JobEvent, JobId, JobRecord, Outcome, Timestamp,
    transition::{self, ClaimDecision, EVENTS_KEPT},
};
use rand::Rng as _;
use redis::ScriptInvocation;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A decision that has not arrived for so long is made anew: its times would be old.
const DECISION_HOLDS: Duration = Duration::from_secs(5);

/// Longest pause after a conflict, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 64;

/// A record as it was read.
pub(super) struct Found {
    /// Without its specification.
    pub(super) record: JobRecord,
    /// The specification, if it was asked for.
    pub(super) specification: Option<Vec<u8>>,
    /// The names of its last commits: who finds others later knows that it was changed.
    pub(super) commits: String,
    /// When it was read, by the store's clock.
    pub(super) now: Timestamp,
}

/// What a record is to become.
pub(super) struct Decision {
    pub(super) record: JobRecord,
    pub(super) events: Vec<JobEvent>,
    /// The name of the commit.
    pub(super) name: String,
}

pub(super) async fn claim(
    shared: &Shared,
    id: JobId,
    worker: &str,
    lease: Duration,
) -> Result<Claim, JobError> {
    let (decision, record, specification) = change(shared, id, true, |record, now| {
        Ok(transition::claim(record, worker, lease, now))
    })
    .await?;
    let complete = |record| complete(record, specification.as_deref()).map(Box::new);
    Ok(match decision {
        ClaimDecision::NotNow => Claim::NotNow(record.state),
        ClaimDecision::Claimed => Claim::Claimed(complete(record)?),
        ClaimDecision::Exhausted => Claim::Exhausted(complete(record)?),
    })
}

pub(super) async fn beat(
    shared: &Shared,
    (id, token): (JobId, FencingToken),
    beat: &Beat,
    lease: Duration,
) -> Result<bool, JobError> {
    let ((), record, _) = change(shared, id, false, |record, now| {
        transition::beat(record, token, beat.clone(), lease, now).map(|events| ((), events))
    })
    .await?;
    Ok(record.cancel_requested)
}

pub(super) async fn finish(
    shared: &Shared,
    (id, token): (JobId, FencingToken),
    outcome: &Outcome,
) -> Result<JobRecord, JobError> {
    let ((), record, specification) = change(shared, id, true, |record, now| {
        transition::finish(record, token, outcome.clone(), now).map(|events| ((), events))
    })
    .await?;
    complete(record, specification.as_deref())
}

pub(super) async fn cancel(
    shared: &Shared,
    id: JobId,
    reason: &str,
) -> Result<JobRecord, JobError> {
    let ((), record, specification) = change(shared, id, true, |record, now| {
        transition::cancel(record, reason, now).map(|events| ((), events))
    })
    .await?;
    complete(record, specification.as_deref())
}

/// Reads a record, lets the state machine change it, keeps it when it is another. Gives what was
/// decided, the record, and its specification if it was asked for.
async fn change<T>(
    shared: &Shared,
    id: JobId,
    whole: bool,
    decide: impl Fn(&mut JobRecord, Timestamp) -> Result<(T, Vec<JobEvent>), JobError>,
) -> Result<(T, JobRecord, Option<Vec<u8>>), JobError> {
    let deadline = shared.deadline();
    for attempt in 0.. {
        let found = shared.found(id, whole, deadline).await?;
        let mut record = found.record.clone();
        let (value, events) = decide(&mut record, found.now)?;
        if record == found.record {
            return Ok((value, record, found.specification));
        }
        let decision = Decision::new(record, events);
        match shared.keep(&found, &decision, deadline).await? {
            Reply::Done | Reply::Before => {
                return Ok((value, decision.record, found.specification));
            }
            // It does not stand and never will: its time is up, or the record is another.
            Reply::Conflict | Reply::Late | Reply::Gone | Reply::Full(_) => {}
        }
        pause(id, attempt, deadline).await?;
    }
    Err(JobError::NotFound(id))
}

/// Waits a moment before another attempt, so that those who are in each other's way part.
pub(super) async fn pause(id: JobId, attempt: u32, deadline: Instant) -> Result<(), JobError> {
    if Instant::now() >= deadline {
        return Err(unavailable(format!(
            "job {id} was changed by others {} times meanwhile; ask again",
            attempt + 1
        )));
    }
    // Every caller draws its own: the name of a commit is random.
    let [.., a, b, c, d, e, f, g, h] = *JobId::new().as_bytes();
    let seed = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let limit = (1_u64 << attempt.min(6)).min(LONGEST_PAUSE_MS);
    let wait = keyed_rng(seed, "redis conflict", &[]).next_u64() % (limit + 1);
    sleep(Duration::from_millis(wait)).await;
    Ok(())
}

impl Decision {
    pub(super) fn new(record: JobRecord, events: Vec<JobEvent>) -> Self {
        let name = JobId::new().to_string();
        Self {
            record,
            events,
            name,
        }
    }
}

impl Shared {
    async fn found(&self, id: JobId, whole: bool, deadline: Instant) -> Result<Found, JobError> {
        let mut pipe = redis::pipe();
        self.ask_for(&mut pipe, id, whole);
        pipe.cmd("TIME");
        let (fields, time): (Fields, Clock) = self.read(deadline, &pipe).await?;
        let found = self.understood(id, fields, time)?;
        found.ok_or(JobError::NotFound(id))
    }

    /// Adds the question for a record; the answer is one [`Fields`]. The time is to be asked for
    /// after it, so that it is not before what is read.
    pub(super) fn ask_for(&self, pipe: &mut redis::Pipeline, id: JobId, whole: bool) {
        let fields = ["record", "commits", "at", "specification"];
        let fields = if whole { &fields[..] } else { &fields[..3] };
        pipe.cmd("HMGET").arg(self.keys.job(id)).arg(fields);
    }

    /// The record in an answer; `None` when there is none.
    pub(super) fn understood(
        &self,
        id: JobId,
        fields: Fields,
        time: Clock,
    ) -> Result<Option<Found>, JobError> {
        let mut fields = fields.into_iter();
        let mut next = || fields.next().flatten();
        let (Some(json), Some(commits), at) = (next(), next(), next()) else {
            return Ok(None);
        };
        let at = at.and_then(|at| std::str::from_utf8(&at).ok()?.parse().ok());
        Ok(Some(Found {
            record: decode("the record", id, &json)?,
            specification: next(),
            commits: String::from_utf8_lossy(&commits).into_owned(),
            // The server's clock may have been set back since the last change.
            now: self.moment(time).max(Timestamp(at.unwrap_or_default())),
        }))
    }

    /// Keeps what was decided about a record that was found.
    pub(super) async fn keep(
        &self,
        found: &Found,
        decision: &Decision,
        deadline: Instant,
    ) -> Result<Reply, JobError> {
        let (before, record) = (&found.record, &decision.record);
        let (sort_before, _) = moment(before);
        let (sort, at) = moment(record);
        let mut script = self.scripts.change.prepare_invoke();
        script
            .key(self.keys.job(record.id))
            .key(self.keys.events(record.id))
            .key(self.keys.counts())
            .key(self.keys.schedule(sort_before))
            .key(self.keys.schedule(sort))
            .arg(record.id.to_string())
            .arg(&decision.name)
            .arg(self.ahead_ms())
            .arg(too_late(before, found.now).0)
            .arg(&found.commits)
            .arg(slim(record)?)
            .arg(found.now.0)
            .arg(at)
            .arg(count(before))
            .arg(count(record))
            .arg(self.keys.changed())
            .arg(EVENTS_KEPT);
        add_events(&mut script, &decision.events)?;
        let reply = self.commit(deadline, &script).await?;
        if reply == Reply::Done {
            self.bells.ring(record.id);
        }
        Ok(reply)
    }
}

/// The fields of a record, as they come.
pub(super) type Fields = Vec<Option<Vec<u8>>>;

pub(super) fn add_events(
    script: &mut ScriptInvocation<'_>,
    events: &[JobEvent],
) -> Result<(), JobError> {
    for event in events {
        script.arg(event.sequence).arg(encode(event)?);
    }
    Ok(())
}

/// The record as JSON without its specification.
pub(super) fn slim(record: &JobRecord) -> Result<Vec<u8>, JobError> {
    let mut slim = record.clone();
    slim.job.specification = serde_json::Value::Null;
    encode(&slim)
}

/// From when on a decision about a record as it was is worth nothing: a lease that it saw has
/// run out by then, or it is old.
fn too_late(before: &JobRecord, now: Timestamp) -> Timestamp {
    let old = decision_ends(now);
    let lease = before.lease.as_ref().map(|lease| lease.expires_at);
    lease
        .filter(|end| *end > now)
        .map_or(old, |end| end.min(old))
}

pub(super) fn decision_ends(now: Timestamp) -> Timestamp {
    now.after(DECISION_HOLDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_jobs::{Lane, NewJob};

    fn queued() -> JobRecord {
        let job = NewJob {
            lane: Lane::Train,
            specification: serde_json::Value::Null,
            principal: String::new(),
            idempotency_key: None,
            max_attempts: 1,
            trace_parent: None,
        };
        let (record, _) = transition::new_record(JobId::new(), job, Timestamp(1_000)).unwrap();
        record
    }

    #[test]
    fn a_decision_ends_with_the_lease_that_it_saw() {
        let now = Timestamp(1_000);
        let mut record = queued();
        assert_eq!(too_late(&record, now), now.after(DECISION_HOLDS));
        transition::claim(&mut record, "w", Duration::from_millis(300), now);
        assert_eq!(too_late(&record, now), Timestamp(1_300));
        // A lease that has run out is what the sweep acts upon.
        let later = Timestamp(1_300);
        assert_eq!(too_late(&record, later), later.after(DECISION_HOLDS));
        transition::expire(&mut record, later).unwrap();
        transition::cancel(&mut record, "", later).unwrap_err();
    }
}
