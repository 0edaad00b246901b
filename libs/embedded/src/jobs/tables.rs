//! The tables of the file, and how a record with its index entries and events is kept in them.

use assay_jobs::{
    JobError, JobEvent, JobId, JobRecord, JobState, Lane, Timestamp, transition::EVENTS_KEPT,
};
use redb::{
    Database, DatabaseError, ReadableTable, Table, TableDefinition, TableError, WriteTransaction,
};
use serde::de::DeserializeOwned;
use std::path::Path;

/// Version of the layout below.
const FORMAT: u64 = 1;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Records as JSON without their specification, which never changes and may be large.
pub(super) const RECORDS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("records");
pub(super) const SPECIFICATIONS: TableDefinition<'_, u128, &[u8]> =
    TableDefinition::new("specifications");
pub(super) const EVENTS: TableDefinition<'_, (u128, u64), &[u8]> = TableDefinition::new("events");
/// Principal and idempotency key to the last job made under them.
const KEYS: TableDefinition<'_, (&str, &str), u128> = TableDefinition::new("keys");
/// One entry a record: what the sweep looks at next, in the order of time.
const SCHEDULE: TableDefinition<'_, Moment, ()> = TableDefinition::new("schedule");
/// Lane, and whether they run, to the number of jobs.
pub(super) const COUNTS: TableDefinition<'_, (&str, bool), u64> = TableDefinition::new("counts");

/// An entry of the schedule: which sort, when in milliseconds, which job.
pub(super) type Moment = (u8, u64, u128);

/// Queued without a hint that helps: publish one at `not_before`.
pub(super) const WAITING: u8 = 1;
/// Queued since a hint was published.
pub(super) const DISPATCHED: u8 = 2;
/// Under a lease until.
pub(super) const RUNNING: u8 = 3;
/// Over since.
pub(super) const OVER: u8 = 4;

/// A failure of the file.
pub(super) fn broken(error: impl Into<redb::Error>) -> JobError {
    match error.into() {
        redb::Error::Corrupted(reason) => JobError::Damaged {
            what: "the job store".to_owned(),
            reason,
        },
        other => JobError::Unavailable {
            what: "the job store",
            reason: other.to_string(),
        },
    }
}

pub(super) fn open(path: &Path) -> Result<Database, JobError> {
    let database = Database::create(path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => JobError::Unavailable {
            what: "the job store",
            reason: format!(
                "{} is open in another process; stop that one, or work through it by naming its \
                 control_url",
                path.display()
            ),
        },
        other => broken(other),
    })?;
    prepare(database, &path.display().to_string())
}

/// The store on another backend than a plain file.
#[cfg(test)]
pub(super) fn open_on(backend: impl redb::StorageBackend) -> Result<Database, JobError> {
    let database = Database::builder()
        .create_with_backend(backend)
        .map_err(broken)?;
    prepare(database, "of a test")
}

/// Looks whether it is a job store that can be read, and makes what is missing.
fn prepare(database: Database, place: &str) -> Result<Database, JobError> {
    let transaction = database.begin_write().map_err(broken)?;
    {
        let mut meta = transaction.open_table(META).map_err(foreign)?;
        let found = meta.get("format").map_err(broken)?.map(|v| v.value());
        match found {
            None => {
                meta.insert("format", FORMAT).map_err(broken)?;
            }
            Some(FORMAT) => {}
            Some(other) => {
                return Err(JobError::Damaged {
                    what: format!("the job store {place}"),
                    reason: format!(
                        "its format is {other}, but this version reads {FORMAT}; use the version \
                         that wrote it"
                    ),
                });
            }
        }
        // Every table is there from the first moment, so that a reader never misses one.
        Tables::open(&transaction)?;
    }
    transaction.commit().map_err(broken)?;
    Ok(database)
}

