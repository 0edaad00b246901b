//! What is only read, each from one snapshot of the file.

use super::tables::{
    COUNTS, EVENTS, RECORDS, SPECIFICATIONS, broken, decode, id as job_id, number, specification,
};
use assay_jobs::{
    Counts, JobError, JobEvent, JobFilter, JobId, JobRecord, Lane, Page,
    transition::EVENTS_PER_CALL,
};
use redb::ReadTransaction;

/// Specifications of one page at most, in bytes of JSON; at least one record comes all the same.
const PAGE_BYTES: usize = 4 << 20;

pub(super) fn record(transaction: &ReadTransaction, id: JobId) -> Result<JobRecord, JobError> {
    complete(transaction, slim(transaction, id)?)
}

pub(super) fn list(
    transaction: &ReadTransaction,
    filter: &JobFilter,
    after: Option<JobId>,
    limit: usize,
) -> Result<Page, JobError> {
    let table = transaction.open_table(RECORDS).map_err(broken)?;
    let newest = match after {
        Some(after) => table.range(..number(after)),
        None => table.range::<u128>(..),
    };
    let mut page = Page {
        records: Vec::new(),
        next: None,
    };
    let mut room = PAGE_BYTES;
    for entry in newest.map_err(broken)?.rev() {
        let (key, json) = entry.map_err(broken)?;
        let record: JobRecord = decode("the record", job_id(key.value()), json.value())?;
        if !matches(filter, &record) {
            continue;
        }
        let last = page.records.last().map(|last| last.id);
        let length = specification_bytes(transaction, record.id)?;
        if last.is_some() && (page.records.len() >= limit || length > room) {
            page.next = last;
            break;
        }
        room = room.saturating_sub(length);
        page.records.push(complete(transaction, record)?);
    }
    Ok(page)
}

/// Events above a number, and whether the job is over.
pub(super) fn events(
    transaction: &ReadTransaction,
    id: JobId,
    after: u64,
) -> Result<(Vec<JobEvent>, bool), JobError> {
    let over = slim(transaction, id)?.state.is_final();
    let mut events = Vec::new();
    if let Some(first) = after.checked_add(1) {
        let table = transaction.open_table(EVENTS).map_err(broken)?;
        let at = number(id);
        let found = table.range((at, first)..=(at, u64::MAX)).map_err(broken)?;
        for entry in found.take(EVENTS_PER_CALL) {
            let (_, json) = entry.map_err(broken)?;
            events.push(decode("an event", id, json.value())?);
        }
    }
    Ok((events, over))
}

pub(super) fn counts(transaction: &ReadTransaction, lane: Lane) -> Result<Counts, JobError> {
    let table = transaction.open_table(COUNTS).map_err(broken)?;
    let count = |running| {
        let found = table.get((lane.name(), running)).map_err(broken)?;
        Ok::<u64, JobError>(found.map_or(0, |v| v.value()))
    };
    Ok(Counts {
        queued: count(false)?,
        running: count(true)?,
    })
}

fn slim(transaction: &ReadTransaction, id: JobId) -> Result<JobRecord, JobError> {
    let table = transaction.open_table(RECORDS).map_err(broken)?;
    let json = table.get(number(id)).map_err(broken)?;
    let json = json.ok_or(JobError::NotFound(id))?;
    decode("the record", id, json.value())
}

fn specification_bytes(transaction: &ReadTransaction, id: JobId) -> Result<usize, JobError> {
    let table = transaction.open_table(SPECIFICATIONS).map_err(broken)?;
    let json = table.get(number(id)).map_err(broken)?;
    Ok(json.map_or(0, |json| json.value().len()))
}

fn complete(transaction: &ReadTransaction, mut record: JobRecord) -> Result<JobRecord, JobError> {
    let table = transaction.open_table(SPECIFICATIONS).map_err(broken)?;
    let json = table.get(number(record.id)).map_err(broken)?;
    record.job.specification = specification(record.id, json.as_ref().map(|j| j.value()))?;
    Ok(record)
}

fn matches(filter: &JobFilter, record: &JobRecord) -> bool {
    filter.lane.is_none_or(|lane| lane == record.job.lane)
        && (filter.states.is_empty() || filter.states.contains(&record.state))
        && filter
            .principal
            .as_ref()
            .is_none_or(|principal| *principal == record.job.principal)
}
