//! The sweep. It looks at the schedule, decides, and commits each job for itself: of several
//! sweeps at a time, each job is changed and named by one.

use super::{
    Shared,
    change::{Decision, Fields, Found},
    keys::Sort,
    wire::{Clock, Reply, complete, parse_id},
};
use assay_jobs::{
    JobError, JobId, JobRecord, Sweep, Timestamp,
    transition::{self, Expiry},
};
use futures::future::join_all;
use std::time::Duration;
use tokio::time::Instant;

/// Jobs of one sort that one sweep takes at most.
const PART: usize = 256;

pub(super) async fn sweep(
    shared: &Shared,
    redispatch_after: Duration,
    retention: Duration,
) -> Result<Sweep, JobError> {
    let now = shared.now(shared.deadline()).await?;
    let mut round = Round {
        shared,
        sweep: Sweep::default(),
        failed: None,
    };
    if let Err(error) = round.go(redispatch_after, retention, now).await {
        round.failed = Some(error);
    }
    let Some(error) = round.failed else {
        return Ok(round.sweep);
    };
    // What is left is for later: at once it would fail again.
    round.sweep.more = false;
    if round.sweep == Sweep::default() {
        return Err(error);
    }
    // What was done is done, and whoever asked acts upon it.
    tracing::warn!(%error, "a part of the sweep was left for the next");
    Ok(round.sweep)
}

struct Round<'s> {
    shared: &'s Shared,
    sweep: Sweep,
    /// A failure that left some jobs for the next sweep.
    failed: Option<JobError>,
}

