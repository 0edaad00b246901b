//! Servers that are killed and started again while everybody works, and answers that get lost:
//! nothing that was acknowledged is lost, and nothing is there twice.

use crate::{
    private::{PATIENCE, job, keyed, options, own, store},
    proxy::Proxy,
};
use assay_embedded::LocalQueue;
use assay_jobs::{
    Beat, Claim, FencingToken, Handler, JobContext, JobError, JobFilter, JobId, JobRecord,
    JobResult, JobState, JobStore, Lane, LocalWork, Outcome, Progress, Reaper, Worker, submit,
};
use assay_redis_store::{RedisJobStore, RedisOptions};
use assay_servers::redis::{Redis, Settings};
use async_trait::async_trait;
use std::{
    collections::{HashMap, HashSet},
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const LEASE: Duration = Duration::from_secs(600);

/// Between two attempts to reach a server that is away.
const PAUSE: Duration = Duration::from_millis(10);

/// The same call until the server is there; another error than that it is away fails the test.
async fn patiently<T, F>(call: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, JobError>>,
{
    let reached = async {
        loop {
            match call().await {
                Ok(answer) => return answer,
                Err(JobError::Unavailable { .. }) => sleep(PAUSE).await,
                Err(error) => unreachable!("{error}"),
            }
        }
    };
    timeout(PATIENCE, reached).await.unwrap()
}

fn result(note: &str) -> Outcome {
    Outcome::Succeeded(JobResult {
        summary: serde_json::json!({ "note": note }),
        ..JobResult::default()
    })
}

/// One job from its submission to its end.
async fn life(store: &RedisJobStore, key: &str) -> JobId {
    let submitted = patiently(|| store.submit(keyed(key), u64::MAX)).await;
    let id = submitted.record.id;
    let Claim::Claimed(record) = patiently(|| store.claim(id, key, LEASE)).await else {
        unreachable!("nobody else claims it");
    };
    let token = FencingToken(record.lease.unwrap().token);
    let beat = Beat {
        progress: vec![Progress::default(); 3],
        ..Beat::default()
    };
    patiently(|| store.beat(id, token, beat.clone(), LEASE)).await;
    patiently(|| store.finish(id, token, result(key))).await;
    id
}

/// What must be there of a job whose life was acknowledged: one attempt, each event once.
async fn check(store: &RedisJobStore, id: JobId, key: &str) {
    let record = store.get(id).await.unwrap();
    let note = record.result.as_ref().map(|result| &result.summary["note"]);
    assert_eq!(note.and_then(|note| note.as_str()), Some(key), "{record:?}");
    assert_eq!((record.attempt, record.last_token), (1, 1), "{record:?}");
    let events = store.events(id, 0, Duration::ZERO).await.unwrap();
    let numbers: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert!(numbers.len() >= 6, "{events:?}");
    assert_eq!(numbers, (1..=record.sequence).collect::<Vec<_>>());
}

/// Kills and starts a server several times, each time after some more lives.
async fn disturb(server: &Redis, lives: &AtomicU64, times: u64) {
    for time in 1..=times {
        let enough = async {
            while lives.load(Ordering::SeqCst) < time * 8 {
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, enough).await.unwrap();
        server.kill();
        server.start_again().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_work_loses_and_doubles_nothing() {
    let Some(server) = own("a server that is killed", &Settings::durable()) else {
        return;
    };
    let options = options(&server.url());
    let lives = Arc::new(AtomicU64::new(0));
    let ended = CancellationToken::new();
    let mut tasks = Vec::new();
    for task in 0..8 {
        let (lives, ended) = (Arc::clone(&lives), ended.clone());
        // Two tasks share a store, as two requests share one in a process.
        let store = store(&options).await;
        tasks.push(tokio::spawn(async move {
            let mut lived = Vec::new();
            for n in 0.. {
                if ended.is_cancelled() {
                    break;
                }
                let key = format!("{task}-{n}");
                lived.push((life(&store, &key).await, key));
                lives.fetch_add(1, Ordering::SeqCst);
            }
            lived
        }));
    }
    disturb(&server, &lives, 5).await;
    ended.cancel();
    let mut lived = HashMap::new();
    for task in tasks {
        lived.extend(timeout(PATIENCE, task).await.unwrap().unwrap());
    }
    // Once more, so that what is compared comes from the disk.
    server.kill();
    server.start_again().unwrap();
    let store = store(&options).await;
    let (mut listed, mut after) = (HashSet::new(), None);
    loop {
        let page = store.list(&JobFilter::default(), after, 100).await.unwrap();
        listed.extend(page.records.iter().map(|record| record.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, lived.keys().copied().collect::<HashSet<_>>());
    for (id, key) in &lived {
        check(&store, *id, key).await;
        let again = store.submit(keyed(key), 0).await.unwrap();
        assert_eq!((again.record.id, again.created), (*id, false));
    }
    let counts = store.counts(Lane::Identify).await.unwrap();
    assert_eq!((counts.queued, counts.running), (0, 0));
}

/// Does every job at once and notes it.
struct Noting(Mutex<Vec<JobId>>);

#[async_trait]
impl Handler for Noting {
    async fn run(&self, job: &JobRecord, _: JobContext) -> Outcome {
        self.0.lock().unwrap().push(job.id);
        result("noted")
    }
}

/// The product's own workers and reaper come back from every restart of the server by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_go_on_through_a_storm_of_restarts() {
    let Some(server) = own("a storm of restarts", &Settings::durable()) else {
        return;
    };
    let store = Arc::new(store(&options(&server.url())).await);
    let queue = Arc::new(LocalQueue::new());
    let handler = Arc::new(Noting(Mutex::default()));
    let ending = CancellationToken::new();
    let mut going = Vec::new();
    for n in 0..8 {
        let worker = Worker {
            source: Arc::new(LocalWork {
                store: store.clone(),
                queue: queue.clone(),
                lease: Duration::from_secs(2),
            }),
            lane: Lane::Identify,
            name: format!("w{n}"),
            handler: handler.clone(),
        };
        going.push(tokio::spawn(worker.run(ending.clone().cancelled_owned())));
    }
    let reaper = Reaper {
        redispatch_after: Duration::from_secs(1),
        every: Duration::from_millis(100),
        ..Reaper::new(store.clone(), queue.clone())
    };
    going.push(tokio::spawn(reaper.run(ending.clone().cancelled_owned())));
    let mut ids = Vec::new();
    for n in 0..40 {
        let key = format!("{n}");
        let taken = patiently(|| submit(&*store, &*queue, keyed(&key), u64::MAX)).await;
        ids.push(taken.record.id);
        if n % 10 == 5 {
            server.kill();
            server.start_again().unwrap();
        }
    }
    for id in &ids {
        let over = async {
            loop {
                let record = patiently(|| store.get(*id)).await;
                if record.state.is_final() {
                    return record;
                }
                patiently(|| store.events(*id, record.sequence, PATIENCE)).await;
            }
        };
        let record = timeout(PATIENCE, over).await.unwrap();
        assert_eq!(record.state, JobState::Succeeded, "{record:?}");
    }
    ending.cancel();
    for task in going {
        timeout(PATIENCE, task).await.unwrap().unwrap();
    }
    let noted: HashSet<_> = handler.0.lock().unwrap().iter().copied().collect();
    assert_eq!(noted, ids.into_iter().collect());
}

/// Whichever answer of a life gets lost, the store finds out whether the change stands, and its
/// caller sees nothing of it.
#[tokio::test]
async fn a_lost_answer_is_made_up_for() {
    let Some(server) = own("lost answers", &Settings::durable()) else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let store = store(&options(&proxy.url())).await;
    let mut lost = 0;
    for answers in 0..12 {
        proxy.lose_after(answers);
        let id = store.submit(job(), u64::MAX).await.unwrap().record.id;
        let Claim::Claimed(record) = store.claim(id, "w", LEASE).await.unwrap() else {
            unreachable!("nobody else claims it");
        };
        let token = FencingToken(record.lease.unwrap().token);
        let beat = Beat {
            progress: vec![Progress::default(); 3],
            ..Beat::default()
        };
        store.beat(id, token, beat, LEASE).await.unwrap();
        let key = format!("{answers}");
        store.finish(id, token, result(&key)).await.unwrap();
        check(&store, id, &key).await;
        lost += i32::from(proxy.has_lost());
        let all = store.list(&JobFilter::default(), None, 100).await.unwrap();
        assert_eq!(all.records.len() as i64, answers + 1, "each is there once");
    }
    assert!(
        lost >= 8,
        "a life has at least eight answers, each of which was lost once"
    );
}

/// A sweep whose answer gets lost names what it changed all the same: nobody else does.
#[tokio::test]
async fn a_sweep_makes_up_for_a_lost_answer() {
    let Some(server) = own("lost answers to a sweep", &Settings::durable()) else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let store = store(&options(&proxy.url())).await;
    let id = store.submit(job(), 1).await.unwrap().record.id;
    let mut lost = 0;
    for answers in 0..12 {
        proxy.lose_after(answers);
        let sweep = store.sweep(Duration::ZERO, LEASE).await.unwrap();
        let named: Vec<_> = sweep.to_publish.iter().map(|record| record.id).collect();
        assert_eq!(named, [id], "after {answers} answers");
        lost += i32::from(proxy.has_lost());
    }
    assert!(lost >= 6, "a sweep has at least six answers");
}

/// A server that hangs is given up after the time limit, and its place is taken again when it
/// answers.
#[tokio::test]
async fn a_server_that_hangs_is_given_up_in_time() {
    let Some(server) = own("a server that hangs", &Settings::durable()) else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let hasty = RedisOptions {
        timeout: Duration::from_millis(300),
        ..options(&proxy.url())
    };
    let store = store(&hasty).await;
    let id = store.submit(job(), 10).await.unwrap().record.id;
    proxy.hold(true);
    let error = store.get(id).await.unwrap_err().to_string();
    assert!(error.contains("in time"), "{error}");
    let error = store.cancel(id, "").await.unwrap_err();
    assert!(matches!(error, JobError::Unavailable { .. }), "{error}");
    proxy.hold(false);
    let record = patiently(|| store.cancel(id, "")).await;
    assert_eq!(record.state, JobState::Cancelled);
    // Several cancellations were under way; only one of them tells of it.
    let events = store.events(id, 0, Duration::ZERO).await.unwrap();
    assert_eq!(events.len(), 2, "{events:?}");
}

/// A decision that took longer than the lease that it relies on is worth nothing.
#[tokio::test]
async fn a_beat_that_was_under_way_for_too_long_is_fenced() {
    let Some(server) = own("a beat under way for long", &Settings::durable()) else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let options = options(&proxy.url());
    let (slow, quick) = (store(&options).await, {
        let url = assay_core::Secret::new(server.url());
        store(&RedisOptions { url, ..options }).await
    });
    let id = quick.submit(job(), 1).await.unwrap().record.id;
    let lease = Duration::from_millis(300);
    let Claim::Claimed(record) = quick.claim(id, "w", lease).await.unwrap() else {
        unreachable!("nobody else claims it");
    };
    proxy.hold(true);
    let asked = proxy.questions();
    let beating = tokio::spawn(async move {
        let beat = slow.beat(id, FencingToken(1), Beat::default(), LEASE);
        beat.await
    });
    // The beat has read the record in time, and decides when its lease is over.
    let ends = record.lease.as_ref().unwrap().expires_at;
    while proxy.questions() == asked || quick.now().await.unwrap() < ends {
        sleep(PAUSE).await;
    }
    proxy.hold(false);
    let answer = timeout(PATIENCE, beating).await.unwrap().unwrap();
    assert!(matches!(answer, Err(JobError::Fenced { .. })), "{answer:?}");
    assert_eq!(quick.get(id).await.unwrap(), *record, "nothing was stored");
}
