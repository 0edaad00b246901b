//! Jobs from a control service elsewhere.

use super::{ClientOptions, Link, Traced, link, own_thread::OwnThread};
use crate::{
    Limited, WireError, job,
    jobs::{self as wire, worker_service_client::WorkerServiceClient},
    status, work,
};
use assay_jobs::{Assignment, Beat, FencingToken, JobError, JobId, Lane, Outcome, WorkSource};
use async_trait::async_trait;
use std::{future::Future, sync::Arc, time::Duration};
use tonic::{Request, Response, Status};
use tracing::Instrument;

/// Longest wait of one claim, by the interface.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A message that is not answered within this time is lost; the caller sends it again.
const PATIENCE: Duration = Duration::from_secs(10);

/// [`WorkSource`] by way of a `WorkerService`. Its connection has a thread of its own, so that
/// beats arrive while the work keeps every thread of the caller's runtime.
#[derive(Debug, Clone)]
pub struct RemoteWork {
    client: WorkerServiceClient<Traced<Link>>,
    thread: Arc<OwnThread>,
}

impl RemoteWork {
    /// A client of the service at `url`; it connects at the first request.
    ///
    /// # Errors
    /// When the address cannot be used, or no thread can be started.
    pub fn new(url: &str, options: &ClientOptions) -> Result<Self, WireError> {
        let thread = OwnThread::start("control-client").map_err(|error| WireError::Thread {
            reason: error.to_string(),
        })?;
        let client = thread.within(|| link(url, options))?;
        let client = WorkerServiceClient::new(Traced(client));
        Ok(Self {
            client: client.limited(options.max_message_bytes),
            thread: Arc::new(thread),
        })
    }

    /// One call with a time limit, so that a service that hangs never holds a worker.
    async fn within<T, A, F>(
        &self,
        limit: Duration,
        message: T,
        call: impl FnOnce(WorkerServiceClient<Traced<Link>>, Request<T>) -> F + Send + 'static,
    ) -> Result<A, Status>
    where
        T: Send + 'static,
        A: Send + 'static,
        F: Future<Output = Result<Response<A>, Status>> + Send,
    {
        let mut request = Request::new(message);
        request.set_timeout(limit);
        let client = self.client.clone();
        let work = async move { tokio::time::timeout(limit, call(client, request)).await };
        let called = self.thread.run(work.in_current_span()).await;
        match called {
            Some(Ok(answer)) => answer.map(Response::into_inner),
            Some(Err(_)) => {
                let message = format!("no answer within {} s", limit.as_secs());
                Err(Status::unavailable(message))
            }
            None => Err(Status::unavailable("the connection is being closed")),
        }
    }
}

#[async_trait]
impl WorkSource for RemoteWork {
    async fn next(
        &self,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Assignment>, JobError> {
        let wait = wait.min(LONGEST_WAIT);
        let request = wire::ClaimRequest {
            lane: job::lane_to_wire(lane).into(),
            worker: worker.to_owned(),
            wait_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX),
        };
        let claim = self
            .within(wait + PATIENCE, request, |mut client, request| async move {
                client.claim(request).await
            })
            .await
            .map_err(|status| unavailable(status.message()))?;
        work::assignment_from_wire(&claim).map_err(|error| JobError::Damaged {
            what: "a job from the control service".to_owned(),
            reason: error.to_string(),
        })
    }

    async fn beat(&self, id: JobId, token: FencingToken, beat: Beat) -> Result<bool, JobError> {
        let request = work::beat_to_wire(id, token, &beat);
        self.within(PATIENCE, request, |mut client, request| async move {
            client.beat(request).await
        })
        .await
        .map(|answer| answer.cancel_requested)
        .map_err(|status| status::job_error(&status, id))
    }

    async fn finish(
        &self,
        id: JobId,
        token: FencingToken,
        outcome: Outcome,
    ) -> Result<(), JobError> {
        let request = work::outcome_to_wire(id, token, &outcome);
        self.within(PATIENCE, request, |mut client, request| async move {
            client.finish(request).await
        })
        .await
        .map(|_| ())
        .map_err(|status| status::job_error(&status, id))
    }
}

fn unavailable(reason: &str) -> JobError {
    JobError::Unavailable {
        what: "the control service",
        reason: reason.to_owned(),
    }
}
