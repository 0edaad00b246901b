//! One life of a server: what is not submitted yet is submitted, every job is watched from where
//! the life before left off, until the moment of the kill or the end of all jobs.

use crate::plan::{Moment, Plan};
use assay_api::{
    jobs::{
        JobState, SubmitRequest, WatchRequest, WatchResponse, job_service_client::JobServiceClient,
    },
    status::retry_after,
};
use assay_e2e::client;
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    task::JoinSet,
};
use tonic::{Code, Status, transport::Channel};

/// Before a service that does not say when is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// What was seen of a job, in all lives of its server.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) id: String,
    /// Number of the last event.
    pub(crate) sequence: u64,
    /// Its final state, once that came.
    pub(crate) end: Option<JobState>,
}

/// What was seen of the jobs of a plan, by their place in it.
#[derive(Debug, Default)]
pub(crate) struct Known(pub(crate) BTreeMap<usize, Seen>);

impl Known {
    pub(crate) fn submitted(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn over(&self) -> usize {
        self.0.values().filter(|seen| seen.end.is_some()).count()
    }
}

/// Something a server said about a job.
enum News {
    Submitted(String),
    Event(Box<WatchResponse>),
    Failed(&'static str, Status),
}

type Sender = UnboundedSender<(usize, News)>;

/// What an answer may be while something is killed elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Every answer must be a good one.
    Good,
    /// A service whose store is gone may say UNAVAILABLE; the caller asks again, as clients do.
    GoodInTheEnd,
}

/// Goes through one life at an address; without a moment until all jobs are over. Gives what is
/// under way still, to be cut by the kill.
pub(crate) async fn live(
    (url, answers): (&str, Answers),
    plan: &Plan,
    known: &mut Known,
    moment: Option<Moment>,
) -> JoinSet<()> {
    let caller = Caller {
        channel: client::connect(url).unwrap(),
        answers,
    };
    let (sender, mut news) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    // Again what was submitted before: its key must find its job.
    let requests: Vec<_> = plan.0.iter().map(|job| job.request.clone()).collect();
    tasks.spawn(submit(caller.clone(), requests, sender.clone()));
    let mut watched = vec![false; plan.0.len()];
    let mut heard = 0;
    while known.over() < plan.0.len() || watched.contains(&false) {
        if moment.is_some_and(|moment| heard >= moment.news) {
            break;
        }
        let (job, said) = news.recv().await.unwrap();
        heard += 1;
        match said {
            News::Submitted(id) => {
                let seen = known.0.entry(job).or_insert_with(|| Seen {
                    id: id.clone(),
                    sequence: 0,
                    end: None,
                });
                assert_eq!(seen.id, id, "job {job} was made twice");
                watched[job] = true;
                let after = seen.sequence;
                tasks.spawn(watch(caller.clone(), (job, id), after, sender.clone()));
            }
            News::Event(event) => known.0.get_mut(&job).unwrap().hear(&event),
            News::Failed(doing, status) => panic!("{doing} job {job}: {status:?}"),
        }
    }
    if let Some(moment) = moment {
        tokio::time::sleep(moment.delay).await;
    }
    tasks
}

impl Seen {
    fn hear(&mut self, event: &WatchResponse) {
        let id = &self.id;
        assert_eq!(event.sequence, self.sequence + 1, "a gap in job {id}");
        assert_eq!(self.end, None, "job {id} went on after its end: {event:?}");
        self.sequence = event.sequence;
        self.end = end(event);
    }
}

/// The final state that an event tells of, if it does.
pub(crate) fn end(event: &WatchResponse) -> Option<JobState> {
    use JobState::{Cancelled, Failed, Succeeded};
    let of_state = event.progress.is_none() && !event.warning;
    Some(event.state()).filter(|s| of_state && [Succeeded, Failed, Cancelled].contains(s))
}

/// Who submits and watches.
#[derive(Clone)]
struct Caller {
    channel: Channel,
    answers: Answers,
}

impl Caller {
    /// Whether to ask again after this answer; waits for as long as the service says.
    async fn asks_again(&self, status: &Status) -> bool {
        let again = self.answers == Answers::GoodInTheEnd && status.code() == Code::Unavailable;
        if again {
            tokio::time::sleep(retry_after(status).unwrap_or(PAUSE)).await;
        }
        again
    }
}

async fn submit(caller: Caller, requests: Vec<SubmitRequest>, sender: Sender) {
    let mut jobs = client::client(&caller.channel, JobServiceClient::new);
    for (at, request) in requests.into_iter().enumerate() {
        let said = loop {
            match jobs.submit(request.clone()).await {
                Ok(answer) => break News::Submitted(answer.into_inner().job.unwrap().id),
                Err(status) if caller.asks_again(&status).await => {}
                Err(status) => break News::Failed("submitting", status),
            }
        };
        // Nobody listens any more when the server was killed.
        let _ = sender.send((at, said));
    }
}

async fn watch(caller: Caller, (at, id): (usize, String), mut after: u64, sender: Sender) {
    loop {
        let failed = match watch_once(&caller, (at, &id), &mut after, &sender).await {
            Ok(()) => return,
            Err(status) => status,
        };
        if !caller.asks_again(&failed).await {
            let _ = sender.send((at, News::Failed("watching", failed)));
            return;
        }
    }
}

/// Follows a job from the event `after` on, which moves on with it.
async fn watch_once(
    caller: &Caller,
    (at, id): (usize, &str),
    after: &mut u64,
    sender: &Sender,
) -> Result<(), Status> {
    let mut jobs = client::client(&caller.channel, JobServiceClient::new);
    let request = WatchRequest {
        id: id.to_owned(),
        after_sequence: *after,
    };
    let mut events = jobs.watch(request).await?.into_inner();
    while let Some(event) = events.message().await? {
        *after = event.sequence;
        if sender.send((at, News::Event(Box::new(event)))).is_err() {
            break;
        }
    }
    Ok(())
}