impl Round<'_> {
    async fn go(
        &mut self,
        redispatch_after: Duration,
        retention: Duration,
        now: Timestamp,
    ) -> Result<(), JobError> {
        // Before the expired ones are queued again: those are published once.
        self.redispatch(redispatch_after, now).await?;
        self.expire(now).await?;
        self.remove(retention, now).await
    }

    async fn redispatch(&mut self, after: Duration, now: Timestamp) -> Result<(), JobError> {
        let mut due = self.due(Sort::Waiting, Some(now), 0).await?;
        let before = earlier(now, after);
        due.extend(self.due(Sort::Dispatched, before, 0).await?);
        self.sweep.more |= due.len() > PART;
        due.truncate(PART);
        let mut decided = Vec::new();
        for found in self.found(&due, true).await? {
            if transition::needs_hint(&found.record, after, found.now) {
                let mut record = found.record.clone();
                transition::redispatched(&mut record, found.now);
                decided.push((found, Decision::new(record, Vec::new())));
            }
        }
        for (record, specification) in self.kept(decided).await {
            self.publish(record, specification);
        }
        Ok(())
    }

    async fn expire(&mut self, now: Timestamp) -> Result<(), JobError> {
        let mut due = self.due(Sort::Running, Some(now), 0).await?;
        self.sweep.more |= due.len() > PART;
        due.truncate(PART);
        let (mut decided, mut expiries) = (Vec::new(), Vec::new());
        for found in self.found(&due, true).await? {
            let mut record = found.record.clone();
            if let Some((expiry, events)) = transition::expire(&mut record, found.now) {
                expiries.push((record.id, expiry));
                decided.push((found, Decision::new(record, events)));
            }
        }
        for (record, specification) in self.kept(decided).await {
            let id = record.id;
            match expiries.iter().find(|(of, _)| *of == id) {
                Some((_, Expiry::Requeued)) => {
                    self.sweep.requeued.push(id);
                    self.publish(record, specification);
                }
                Some((_, Expiry::Exhausted)) => self.sweep.exhausted.push(id),
                Some((_, Expiry::Cancelled)) => self.sweep.cancelled.push(id),
                None => {}
            }
        }
        Ok(())
    }

    async fn remove(&mut self, retention: Duration, now: Timestamp) -> Result<(), JobError> {
        let mut kept = 0;
        while self.sweep.removed.len() < PART {
            let due = self.due(Sort::Over, earlier(now, retention), kept).await?;
            let last = due.len() <= PART;
            let mut found = self.found(&due, false).await?;
            found.retain(|found| transition::is_removable(&found.record, retention, now));
            found.truncate(PART - self.sweep.removed.len());
            let removed = join_all(found.iter().map(|found| self.shared.remove(found))).await;
            let before = self.sweep.removed.len();
            for (found, removed) in found.iter().zip(removed) {
                match removed {
                    Ok(true) => self.sweep.removed.push(found.record.id),
                    Ok(false) => {}
                    Err(error) => self.failed = Some(error),
                }
            }
            if last || self.failed.is_some() {
                break;
            }
            // Those that are found by their key for a while yet stand before others.
            kept += due.len() - (self.sweep.removed.len() - before);
        }
        Ok(())
    }

    /// Jobs of one sort whose time came until a moment, the earliest first, one more than a part.
    async fn due(
        &self,
        sort: Sort,
        until: Option<Timestamp>,
        skip: usize,
    ) -> Result<Vec<JobId>, JobError> {
        let Some(until) = until else {
            return Ok(Vec::new());
        };
        let mut pipe = redis::pipe();
        pipe.cmd("ZRANGEBYSCORE")
            .arg(self.shared.keys.schedule(sort))
            .arg("-inf")
            .arg(until.0)
            .arg("LIMIT")
            .arg(skip)
            .arg(PART + 1);
        let (ids,): (Vec<String>,) = self.shared.read(self.shared.deadline(), &pipe).await?;
        ids.iter().map(|id| parse_id(id)).collect()
    }

    /// The records of jobs, but for those that were removed meanwhile. One that is damaged does
    /// not keep the others waiting.
    async fn found(&mut self, ids: &[JobId], whole: bool) -> Result<Vec<Found>, JobError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for id in ids {
            self.shared.ask_for(&mut pipe, *id, whole);
            pipe.cmd("TIME");
        }
        let answers: Vec<redis::Value> = self.shared.read(self.shared.deadline(), &pipe).await?;
        let mut all = Vec::with_capacity(ids.len());
        for (id, answer) in ids.iter().zip(answers.chunks_exact(2)) {
            let fields: Fields = understood(&answer[0])?;
            let time: Clock = understood(&answer[1])?;
            match self.shared.understood(*id, fields, time) {
                Ok(found) => all.extend(found),
                Err(error) => self.failed = Some(error),
            }
        }
        Ok(all)
    }

    /// Keeps what was decided, all at a time, and gives what was kept: not what somebody else
    /// changed first.
    async fn kept(&mut self, decided: Vec<(Found, Decision)>) -> Vec<(JobRecord, Vec<u8>)> {
        let deadline: Instant = self.shared.deadline();
        let keeping = decided
            .iter()
            .map(|(found, decision)| self.shared.keep(found, decision, deadline));
        let replies = join_all(keeping).await;
        let mut kept = Vec::with_capacity(decided.len());
        for ((found, decision), reply) in decided.into_iter().zip(replies) {
            match reply {
                Ok(Reply::Done | Reply::Before) => {
                    kept.push((decision.record, found.specification.unwrap_or_default()));
                }
                Ok(_) => {}
                Err(error) => self.failed = Some(error),
            }
        }
        kept
    }

    fn publish(&mut self, record: JobRecord, specification: Vec<u8>) {
        match complete(record, Some(&specification)) {
            Ok(record) => self.sweep.to_publish.push(record),
            Err(error) => self.failed = Some(error),
        }
    }
}

impl Shared {
    /// Removes a record with everything about it; false when somebody else did first.
    async fn remove(&self, found: &Found) -> Result<bool, JobError> {
        let record = &found.record;
        let mut script = self.scripts.remove.prepare_invoke();
        script
            .key(self.keys.job(record.id))
            .key(self.keys.events(record.id))
            .key(self.keys.index())
            .key(self.keys.schedule(Sort::Over));
        if let Some(key) = self.keys.idempotency_of(record) {
            script.key(key);
        }
        script
            .arg(record.id.to_string())
            .arg(&found.commits)
            .arg(self.keys.changed());
        let reply = self.commit(self.deadline(), &script).await?;
        if reply == Reply::Done {
            self.bells.ring(record.id);
        }
        Ok(reply == Reply::Done)
    }
}

fn understood<T: redis::FromRedisValue>(value: &redis::Value) -> Result<T, JobError> {
    redis::from_redis_value_ref(value).map_err(|error| JobError::Damaged {
        what: "the job store".to_owned(),
        reason: error.to_string(),
    })
}

/// The moment some time before; `None` before time began.
fn earlier(now: Timestamp, time: Duration) -> Option<Timestamp> {
    let time_ms = u64::try_from(time.as_millis()).ok()?;
    now.0.checked_sub(time_ms).map(Timestamp)
}
