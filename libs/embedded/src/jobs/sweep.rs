//! The sweep, within one transaction.

use super::tables::{DISPATCHED, OVER, RUNNING, Tables, WAITING};
use assay_jobs::{
    JobError, Sweep, Timestamp,
    transition::{self, Expiry},
};
use std::time::Duration;

/// Records removed by one sweep at most, so that it never keeps others waiting for long.
const REMOVED_AT_ONCE: usize = 256;

/// Lost hints that one sweep names at most: each comes with its whole specification.
const PUBLISHED_AT_ONCE: usize = 256;

pub(super) fn sweep(
    tables: &mut Tables<'_>,
    redispatch_after: Duration,
    retention: Duration,
    now: Timestamp,
) -> Result<Sweep, JobError> {
    let mut sweep = Sweep::default();
    // Before the expired ones are queued again: those are published once.
    redispatch(tables, redispatch_after, now, &mut sweep)?;
    expire(tables, now, &mut sweep)?;
    for id in tables.due(OVER, |at| at.after(retention) <= now)? {
        let record = tables.load(id)?;
        if transition::is_removable(&record, retention, now) {
            tables.remove(&record)?;
            sweep.removed.push(id);
        }
        if sweep.removed.len() == REMOVED_AT_ONCE {
            break;
        }
    }
    Ok(sweep)
}

fn redispatch(
    tables: &mut Tables<'_>,
    redispatch_after: Duration,
    now: Timestamp,
    sweep: &mut Sweep,
) -> Result<(), JobError> {
    let mut due = tables.due(WAITING, |at| at <= now)?;
    due.extend(tables.due(DISPATCHED, |at| at.after(redispatch_after) <= now)?);
    for id in due {
        if sweep.to_publish.len() == PUBLISHED_AT_ONCE {
            sweep.more = true;
            break;
        }
        let before = tables.load(id)?;
        if !transition::needs_hint(&before, redispatch_after, now) {
            continue;
        }
        let mut record = before.clone();
        transition::redispatched(&mut record, now);
        tables.update(&before, &record, &[])?;
        sweep.to_publish.push(tables.complete(record)?);
    }
    Ok(())
}

fn expire(tables: &mut Tables<'_>, now: Timestamp, sweep: &mut Sweep) -> Result<(), JobError> {
    for id in tables.due(RUNNING, |at| at <= now)? {
        let before = tables.load(id)?;
        let mut record = before.clone();
        let Some((expiry, events)) = transition::expire(&mut record, now) else {
            continue;
        };
        tables.update(&before, &record, &events)?;
        match expiry {
            Expiry::Requeued => {
                sweep.requeued.push(id);
                sweep.to_publish.push(tables.complete(record)?);
            }
            Expiry::Exhausted => sweep.exhausted.push(id),
            Expiry::Cancelled => sweep.cancelled.push(id),
        }
    }
    Ok(())
}
