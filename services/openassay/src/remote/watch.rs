//! A job as it goes on: a live bar, resumed by event number when the connection breaks.

use super::{Connection, Remote};
use crate::{
    context::Context,
    failure::{Failure, Result},
    terminal::{Bar, number},
};
use assay_api::{
    jobs::{
        GetRequest, Job, JobState, Progress, WatchRequest, WatchResponse,
        job_service_client::JobServiceClient,
    },
    status,
};
use assay_core::ErrorKind;
use std::time::Duration;
use tonic::Status;

/// Between two attempts to reach the server again.
const PAUSE: Duration = Duration::from_secs(1);

/// Attempts in a row that may fail.
const PATIENCE: u32 = 60;

/// How often the user's interrupt is looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Watches a job to its final state and returns it.
pub(crate) fn watch(context: &Context, remote: &Remote, id: &str) -> Result<Job> {
    let mut watching = Watching {
        context,
        last: 0,
        state: JobState::Unspecified,
        stage: None,
    };
    let mut jobs = remote.client(JobServiceClient::new);
    let watched = remote.wait(async {
        let mut failures = 0;
        loop {
            match watching.stream(&mut jobs, id).await {
                Ok(true) => return Ok(()),
                // The stream ended before the job: it is asked for again.
                Ok(false) => failures = 0,
                Err(Ended::Interrupted) => return Err(Failure::new(
                    ErrorKind::Cancelled,
                    format!(
                        "interrupted; the job goes on. Watch it again with `openassay watch {id}`, \
                         stop it with `openassay jobs cancel {id}`"
                    ),
                )),
                Err(Ended::Status(status))
                    if status::kind(&status) == ErrorKind::Unavailable && failures < PATIENCE =>
                {
                    if failures == 0 {
                        context.progress.note("the server cannot be reached; trying on");
                    }
                    failures += 1;
                }
                Err(Ended::Status(status)) => return Err(remote.failure(&status)),
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    watching.end_stage();
    watched?;
    let answer = remote.call(jobs.get(GetRequest { id: id.to_owned() }))?;
    answer
        .job
        .ok_or_else(|| Failure::new(ErrorKind::Internal, "the server's answer has no job"))
}

enum Ended {
    Interrupted,
    Status(Status),
}

struct Watching<'a> {
    context: &'a Context,
    /// Number of the last event.
    last: u64,
    state: JobState,
    stage: Option<(String, Bar)>,
}

impl Watching<'_> {
    /// One stream; true when the job came to its final state.
    async fn stream(
        &mut self,
        jobs: &mut JobServiceClient<Connection>,
        id: &str,
    ) -> Result<bool, Ended> {
        let request = WatchRequest {
            id: id.to_owned(),
            after_sequence: self.last,
        };
        let mut events = jobs
            .watch(request)
            .await
            .map_err(Ended::Status)?
            .into_inner();
        let mut glance = tokio::time::interval(GLANCE);
        loop {
            let event = tokio::select! {
                event = events.message() => event.map_err(Ended::Status)?,
                _ = glance.tick() => {
                    if self.context.interrupt.flag().load(std::sync::atomic::Ordering::Relaxed) {
                        return Err(Ended::Interrupted);
                    }
                    continue;
                }
            };
            match event {
                Some(event) => self.show(&event),
                None => return Ok(is_final(self.state)),
            }
        }
    }

    fn show(&mut self, event: &WatchResponse) {
        self.last = event.sequence;
        if event.warning {
            self.context.progress.warn(&event.message);
            return;
        }
        if let Some(progress) = &event.progress {
            self.show_progress(progress);
            return;
        }
        self.end_stage();
        self.state = event.state();
        let attempt = match event.attempt {
            0 | 1 => String::new(),
            attempt => format!(" (attempt {attempt})"),
        };
        let reason = match event.message.as_str() {
            "" => String::new(),
            message => format!(": {message}"),
        };
        let state = state_name(self.state);
        self.context
            .progress
            .note(&format!("{state}{attempt}{reason}"));
    }

    fn show_progress(&mut self, progress: &Progress) {
        if self
            .stage
            .as_ref()
            .is_none_or(|(stage, _)| *stage != progress.stage)
        {
            self.end_stage();
            let bar = self.context.progress.bar(progress.stage.clone());
            self.stage = Some((progress.stage.clone(), bar));
        }
        let Some((_, bar)) = &self.stage else { return };
        if progress.total > 0 {
            bar.set(
                usize::try_from(progress.done).unwrap_or(usize::MAX),
                usize::try_from(progress.total).unwrap_or(usize::MAX),
            );
        }
        if let Some(epoch) = &progress.epoch {
            bar.say(&format!(
                "loss {}, accuracy {:.1} %, rate {:.1e}",
                number(epoch.loss),
                epoch.accuracy * 100.0,
                epoch.learning_rate
            ));
        }
    }

    fn end_stage(&mut self) {
        if let Some((_, bar)) = self.stage.take() {
            bar.finish();
        }
    }
}

/// Whether a job can change no more.
pub(crate) const fn is_final(state: JobState) -> bool {
    matches!(
        state,
        JobState::Succeeded | JobState::Failed | JobState::Cancelled
    )
}

/// A state as people write it.
pub(crate) fn state_name(state: JobState) -> String {
    state
        .as_str_name()
        .trim_start_matches("JOB_STATE_")
        .to_lowercase()
}
