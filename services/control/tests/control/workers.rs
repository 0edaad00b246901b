//! Workers elsewhere.

use crate::serving::{Serving, fields};
use assay_api::jobs::{CancelRequest, ClaimRequest, GetRequest, JobState};
use assay_core::{Classified, ErrorKind};
use assay_jobs::{Beat, Failure, JobError, JobResult, Lane, Outcome, WorkSource};
use std::time::Duration;
use tonic::Request;

const WAIT: Duration = Duration::from_secs(30);
const MOMENT: Duration = Duration::from_millis(1);

async fn state(serving: &mut Serving, id: &str) -> JobState {
    let got = serving
        .jobs
        .get(GetRequest { id: id.to_owned() })
        .await
        .unwrap();
    got.into_inner().job.unwrap().state()
}

#[tokio::test]
async fn a_job_goes_to_one_worker_and_comes_to_its_end() {
    let mut serving = Serving::start().await;
    let nothing = serving
        .work
        .next(Lane::Train, "worker", MOMENT)
        .await
        .unwrap();
    assert_eq!(nothing, None);
    let waiting = {
        let work = serving.work.clone();
        tokio::spawn(async move { work.next(Lane::Train, "worker", WAIT).await })
    };
    let id = serving.training().await.id;
    let claimed = waiting.await.unwrap().unwrap().unwrap();
    assert_eq!(claimed.record.id.to_string(), id);
    assert_eq!(claimed.lease, Duration::from_secs(30));
    let other = serving
        .work
        .next(Lane::Train, "other", MOMENT)
        .await
        .unwrap();
    assert_eq!(other, None);
    let (job, token) = (claimed.record.id, claimed.token);
    assert!(
        !serving
            .work
            .beat(job, token, Beat::default())
            .await
            .unwrap()
    );
    let cancel = CancelRequest {
        id: id.clone(),
        ..CancelRequest::default()
    };
    serving.jobs.cancel(cancel).await.unwrap();
    assert!(
        serving
            .work
            .beat(job, token, Beat::default())
            .await
            .unwrap()
    );
    for _ in 0..2 {
        serving
            .work
            .finish(job, token, Outcome::Cancelled)
            .await
            .unwrap();
    }
    assert_eq!(state(&mut serving, &id).await, JobState::Cancelled);
    serving.end().await;
}

#[tokio::test]
async fn a_job_that_was_lost_is_told_as_lost() {
    let mut serving = Serving::start().await;
    serving.training().await;
    let first = serving
        .work
        .next(Lane::Train, "first", WAIT)
        .await
        .unwrap()
        .unwrap();
    let (job, token) = (first.record.id, first.token);
    serving
        .work
        .finish(job, token, Outcome::Released)
        .await
        .unwrap();
    let second = serving
        .work
        .next(Lane::Train, "second", WAIT)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(second.record.id, job);
    assert_eq!(second.record.attempt, 1, "a release counts as no attempt");
    assert!(second.token > token);
    let lost = serving
        .work
        .beat(job, token, Beat::default())
        .await
        .unwrap_err();
    assert!(matches!(lost, JobError::Fenced { .. }), "{lost}");
    let done = || Outcome::Succeeded(JobResult::default());
    let lost = serving.work.finish(job, token, done()).await.unwrap_err();
    assert!(matches!(lost, JobError::Fenced { .. }), "{lost}");
    serving
        .work
        .finish(job, second.token, done())
        .await
        .unwrap();
    serving.end().await;
}

#[tokio::test]
async fn a_job_is_tried_again_and_then_given_up_with_its_reason() {
    let mut serving = Serving::start().await;
    let id = serving.training().await.id;
    let failure = Failure {
        kind: ErrorKind::Unavailable,
        message: "the disk is full".to_owned(),
    };
    for _ in 0..5 {
        let claimed = serving
            .work
            .next(Lane::Train, "worker", WAIT)
            .await
            .unwrap()
            .unwrap();
        let outcome = Outcome::Retry {
            failure: failure.clone(),
            backoff: Duration::ZERO,
        };
        serving
            .work
            .finish(claimed.record.id, claimed.token, outcome)
            .await
            .unwrap();
    }
    let got = serving
        .jobs
        .get(GetRequest { id })
        .await
        .unwrap()
        .into_inner()
        .job
        .unwrap();
    assert_eq!((got.state(), got.attempt), (JobState::Failed, 5));
    assert_eq!(got.error_code, tonic::Code::Unavailable as u32);
    assert!(
        got.error_message.contains("the disk is full"),
        "{}",
        got.error_message
    );
    serving.end().await;
}

#[tokio::test]
async fn a_worker_that_went_away_while_it_waited_holds_back_no_job() {
    let mut serving = Serving::start().await;
    for _ in 0..4 {
        let work = serving.work.clone();
        let gone = tokio::spawn(async move { work.next(Lane::Train, "gone", WAIT).await });
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
    }
    let id = serving.training().await.id;
    let claimed = serving
        .work
        .next(Lane::Train, "here", WAIT)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claimed.record.id.to_string(), id);
    serving.end().await;
}

#[tokio::test]
async fn the_end_of_the_service_ends_the_waiting() {
    let serving = Serving::start().await;
    let nothing = serving.work.next(Lane::Train, "worker", MOMENT).await;
    assert_eq!(nothing.unwrap(), None);
    let waiting = {
        let work = serving.work.clone();
        tokio::spawn(async move { work.next(Lane::Identify, "other", WAIT).await })
    };
    tokio::task::yield_now().await;
    serving.shutdown.begin();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    serving.end().await;
}

#[tokio::test]
async fn messages_of_workers_are_checked() {
    let mut serving = Serving::start().await;
    let mut client = serving.workers();
    let good = ClaimRequest {
        lane: 1,
        worker: "w".to_owned(),
        wait_ms: 0,
    };
    for (request, field) in [
        (
            ClaimRequest {
                lane: 0,
                ..good.clone()
            },
            "lane",
        ),
        (
            ClaimRequest {
                worker: String::new(),
                ..good.clone()
            },
            "worker",
        ),
        (
            ClaimRequest {
                wait_ms: 60_001,
                ..good.clone()
            },
            "wait_ms",
        ),
    ] {
        let status = client.claim(Request::new(request)).await.unwrap_err();
        assert_eq!(fields(&status), [field]);
    }
    let none = client.claim(good).await.unwrap().into_inner();
    assert_eq!(none.record_json, "");
    serving.training().await;
    serving.end().await;
}