/// A table of that name has other types: the file belongs to something else.
fn foreign(error: TableError) -> JobError {
    match error {
        TableError::Storage(error) => broken(error),
        other => JobError::Damaged {
            what: "the job store".to_owned(),
            reason: format!("it was made by another program: {other}"),
        },
    }
}

/// The number under which a job is kept: its id, in sorting order.
pub(super) fn number(id: JobId) -> u128 {
    u128::from_be_bytes(*id.as_bytes())
}

pub(super) fn id(number: u128) -> JobId {
    JobId::from_bytes(number.to_be_bytes())
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

fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, JobError> {
    serde_json::to_vec(value)
        .map_err(|error| JobError::invalid("job", error, "what can be written as JSON"))
}

/// All tables, open for one change.
pub(super) struct Tables<'t> {
    records: Table<'t, u128, &'static [u8]>,
    specifications: Table<'t, u128, &'static [u8]>,
    events: Table<'t, (u128, u64), &'static [u8]>,
    keys: Table<'t, (&'static str, &'static str), u128>,
    schedule: Table<'t, Moment, ()>,
    counts: Table<'t, (&'static str, bool), u64>,
    changed: Vec<JobId>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, JobError> {
        Ok(Self {
            records: transaction.open_table(RECORDS).map_err(foreign)?,
            specifications: transaction.open_table(SPECIFICATIONS).map_err(foreign)?,
            events: transaction.open_table(EVENTS).map_err(foreign)?,
            keys: transaction.open_table(KEYS).map_err(foreign)?,
            schedule: transaction.open_table(SCHEDULE).map_err(foreign)?,
            counts: transaction.open_table(COUNTS).map_err(foreign)?,
            changed: Vec::new(),
        })
    }

    /// The jobs that were changed, for those who wait.
    pub(super) fn into_changed(self) -> Vec<JobId> {
        self.changed
    }

    /// The record without its specification.
    pub(super) fn load(&self, id: JobId) -> Result<JobRecord, JobError> {
        let json = self.records.get(number(id)).map_err(broken)?;
        let json = json.ok_or(JobError::NotFound(id))?;
        decode("the record", id, json.value())
    }

    /// The record with its specification.
    pub(super) fn complete(&self, mut record: JobRecord) -> Result<JobRecord, JobError> {
        let json = self.specifications.get(number(record.id)).map_err(broken)?;
        record.job.specification = specification(record.id, json.as_ref().map(|j| j.value()))?;
        Ok(record)
    }

    /// Keeps a new record, complete with its specification.
    pub(super) fn insert(
        &mut self,
        record: &JobRecord,
        events: &[JobEvent],
    ) -> Result<(), JobError> {
        let at = number(record.id);
        let json = encode(&record.job.specification)?;
        self.specifications
            .insert(at, json.as_slice())
            .map_err(broken)?;
        if let Some(key) = &record.job.idempotency_key {
            self.keys
                .insert((record.job.principal.as_str(), key.as_str()), at)
                .map_err(broken)?;
        }
        self.keep(None, record, events)
    }

    /// Keeps a record in the place of what it was before; the specification stays.
    pub(super) fn update(
        &mut self,
        before: &JobRecord,
        record: &JobRecord,
        events: &[JobEvent],
    ) -> Result<(), JobError> {
        self.keep(Some(before), record, events)
    }

    fn keep(
        &mut self,
        before: Option<&JobRecord>,
        record: &JobRecord,
        events: &[JobEvent],
    ) -> Result<(), JobError> {
        let at = number(record.id);
        let mut slim = record.clone();
        slim.job.specification = serde_json::Value::Null;
        let json = encode(&slim)?;
        self.records.insert(at, json.as_slice()).map_err(broken)?;
        for event in events {
            let json = encode(event)?;
            let key = (at, event.sequence);
            self.events.insert(key, json.as_slice()).map_err(broken)?;
            if let Some(old) = event.sequence.checked_sub(EVENTS_KEPT) {
                self.events.remove((at, old)).map_err(broken)?;
            }
        }
        let (old, new) = (before.map(moment), moment(record));
        if old != Some(new) {
            if let Some(old) = old {
                self.schedule.remove(old).map_err(broken)?;
            }
            self.schedule.insert(new, ()).map_err(broken)?;
        }
        self.count(before.and_then(count_key), false)?;
        self.count(count_key(record), true)?;
        self.changed.push(record.id);
        Ok(())
    }

    fn count(&mut self, key: Option<(&str, bool)>, more: bool) -> Result<(), JobError> {
        let Some(key) = key else { return Ok(()) };
        let now = self.counts.get(key).map_err(broken)?;
        let now = now.map_or(0, |n| n.value());
        let then = if more { now + 1 } else { now.saturating_sub(1) };
        self.counts.insert(key, then).map_err(broken)?;
        Ok(())
    }

    /// Removes a record that is over, with everything about it.
    pub(super) fn remove(&mut self, record: &JobRecord) -> Result<(), JobError> {
        let at = number(record.id);
        self.records.remove(at).map_err(broken)?;
        self.specifications.remove(at).map_err(broken)?;
        self.schedule.remove(moment(record)).map_err(broken)?;
        self.events
            .retain_in((at, 0)..=(at, u64::MAX), |_, _| false)
            .map_err(broken)?;
        if let Some(key) = &record.job.idempotency_key {
            let key = (record.job.principal.as_str(), key.as_str());
            let own = self.keys.get(key).map_err(broken)?.map(|v| v.value()) == Some(at);
            if own {
                self.keys.remove(key).map_err(broken)?;
            }
        }
        self.changed.push(record.id);
        Ok(())
    }

    /// The last job made under a key.
    pub(super) fn by_key(&self, principal: &str, key: &str) -> Result<Option<JobId>, JobError> {
        let found = self.keys.get((principal, key)).map_err(broken)?;
        Ok(found.map(|v| id(v.value())))
    }

    /// Jobs of a lane that wait.
    pub(super) fn queued(&self, lane: Lane) -> Result<u64, JobError> {
        let found = self.counts.get((lane.name(), false)).map_err(broken)?;
        Ok(found.map_or(0, |v| v.value()))
    }

    /// Jobs of one sort in the schedule, the earliest first, for as long as `due` says.
    pub(super) fn due(
        &self,
        sort: u8,
        due: impl Fn(Timestamp) -> bool,
    ) -> Result<Vec<JobId>, JobError> {
        let mut found = Vec::new();
        for entry in self.schedule.range((sort, 0, 0)..).map_err(broken)? {
            let (of, at, job) = entry.map_err(broken)?.0.value();
            if of != sort || !due(Timestamp(at)) {
                break;
            }
            found.push(id(job));
        }
        Ok(found)
    }
}

pub(super) fn specification(id: JobId, json: Option<&[u8]>) -> Result<serde_json::Value, JobError> {
    let json = json.ok_or_else(|| JobError::Damaged {
        what: format!("the specification of job {id}"),
        reason: "it is missing".to_owned(),
    })?;
    decode("the specification", id, json)
}

fn moment(record: &JobRecord) -> Moment {
    let (sort, at) = match (record.state, &record.lease) {
        (JobState::Running, Some(lease)) => (RUNNING, lease.expires_at),
        (JobState::Queued | JobState::Running, _) if record.dispatched_at < record.not_before => {
            (WAITING, record.not_before)
        }
        (JobState::Queued | JobState::Running, _) => (DISPATCHED, record.dispatched_at),
        _ => (OVER, record.finished_at.unwrap_or_default()),
    };
    (sort, at.0, number(record.id))
}

const fn count_key(record: &JobRecord) -> Option<(&'static str, bool)> {
    match record.state {
        JobState::Queued => Some((record.job.lane.name(), false)),
        JobState::Running => Some((record.job.lane.name(), true)),
        _ => None,
    }
}
