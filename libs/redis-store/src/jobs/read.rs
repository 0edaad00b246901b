//! What is only read.

use super::{
    Shared,
    change::Fields,
    wire::{complete, decode, parse_id},
};
use assay_jobs::{
    Counts, JobError, JobEvent, JobFilter, JobId, JobRecord, Lane, Page,
    transition::EVENTS_PER_CALL,
};

/// Specifications of one page at most, in bytes of JSON; at least one record comes all the same.
const PAGE_BYTES: usize = 4 << 20;

/// Records that are looked at together.
const PART: usize = 128;

pub(super) async fn record(shared: &Shared, id: JobId) -> Result<JobRecord, JobError> {
    let mut pipe = redis::pipe();
    let fields = ["record", "specification"];
    pipe.cmd("HMGET").arg(shared.keys.job(id)).arg(&fields);
    let (fields,): (Fields,) = shared.read(shared.deadline(), &pipe).await?;
    let mut fields = fields.into_iter();
    let (json, specification) = (fields.next().flatten(), fields.next().flatten());
    let json = json.ok_or(JobError::NotFound(id))?;
    complete(decode("the record", id, &json)?, specification.as_deref())
}

pub(super) async fn list(
    shared: &Shared,
    filter: &JobFilter,
    mut after: Option<JobId>,
    limit: usize,
) -> Result<Page, JobError> {
    let mut page = Page {
        records: Vec::new(),
        next: None,
    };
    let mut room = PAGE_BYTES;
    loop {
        let ids = older_than(shared, after).await?;
        let mut chosen = Vec::new();
        for (record, length) in slim_records(shared, &ids).await? {
            if !matches(filter, &record) {
                continue;
            }
            let so_far = page.records.len() + chosen.len();
            if so_far > 0 && (so_far >= limit || length > room) {
                let last = chosen.last().or(page.records.last());
                page.next = last.map(|last: &JobRecord| last.id);
                break;
            }
            room = room.saturating_sub(length);
            chosen.push(record);
        }
        page.records.extend(completed(shared, chosen).await?);
        after = ids.last().copied();
        if page.next.is_some() || ids.len() < PART {
            return Ok(page);
        }
    }
}

/// The next ids, newest first.
async fn older_than(shared: &Shared, after: Option<JobId>) -> Result<Vec<JobId>, JobError> {
    let below = after.map_or_else(|| "+".to_owned(), |id| format!("({id}"));
    let mut pipe = redis::pipe();
    pipe.cmd("ZREVRANGEBYLEX")
        .arg(shared.keys.index())
        .arg(below)
        .arg("-")
        .arg("LIMIT")
        .arg(0)
        .arg(PART);
    let (ids,): (Vec<String>,) = shared.read(shared.deadline(), &pipe).await?;
    ids.iter().map(|id| parse_id(id)).collect()
}

/// The records without their specifications, and the lengths of those.
async fn slim_records(shared: &Shared, ids: &[JobId]) -> Result<Vec<(JobRecord, usize)>, JobError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut pipe = redis::pipe();
    for id in ids {
        let key = shared.keys.job(*id);
        pipe.cmd("HGET").arg(&key).arg("record");
        pipe.cmd("HSTRLEN").arg(&key).arg("specification");
    }
    let answers: Vec<redis::Value> = shared.read(shared.deadline(), &pipe).await?;
    let mut records = Vec::with_capacity(ids.len());
    for (id, answer) in ids.iter().zip(answers.chunks_exact(2)) {
        // What is not there any more was removed meanwhile.
        if let redis::Value::BulkString(json) = &answer[0] {
            let length = redis::from_redis_value_ref(&answer[1]).unwrap_or_default();
            records.push((decode("the record", *id, json)?, length));
        }
    }
    Ok(records)
}

/// The records with their specifications, but for those that were removed meanwhile.
async fn completed(shared: &Shared, records: Vec<JobRecord>) -> Result<Vec<JobRecord>, JobError> {
    if records.is_empty() {
        return Ok(records);
    }
    let mut pipe = redis::pipe();
    for record in &records {
        let key = shared.keys.job(record.id);
        pipe.cmd("HGET").arg(key).arg("specification");
    }
    let found: Vec<Option<Vec<u8>>> = shared.read(shared.deadline(), &pipe).await?;
    records
        .into_iter()
        .zip(found)
        .filter(|(_, specification)| specification.is_some())
        .map(|(record, specification)| complete(record, specification.as_deref()))
        .collect()
}

/// Events above a number, and whether the job is over.
pub(super) async fn events(
    shared: &Shared,
    id: JobId,
    after: u64,
) -> Result<(Vec<JobEvent>, bool), JobError> {
    let mut pipe = redis::pipe();
    // In this order: of a job that was over before, every event is there.
    pipe.cmd("HGET").arg(shared.keys.job(id)).arg("record");
    pipe.cmd("XRANGE")
        .arg(shared.keys.events(id))
        .arg(format!("{}-0", after.saturating_add(1)))
        .arg("+")
        .arg("COUNT")
        .arg(EVENTS_PER_CALL);
    type Entry = (String, (String, Vec<u8>));
    let (json, entries): (Option<Vec<u8>>, Vec<Entry>) =
        shared.read(shared.deadline(), &pipe).await?;
    let json = json.ok_or(JobError::NotFound(id))?;
    let record: JobRecord = decode("the record", id, &json)?;
    let events = entries
        .iter()
        .map(|(_, (_, json))| decode("an event", id, json));
    let events = events.collect::<Result<_, _>>()?;
    Ok((events, record.state.is_final()))
}

pub(super) async fn counts(shared: &Shared, lane: Lane) -> Result<Counts, JobError> {
    let mut pipe = redis::pipe();
    pipe.cmd("HMGET")
        .arg(shared.keys.counts())
        .arg(format!("{lane}:queued"))
        .arg(format!("{lane}:running"));
    let (found,): ((Option<u64>, Option<u64>),) = shared.read(shared.deadline(), &pipe).await?;
    Ok(Counts {
        queued: found.0.unwrap_or_default(),
        running: found.1.unwrap_or_default(),
    })
}

fn matches(filter: &JobFilter, record: &JobRecord) -> bool {
    filter.lane.is_none_or(|lane| lane == record.job.lane)
        && (filter.states.is_empty() || filter.states.contains(&record.state))
        && filter
            .principal
            .as_ref()
            .is_none_or(|principal| *principal == record.job.principal)
}
