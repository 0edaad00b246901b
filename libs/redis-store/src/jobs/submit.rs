//! The way of a new job into the store: its idempotency key, its lane's limit and its record are
//! looked at and kept in one commit.

use super::{
    Shared,
    change::{Fields, add_events, decision_ends, pause, slim},
    keys::{count, moment},
    wire::{Clock, Reply, complete, encode, parse_id},
};
use assay_jobs::{JobError, JobEvent, JobId, JobRecord, NewJob, Submitted, Timestamp, transition};
use tokio::time::Instant;

/// What is known before a job is stored.
struct Start {
    /// Where the idempotency key is kept.
    key: Option<String>,
    /// The job that it points to; empty when to none.
    points_to: String,
    now: Timestamp,
}

pub(super) async fn submit(
    shared: &Shared,
    job: NewJob,
    max_queued: u64,
) -> Result<Submitted, JobError> {
    let deadline = shared.deadline();
    // One name for the job and one for the commit, so that a repeat is known as one.
    let (id, name) = (JobId::new(), JobId::new().to_string());
    for attempt in 0.. {
        let start = shared.start(&job, deadline).await?;
        let (record, events) = transition::new_record(id, job.clone(), start.now)?;
        if let Some(found) = shared.pointed_to(&start, deadline).await?
            && transition::answers_key(&found, &job, start.now)?
        {
            // It is our own where the answer to an earlier attempt got lost.
            let created = found.id == id;
            return Ok(Submitted {
                record: found,
                created,
            });
        }
        let kept = shared.insert(&start, (&record, &events), &name, max_queued, deadline);
        match kept.await? {
            Reply::Done => {
                return Ok(Submitted {
                    record,
                    created: true,
                });
            }
            Reply::Before => {
                return Ok(Submitted {
                    record: super::read::record(shared, id).await?,
                    created: true,
                });
            }
            Reply::Full(waiting) => {
                let lane = job.lane;
                return Err(JobError::Full { lane, waiting });
            }
            Reply::Conflict | Reply::Late | Reply::Gone => {}
        }
        pause(id, attempt, deadline).await?;
    }
    Err(JobError::NotFound(id))
}

impl Shared {
    async fn start(&self, job: &NewJob, deadline: Instant) -> Result<Start, JobError> {
        let key = job.idempotency_key.as_deref();
        let key = key.map(|key| self.keys.idempotency(&job.principal, key));
        let mut pipe = redis::pipe();
        if let Some(key) = &key {
            pipe.cmd("GET").arg(key).cmd("TIME");
            let (points_to, time): (Option<String>, Clock) = self.read(deadline, &pipe).await?;
            return Ok(Start {
                key: Some(key.clone()),
                points_to: points_to.unwrap_or_default(),
                now: self.moment(time),
            });
        }
        Ok(Start {
            key,
            points_to: String::new(),
            now: self.now(deadline).await?,
        })
    }

    /// The job that the idempotency key points to, with its specification.
    async fn pointed_to(
        &self,
        start: &Start,
        deadline: Instant,
    ) -> Result<Option<JobRecord>, JobError> {
        if start.points_to.is_empty() {
            return Ok(None);
        }
        let id = parse_id(&start.points_to)?;
        let mut pipe = redis::pipe();
        self.ask_for(&mut pipe, id, true);
        pipe.cmd("TIME");
        let (fields, time): (Fields, Clock) = self.read(deadline, &pipe).await?;
        let found = self.understood(id, fields, time)?;
        found
            .map(|found| complete(found.record, found.specification.as_deref()))
            .transpose()
    }

    async fn insert(
        &self,
        start: &Start,
        (record, events): (&JobRecord, &[JobEvent]),
        name: &str,
        max_queued: u64,
        deadline: Instant,
    ) -> Result<Reply, JobError> {
        let (sort, at) = moment(record);
        let mut script = self.scripts.insert.prepare_invoke();
        script
            .key(self.keys.job(record.id))
            .key(self.keys.events(record.id))
            .key(self.keys.index())
            .key(self.keys.counts())
            .key(self.keys.schedule(sort));
        if let Some(key) = &start.key {
            script.key(key);
        }
        script
            .arg(record.id.to_string())
            .arg(name)
            .arg(self.ahead_ms())
            .arg(decision_ends(start.now).0)
            .arg(slim(record)?)
            .arg(encode(&record.job.specification)?)
            .arg(start.now.0)
            .arg(at)
            .arg(count(record))
            .arg(max_queued)
            .arg(&start.points_to)
            .arg(self.keys.changed());
        add_events(&mut script, events)?;
        self.commit(deadline, &script).await
    }
}
