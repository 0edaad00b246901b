//! `JobService`.

use super::{artefacts::Reading, watch::Watching};
use crate::{
    ControlConfig, ControlDeps,
    error::ControlError,
    submission::{self, Rules},
};
use assay_api::{
    MAX_MESSAGE_BYTES, field, job,
    jobs::{
        CancelRequest, CancelResponse, GetArtefactRequest, GetArtefactResponse, GetRequest,
        GetResponse, ListRequest, ListResponse, SubmitRequest, SubmitResponse, WatchRequest,
        WatchResponse, job_service_server::JobService,
    },
    work,
};
use assay_jobs::{JobError, JobFilter, JobId, JobRecord, Page};
use assay_runtime::{
    Shutdown,
    access::{Caller, Role},
};
use futures::{StreamExt, stream::BoxStream};
use prost::Message;
use std::sync::Arc;
use tonic::{Request, Response, Status};

const LONGEST_REASON: usize = 1000;
const LONGEST_ARTEFACT_NAME: usize = 256;
const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// The service.
pub(crate) struct Jobs {
    deps: ControlDeps,
    rules: Arc<Rules>,
    shutdown: Shutdown,
    /// An answer is kept well below the largest message.
    page_bytes: usize,
}

impl Jobs {
    pub(crate) fn new(config: &ControlConfig, deps: ControlDeps, shutdown: Shutdown) -> Self {
        Self {
            deps,
            rules: Arc::new(Rules {
                default_model: config.default_model.clone(),
                max_queued: config.max_queued,
                foreign_bases: config.foreign_bases.clone(),
            }),
            shutdown,
            page_bytes: config.max_message_bytes.unwrap_or(MAX_MESSAGE_BYTES) / 4,
        }
    }

    /// A job that is the caller's business; another one is not there for it.
    async fn record(&self, caller: &Caller, id: &str) -> Result<JobRecord, ControlError> {
        let record = self.deps.store.get(work::id(id)?).await?;
        if !caller.may_touch(&record.job.principal) {
            return Err(JobError::NotFound(record.id).into());
        }
        Ok(record)
    }

    async fn artefact(
        &self,
        caller: &Caller,
        request: &GetArtefactRequest,
    ) -> Result<Reading, ControlError> {
        let name = field::line("name", &request.name, LONGEST_ARTEFACT_NAME)?;
        let record = self.record(caller, &request.id).await?;
        let artefacts = record.result.as_ref().map(|result| &result.artefacts);
        let Some(digest) = artefacts.and_then(|artefacts| artefacts.get(name)) else {
            let names = artefacts.map(|a| a.keys().cloned().collect::<Vec<_>>().join(", "));
            let present = match names {
                Some(names) => format!("it has: {names}"),
                None => format!("it is {} and has none", record.state),
            };
            return Err(ControlError::NoArtefact {
                job: record.id,
                name: name.to_owned(),
                present,
            });
        };
        Reading::begin(Arc::clone(&self.deps.blobs), *digest).await
    }

    /// As many jobs of a page as fit into a message, at least one.
    fn fitting(&self, page: Page) -> ListResponse {
        let mut answer = ListResponse::default();
        let mut room = self.page_bytes;
        let mut last: Option<JobId> = None;
        for record in &page.records {
            let job = job::to_wire(record);
            let length = job.encoded_len();
            if length > room && last.is_some() {
                answer.next_page_token = last.map(|id| id.to_string()).unwrap_or_default();
                return answer;
            }
            room = room.saturating_sub(length);
            last = Some(record.id);
            answer.jobs.push(job);
        }
        answer.next_page_token = page.next.map(|id| id.to_string()).unwrap_or_default();
        answer
    }
}

