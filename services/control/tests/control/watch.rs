//! Watching jobs.

use crate::serving::{Serving, fields};
use assay_api::jobs::{CancelRequest, JobState, WatchRequest, WatchResponse};
use assay_jobs::{Assignment, Beat, JobResult, Lane, Outcome, Progress, WorkSource};
use std::time::Duration;
use tonic::Code;

const WAIT: Duration = Duration::from_secs(30);

fn watch(id: &str, after_sequence: u64) -> WatchRequest {
    WatchRequest {
        id: id.to_owned(),
        after_sequence,
    }
}

async fn claim(serving: &Serving) -> Assignment {
    let claimed = serving.work.next(Lane::Train, "worker", WAIT).await;
    claimed.unwrap().unwrap()
}

fn progress(done: u64) -> Beat {
    Beat {
        progress: vec![Progress {
            stage: format!("stage {done}"),
            done,
            total: 9,
            ..Progress::default()
        }],
        warnings: vec![format!("odd {done}")],
        checkpoint: None,
    }
}

#[tokio::test]
async fn events_come_as_they_happen_and_end_with_the_job() {
    let mut serving = Serving::start().await;
    let id = serving.training().await.id;
    let mut events = serving
        .jobs
        .watch(watch(&id, 0))
        .await
        .unwrap()
        .into_inner();
    let queued = events.message().await.unwrap().unwrap();
    assert_eq!((queued.sequence, queued.state()), (1, JobState::Queued));
    let Assignment { record, token, .. } = claim(&serving).await;
    let running = events.message().await.unwrap().unwrap();
    assert_eq!((running.state(), running.attempt), (JobState::Running, 1));
    serving
        .work
        .beat(record.id, token, progress(4))
        .await
        .unwrap();
    let mut seen = vec![queued, running];
    for _ in 0..2 {
        seen.push(events.message().await.unwrap().unwrap());
    }
    assert!(
        seen.iter()
            .any(|e| e.progress.as_ref().is_some_and(|p| p.done == 4))
    );
    assert!(seen.iter().any(|e| e.warning && e.message == "odd 4"));
    let done = Outcome::Succeeded(JobResult::default());
    serving.work.finish(record.id, token, done).await.unwrap();
    while let Some(event) = events.message().await.unwrap() {
        seen.push(event);
    }
    assert_eq!(seen.last().unwrap().state(), JobState::Succeeded);
    let numbers: Vec<_> = seen.iter().map(|event| event.sequence).collect();
    assert_eq!(
        numbers,
        (1..=seen.len() as u64).collect::<Vec<_>>(),
        "without gaps"
    );

    let mut rest = serving
        .jobs
        .watch(watch(&id, 2))
        .await
        .unwrap()
        .into_inner();
    let mut again: Vec<WatchResponse> = Vec::new();
    while let Some(event) = rest.message().await.unwrap() {
        again.push(event);
    }
    assert_eq!(again, seen[2..], "a later watch goes on where it says");
    let last = seen.len() as u64;
    let mut nothing = serving
        .jobs
        .watch(watch(&id, last))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(nothing.message().await.unwrap(), None);
    let status = serving.jobs.watch(watch(&id, last + 1)).await.unwrap_err();
    assert_eq!(fields(&status), ["after_sequence"]);
    serving.end().await;
}

#[tokio::test]
async fn the_end_of_the_service_ends_a_watch_with_where_to_go_on() {
    let mut serving = Serving::start().await;
    let id = serving.training().await.id;
    let mut events = serving
        .jobs
        .watch(watch(&id, 0))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(events.message().await.unwrap().unwrap().sequence, 1);
    serving.shutdown.begin();
    let status = events.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("after_sequence = 1"), "{status}");
    serving.end().await;
}

#[tokio::test]
async fn several_watchers_see_the_same() {
    let mut serving = Serving::start().await;
    let id = serving.training().await.id;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let mut jobs = serving.jobs.clone();
        streams.push(jobs.watch(watch(&id, 0)).await.unwrap().into_inner());
    }
    let cancel = CancelRequest {
        id,
        reason: "no need".to_owned(),
    };
    serving.jobs.cancel(cancel).await.unwrap();
    for mut stream in streams {
        let mut last = None;
        while let Some(event) = stream.message().await.unwrap() {
            last = Some(event);
        }
        let last = last.unwrap();
        assert_eq!(last.state(), JobState::Cancelled);
        assert!(last.message.contains("no need"), "{}", last.message);
    }
    serving.end().await;
}
