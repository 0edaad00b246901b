//! The changes of one job, each within one transaction.

use super::tables::Tables;
use assay_jobs::{
    Beat, Claim, FencingToken, JobError, JobEvent, JobId, JobRecord, NewJob, Outcome, Submitted,
    Timestamp,
    transition::{self, ClaimDecision},
};
use std::time::Duration;

pub(super) fn submit(
    tables: &mut Tables<'_>,
    job: NewJob,
    max_queued: u64,
    now: Timestamp,
) -> Result<Submitted, JobError> {
    let (record, events) = transition::new_record(JobId::new(), job, now)?;
    let job = &record.job;
    if let Some(key) = &job.idempotency_key
        && let Some(id) = tables.by_key(&job.principal, key)?
    {
        let found = tables.complete(tables.load(id)?)?;
        if transition::answers_key(&found, job, now)? {
            return Ok(Submitted {
                record: found,
                created: false,
            });
        }
    }
    let waiting = tables.queued(job.lane)?;
    if waiting >= max_queued {
        let lane = job.lane;
        return Err(JobError::Full { lane, waiting });
    }
    tables.insert(&record, &events)?;
    Ok(Submitted {
        record,
        created: true,
    })
}

pub(super) fn claim(
    tables: &mut Tables<'_>,
    id: JobId,
    worker: &str,
    lease: Duration,
    now: Timestamp,
) -> Result<Claim, JobError> {
    let (decision, record) = change(tables, id, |record| {
        Ok(transition::claim(record, worker, lease, now))
    })?;
    Ok(match decision {
        ClaimDecision::NotNow => Claim::NotNow(record.state),
        ClaimDecision::Claimed => Claim::Claimed(Box::new(tables.complete(record)?)),
        ClaimDecision::Exhausted => Claim::Exhausted(Box::new(tables.complete(record)?)),
    })
}

pub(super) fn beat(
    tables: &mut Tables<'_>,
    (id, token): (JobId, FencingToken),
    beat: Beat,
    lease: Duration,
    now: Timestamp,
) -> Result<bool, JobError> {
    let ((), record) = change(tables, id, |record| {
        transition::beat(record, token, beat, lease, now).map(|events| ((), events))
    })?;
    Ok(record.cancel_requested)
}

pub(super) fn finish(
    tables: &mut Tables<'_>,
    (id, token): (JobId, FencingToken),
    outcome: Outcome,
    now: Timestamp,
) -> Result<JobRecord, JobError> {
    let ((), record) = change(tables, id, |record| {
        transition::finish(record, token, outcome, now).map(|events| ((), events))
    })?;
    tables.complete(record)
}

pub(super) fn cancel(
    tables: &mut Tables<'_>,
    id: JobId,
    reason: &str,
    now: Timestamp,
) -> Result<JobRecord, JobError> {
    let ((), record) = change(tables, id, |record| {
        transition::cancel(record, reason, now).map(|events| ((), events))
    })?;
    tables.complete(record)
}

/// Loads a record, lets the state machine change it, keeps it when it is another.
fn change<T>(
    tables: &mut Tables<'_>,
    id: JobId,
    decide: impl FnOnce(&mut JobRecord) -> Result<(T, Vec<JobEvent>), JobError>,
) -> Result<(T, JobRecord), JobError> {
    let before = tables.load(id)?;
    let mut record = before.clone();
    let (decision, events) = decide(&mut record)?;
    if record != before {
        tables.update(&before, &record, &events)?;
    }
    Ok((decision, record))
}
