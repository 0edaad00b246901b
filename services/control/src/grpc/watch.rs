//! The events of a job as they happen, to its end or the end of this process.

use crate::error::ControlError;
use assay_api::{job, jobs::WatchResponse, status};
use assay_jobs::{EventKind, JobEvent, JobId, JobStore};
use assay_runtime::Shutdown;
use futures::{Stream, stream};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tonic::Status;

/// How long the store is asked at a time.
const WAIT: Duration = Duration::from_secs(30);

/// One watcher.
pub(super) struct Watching {
    store: Arc<dyn JobStore>,
    job: JobId,
    /// The last event that was fetched.
    after: u64,
    fetched: VecDeque<JobEvent>,
    over: bool,
    shutdown: Shutdown,
}

impl Watching {
    pub(super) fn new(
        store: Arc<dyn JobStore>,
        job: JobId,
        after: u64,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            store,
            job,
            after,
            fetched: VecDeque::new(),
            over: false,
            shutdown,
        }
    }

    pub(super) fn stream(self) -> impl Stream<Item = Result<WatchResponse, Status>> + Send {
        stream::try_unfold(self, async |mut watching| {
            let event = watching.next().await?;
            Ok(event.map(|event| (job::event_to_wire(&event), watching)))
        })
    }

    async fn next(&mut self) -> Result<Option<JobEvent>, Status> {
        loop {
            if let Some(event) = self.fetched.pop_front() {
                self.over |=
                    matches!(event.kind, EventKind::State { state, .. } if state.is_final());
                return Ok(Some(event));
            }
            if self.over {
                return Ok(None);
            }
            self.fetch().await?;
        }
    }

    async fn fetch(&mut self) -> Result<(), Status> {
        let events = tokio::select! {
            biased;
            () = self.shutdown.begun() => {
                return Err(status::unavailable(format!(
                    "the service ends; watch job {} again with after_sequence = {}",
                    self.job, self.after
                )));
            }
            events = self.store.events(self.job, self.after, WAIT) => events,
        };
        self.fetched = events.map_err(ControlError::from)?.into();
        match self.fetched.back() {
            Some(last) => self.after = last.sequence,
            None => {
                let record = self.store.get(self.job).await.map_err(ControlError::from)?;
                self.over = record.state.is_final() && self.after >= record.sequence;
            }
        }
        Ok(())
    }
}