/// The trace that the request belongs to, if it says so in the W3C form.
fn trace_parent<T>(request: &Request<T>) -> Option<String> {
    let text = request.metadata().get("traceparent")?.to_str().ok()?;
    let parts: Vec<_> = text.split('-').map(str::len).collect();
    let hexadecimal = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    (hexadecimal && parts == [2, 32, 16, 2]).then(|| text.to_owned())
}

fn page_size(wanted: u32) -> Result<usize, ControlError> {
    match wanted as usize {
        0 => Ok(USUAL_PAGE),
        size if size <= LARGEST_PAGE => Ok(size),
        size => {
            let reason = format!("is {size}; allowed: 1 to {LARGEST_PAGE}, 0 for {USUAL_PAGE}");
            Err(ControlError::field("page_size", reason))
        }
    }
}

fn page_token(token: &str) -> Result<Option<JobId>, ControlError> {
    if token.is_empty() {
        return Ok(None);
    }
    token.parse().map(Some).map_err(|_| {
        let reason = "is none that a list returned; leave it empty to begin anew";
        ControlError::field("page_token", reason)
    })
}

#[tonic::async_trait]
impl JobService for Jobs {
    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        let (caller, trace) = (Caller::of(&request), trace_parent(&request));
        let request = request.into_inner();
        let submitted = submission::take(&self.rules, &self.deps, &caller, request, trace).await?;
        caller.concerns(format_args!("job {}", submitted.record.id));
        Ok(Response::new(SubmitResponse {
            job: Some(job::to_wire(&submitted.record)),
            created: submitted.created,
        }))
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        let caller = Caller::of(&request);
        let record = self.record(&caller, &request.get_ref().id).await?;
        Ok(Response::new(GetResponse {
            job: Some(job::to_wire(&record)),
        }))
    }

    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request);
        let WatchRequest { id, after_sequence } = request.into_inner();
        let record = self.record(&caller, &id).await?;
        if after_sequence > record.sequence {
            let last = record.sequence;
            let reason = format!("is {after_sequence}, but the last event so far is {last}");
            return Err(ControlError::field("after_sequence", reason).into());
        }
        let store = self.deps.store.clone();
        let watching = Watching::new(store, record.id, after_sequence, self.shutdown.clone());
        Ok(Response::new(watching.stream().boxed()))
    }

    async fn cancel(
        &self,
        request: Request<CancelRequest>,
    ) -> Result<Response<CancelResponse>, Status> {
        let caller = Caller::of(&request);
        let CancelRequest { id, reason } = request.into_inner();
        caller.concerns(format_args!("job {id}"));
        let reason = match field::line("reason", &reason, LONGEST_REASON)? {
            "" => "somebody asked for its end",
            reason => reason,
        };
        let id = self.record(&caller, &id).await?.id;
        let cancelled = self.deps.store.cancel(id, reason).await;
        let record = cancelled.map_err(ControlError::from)?;
        Ok(Response::new(CancelResponse {
            job: Some(job::to_wire(&record)),
        }))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let states = request.states.iter().enumerate();
        let states =
            states.map(|(at, state)| job::state_from_wire(&format!("states[{at}]"), *state));
        let filter = JobFilter {
            lane: job::optional_lane(request.lane)?,
            states: states.collect::<Result<_, _>>()?,
            principal: (!caller.may(Role::Operator)).then(|| caller.principal().to_owned()),
        };
        let limit = page_size(request.page_size)?;
        let after = page_token(&request.page_token)?;
        let page = self.deps.store.list(&filter, after, limit).await;
        Ok(Response::new(
            self.fitting(page.map_err(ControlError::from)?),
        ))
    }

    type GetArtefactStream = BoxStream<'static, Result<GetArtefactResponse, Status>>;

    async fn get_artefact(
        &self,
        request: Request<GetArtefactRequest>,
    ) -> Result<Response<Self::GetArtefactStream>, Status> {
        let caller = Caller::of(&request);
        let reading = self.artefact(&caller, request.get_ref()).await?;
        Ok(Response::new(reading.pieces().boxed()))
    }
}
