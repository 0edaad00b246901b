//! A process that is killed in the middle of its commits leaves a store with everything that it
//! was told is stored.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_embedded::RedbJobStore;
use assay_jobs::{
    Beat, Claim, FencingToken, JobId, JobResult, JobState, JobStore, Lane, NewJob, Outcome,
    Progress, Timestamp, system_clock,
};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

/// Names the file to the process that is to be killed, which is this test begun again.
const FILE: &str = "OPENASSAY_TEST_KILLED_FILE";
const NAME: &str = "a_killed_process_loses_nothing_that_was_stored";
const LEASE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_that_was_stored() {
    if let Some(file) = std::env::var_os(FILE) {
        write_until_killed(Path::new(&file)).await;
        unreachable!("it is killed long before");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.redb");
    let mut told = HashMap::new();
    // The same file again and again, each time killed after another number of answers.
    for answers in [1, 4, 15, 34, 60] {
        killed_after(answers, &file, &mut told);
        check(&file, &told).await;
    }
    assert!(told.values().any(|state| *state == "succeeded"));
}

/// Runs the writer, kills it after some answers, and notes every answer that it got.
fn killed_after(answers: usize, file: &Path, told: &mut HashMap<JobId, String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = 0;
    for line in lines {
        let line = line.unwrap();
        let Some(answer) = line.strip_prefix("stored ") else {
            continue;
        };
        // The last line may be cut off by the kill.
        if let Some((id, state)) = answer.split_once(' ')
            && let Some(state) = state.strip_suffix('.')
        {
            told.insert(id.parse().unwrap(), state.to_owned());
        }
        seen += 1;
        if seen == answers {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success() && seen >= answers, "{status}: {seen}");
}

/// Several tasks that store and say so, so that a kill mostly hits a commit.
async fn write_until_killed(file: &Path) {
    let store = Arc::new(RedbJobStore::open(file, system_clock()).unwrap());
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for _ in 0..100_000 {
                    write_one(&store).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn write_one(store: &RedbJobStore) {
    let job = NewJob {
        lane: Lane::Identify,
        specification: serde_json::json!({ "rows": vec![1; 200] }),
        principal: "anna".to_owned(),
        idempotency_key: None,
        max_attempts: 3,
        trace_parent: None,
    };
    let id = store.submit(job, u64::MAX).await.unwrap().record.id;
    say(id, "queued");
    let Claim::Claimed(record) = store.claim(id, "w", LEASE).await.unwrap() else {
        unreachable!("nobody else claims it");
    };
    say(id, "running");
    let token = FencingToken(record.lease.unwrap().token);
    let beat = Beat {
        progress: vec![Progress::default(); 20],
        ..Beat::default()
    };
    store.beat(id, token, beat, LEASE).await.unwrap();
    say(id, "beaten");
    let done = Outcome::Succeeded(JobResult::default());
    store.finish(id, token, done).await.unwrap();
    say(id, "succeeded");
}

fn say(id: JobId, state: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then the kill is on its way.
    let _ = out.write_all(format!("\nstored {id} {state}.\n").as_bytes());
    let _ = out.flush();
}

/// Opens what the killed process left: nothing that was told is missing, nothing is half there,
/// and the work can go on.
async fn check(file: &Path, told: &HashMap<JobId, String>) {
    let later = Arc::new(|| Timestamp(system_clock()().0 + 3_600_000));
    let store = RedbJobStore::open(file, later).unwrap();
    let mut open = 0;
    for (id, state) in told {
        let record = store.get(*id).await.unwrap();
        let least = match state.as_str() {
            "queued" => 1,
            "running" => 2,
            "beaten" => 22,
            _ => 23,
        };
        assert!(record.sequence >= least, "{id} {state}: {record:?}");
        let over = record.state == JobState::Succeeded;
        assert!(over || state != "succeeded");
        open += u64::from(!over && record.state == JobState::Running);
        let events = store.events(*id, 0, Duration::ZERO).await.unwrap();
        let numbers: Vec<u64> = events.iter().map(|e| e.sequence).collect();
        assert_eq!(numbers, (1..=record.sequence).collect::<Vec<_>>());
    }
    let counts = store.counts(Lane::Identify).await.unwrap();
    // One more a task may be stored without having been told.
    assert!(counts.running >= open && counts.queued + counts.running <= 4 * 5);
    let sweep = store.sweep(Duration::ZERO, Duration::MAX).await.unwrap();
    assert_eq!(sweep.requeued.len() as u64, counts.running);
    assert_eq!(
        sweep.to_publish.len() as u64,
        counts.running + counts.queued
    );
}
