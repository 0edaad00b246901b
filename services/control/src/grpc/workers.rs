//! `WorkerService`: the source of work beside store and queue, for workers elsewhere.

use crate::error::ControlError;
use assay_api::{
    field, job,
    jobs::{
        BeatRequest, BeatResponse, ClaimRequest, ClaimResponse, FinishRequest, FinishResponse,
        worker_service_server::WorkerService,
    },
    status, work,
};
use assay_jobs::{Assignment, JobError, Lane, LocalWork, Outcome, WorkSource};
use assay_runtime::Shutdown;
use std::time::Duration;
use tokio::sync::oneshot;
use tonic::{Request, Response, Status};

const LONGEST_NAME: usize = 128;
const LONGEST_WAIT_MS: u32 = 60_000;

/// What came of waiting for a job.
type Found = Result<Option<Assignment>, JobError>;

/// The service.
pub(crate) struct Workers {
    work: LocalWork,
    shutdown: Shutdown,
}

impl Workers {
    pub(crate) const fn new(work: LocalWork, shutdown: Shutdown) -> Self {
        Self { work, shutdown }
    }
}

/// A checked request for a job.
struct Wish {
    lane: Lane,
    worker: String,
    wait: Duration,
}

impl Wish {
    fn of(request: &ClaimRequest) -> Result<Self, ControlError> {
        let worker = field::line("worker", &request.worker, LONGEST_NAME)?;
        if worker.is_empty() {
            return Err(ControlError::field(
                "worker",
                "is empty; a worker has a name",
            ));
        }
        if request.wait_ms > LONGEST_WAIT_MS {
            let reason = format!("is {}; allowed: 0 to {LONGEST_WAIT_MS}", request.wait_ms);
            return Err(ControlError::field("wait_ms", reason));
        }
        Ok(Self {
            lane: job::lane_from_wire(request.lane)?,
            worker: worker.to_owned(),
            wait: Duration::from_millis(request.wait_ms.into()),
        })
    }
}

/// Waits for a job in a task of its own, so that one that was just claimed when the caller went
/// away is given back at once and does not wait for the end of its lease.
async fn wait(work: LocalWork, wish: Wish, shutdown: Shutdown, mut answer: oneshot::Sender<Found>) {
    let found = tokio::select! {
        biased;
        () = shutdown.begun() => return,
        () = answer.closed() => return,
        found = work.next(wish.lane, &wish.worker, wish.wait) => found,
    };
    let Err(Ok(Some(assignment))) = answer.send(found) else {
        return;
    };
    let id = assignment.record.id;
    if let Err(error) = work.finish(id, assignment.token, Outcome::Released).await {
        tracing::debug!(job.id = %id, %error, "a job that nobody took waits for its lease");
    }
}

#[tonic::async_trait]
impl WorkerService for Workers {
    async fn claim(
        &self,
        request: Request<ClaimRequest>,
    ) -> Result<Response<ClaimResponse>, Status> {
        let wish = Wish::of(request.get_ref())?;
        let (answer, found) = oneshot::channel();
        tokio::spawn(wait(self.work.clone(), wish, self.shutdown.clone(), answer));
        let Ok(found) = found.await else {
            return Err(status::unavailable(
                "the service ends and gives no more jobs",
            ));
        };
        let assignment = found.map_err(ControlError::from)?;
        work::assignment_to_wire(assignment.as_ref())
            .map(Response::new)
            .map_err(status::defect)
    }

    async fn beat(&self, request: Request<BeatRequest>) -> Result<Response<BeatResponse>, Status> {
        let (id, token, beat) = work::beat_from_wire(request.get_ref())?;
        let stop = self.work.beat(id, token, beat).await;
        Ok(Response::new(BeatResponse {
            cancel_requested: stop.map_err(ControlError::from)?,
        }))
    }

    async fn finish(
        &self,
        request: Request<FinishRequest>,
    ) -> Result<Response<FinishResponse>, Status> {
        let (id, token, outcome) = work::outcome_from_wire(request.get_ref())?;
        let finished = self.work.finish(id, token, outcome).await;
        finished.map_err(ControlError::from)?;
        Ok(Response::new(FinishResponse {}))
    }
}
