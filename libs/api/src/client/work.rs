//! Jobs from a control service elsewhere.

use super::{ClientOptions, channel};
use crate::{
    Limited, WireError, job,
    jobs::{self as wire, worker_service_client::WorkerServiceClient},
    status, work,
};
use assay_jobs::{Assignment, Beat, FencingToken, JobError, JobId, Lane, Outcome, WorkSource};
use async_trait::async_trait;
use std::{future::Future, time::Duration};
use tonic::{Request, Response, Status, transport::Channel};

/// Longest wait of one claim, by the interface.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A message that is not answered within this time is lost; the caller sends it again.
const PATIENCE: Duration = Duration::from_secs(10);

/// [`WorkSource`] by way of a `WorkerService`.
#[derive(Debug, Clone)]
pub struct RemoteWork {
    client: WorkerServiceClient<Channel>,
}

impl RemoteWork {
    /// A client of the service at `url`; it connects at the first request. Must be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(url: &str, options: &ClientOptions) -> Result<Self, WireError> {
        let client = WorkerServiceClient::new(channel(url, options)?);
        Ok(Self {
            client: client.limited(options.max_message_bytes),
        })
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
        let mut client = self.client.clone();
        let call = |request| async move { client.claim(request).await };
        let claim = within(wait + PATIENCE, request, call)
            .await
            .map_err(|status| unavailable(status.message()))?;
        work::assignment_from_wire(&claim).map_err(|error| JobError::Damaged {
            what: "a job from the control service".to_owned(),
            reason: error.to_string(),
        })
    }

    async fn beat(&self, id: JobId, token: FencingToken, beat: Beat) -> Result<bool, JobError> {
        let request = work::beat_to_wire(id, token, &beat);
        let mut client = self.client.clone();
        within(PATIENCE, request, |request| async move {
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
        let mut client = self.client.clone();
        within(PATIENCE, request, |request| async move {
            client.finish(request).await
        })
        .await
        .map(|_| ())
        .map_err(|status| status::job_error(&status, id))
    }
}

/// One call with a time limit, so that a service that hangs never holds a worker.
async fn within<T, A, F>(
    limit: Duration,
    message: T,
    call: impl FnOnce(Request<T>) -> F,
) -> Result<A, Status>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let mut request = Request::new(message);
    request.set_timeout(limit);
    match tokio::time::timeout(limit, call(request)).await {
        Ok(answer) => answer.map(Response::into_inner),
        Err(_) => {
            let message = format!("no answer within {} s", limit.as_secs());
            Err(Status::unavailable(message))
        }
    }
}

fn unavailable(reason: &str) -> JobError {
    JobError::Unavailable {
        what: "the control service",
        reason: reason.to_owned(),
    }
}
