//! One folder, opened, shared and cleared up.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_backends::{Collected, Jobs, Places, StorageConfig, Stores, collect_garbage};
use assay_core::{Classified, Digest, ErrorKind};
use assay_jobs::{Beat, Claim, FencingToken, JobRecord, JobResult, Lane, NewJob, Outcome};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn config(folder: &tempfile::TempDir) -> StorageConfig {
    StorageConfig {
        data_dir: folder.path().join("data"),
        ..StorageConfig::default()
    }
}

fn job(specification: serde_json::Value) -> NewJob {
    NewJob {
        lane: Lane::Identify,
        specification,
        principal: "somebody".to_owned(),
        idempotency_key: None,
        max_attempts: 3,
        trace_parent: None,
    }
}

fn places<'a>(stores: &'a Stores, jobs: &'a Jobs) -> Places<'a> {
    Places {
        blobs: &*stores.blobs,
        registry: &*stores.registry,
        jobs: &*jobs.store,
    }
}

async fn put(stores: &Stores, text: &str) -> Digest {
    stores
        .blobs
        .put(Bytes::from(text.to_owned()))
        .await
        .unwrap()
}

async fn is_there(stores: &Stores, digest: Digest) -> bool {
    stores.blobs.size(digest).await.unwrap().is_some()
}

async fn submit(jobs: &Jobs, dataset: Digest) -> JobRecord {
    let job = job(serde_json::json!({ "dataset": dataset, "bundle": Digest::of(b"no blob") }));
    jobs.store.submit(job, 100).await.unwrap().record
}

async fn claim(jobs: &Jobs, record: &JobRecord) -> FencingToken {
    let claim = jobs.store.claim(record.id, "worker", DAY).await.unwrap();
    let claimed = match claim {
        Claim::Claimed(record) => record.lease,
        Claim::NotNow(_) | Claim::Exhausted(_) => None,
    };
    FencingToken(claimed.unwrap().token)
}

#[tokio::test]
async fn jobs_are_one_process_s_and_stores_everybody_s() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let jobs = Jobs::embedded(&config).unwrap();
    let error = Jobs::embedded(&config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("control_url"), "{error}");
    let here = Stores::open(&config).unwrap();
    let there = Stores::open(&config).unwrap();
    let digest = put(&here, "shared").await;
    assert_eq!(there.blobs.get(digest).await.unwrap(), "shared");
    let record = submit(&jobs, digest).await;
    drop(jobs);
    let jobs = Jobs::embedded(&config).unwrap();
    assert_eq!(jobs.store.get(record.id).await.unwrap(), record);
}

#[tokio::test]
async fn what_a_job_needs_stays_and_the_rest_goes_when_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let (stores, jobs) = (
        Stores::open(&config).unwrap(),
        Jobs::embedded(&config).unwrap(),
    );
    let spectrum = put(&stores, "a spectrum").await;
    let rows = format!("spectrum,label,role,group\n{spectrum},Steel,known,\n");
    let dataset = put(&stores, &rows).await;
    let chunk = put(&stores, "rows 0 to 99").await;
    let checkpoint = put(&stores, &format!("{{\"chunks\":[\"{chunk}\"]}}")).await;
    let result = put(&stores, "results").await;
    let orphan = put(&stores, "nobody needs me").await;

    let finished = submit(&jobs, dataset).await;
    let token = claim(&jobs, &finished).await;
    let outcome = Outcome::Succeeded(JobResult {
        artefacts: BTreeMap::from([("results.csv".to_owned(), result)]),
        summary: serde_json::Value::Null,
    });
    jobs.store
        .finish(finished.id, token, outcome)
        .await
        .unwrap();
    let running = submit(&jobs, Digest::of(b"elsewhere")).await;
    let token = claim(&jobs, &running).await;
    let beat = Beat {
        checkpoint: Some(checkpoint),
        ..Beat::default()
    };
    jobs.store.beat(running.id, token, beat, DAY).await.unwrap();

    let later = SystemTime::now() + 31 * DAY;
    let collect = async |now| {
        let places = places(&stores, &jobs);
        collect_garbage(places, now, 30 * DAY).await.unwrap()
    };
    let young = collect(SystemTime::now()).await;
    assert_eq!(
        young,
        Collected {
            kept: 6,
            removed: 0,
            leftovers: 0,
        }
    );
    assert_eq!(
        collect(later).await,
        Collected {
            kept: 5,
            removed: 1,
            leftovers: 0,
        }
    );
    assert!(!is_there(&stores, orphan).await);
    for digest in [spectrum, dataset, chunk, checkpoint, result] {
        assert!(is_there(&stores, digest).await);
    }
    jobs.store
        .finish(running.id, token, Outcome::Cancelled)
        .await
        .unwrap();
    assert_eq!(
        collect(later).await,
        Collected {
            kept: 3,
            removed: 2,
            leftovers: 0,
        }
    );
    assert!(
        is_there(&stores, result).await,
        "results of a job that is over stay"
    );
}

#[tokio::test]
async fn a_young_data_set_keeps_its_old_spectra() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let (stores, jobs) = (
        Stores::open(&config).unwrap(),
        Jobs::embedded(&config).unwrap(),
    );
    let spectrum = put(&stores, "a spectrum").await;
    let other = put(&stores, "another spectrum").await;
    let name = spectrum.to_string();
    let file = config.data_dir.join("blobs").join(&name[..2]).join(&name);
    let other_name = other.to_string();
    let other_file = config
        .data_dir
        .join("blobs")
        .join(&other_name[..2])
        .join(&other_name);
    for file in [file, other_file] {
        let file = std::fs::File::options().append(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - 40 * DAY).unwrap();
    }
    put(
        &stores,
        &format!("spectrum,label,role,group\n{spectrum},,known,\n"),
    )
    .await;
    let collected = collect_garbage(places(&stores, &jobs), SystemTime::now(), 30 * DAY);
    assert_eq!(
        collected.await.unwrap(),
        Collected {
            kept: 2,
            removed: 1,
            leftovers: 0,
        }
    );
    assert!(is_there(&stores, spectrum).await);
    assert!(!is_there(&stores, other).await);
}

#[tokio::test]
async fn leftovers_of_killed_writers_go_after_a_day_whatever_the_retention() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let (stores, jobs) = (
        Stores::open(&config).unwrap(),
        Jobs::embedded(&config).unwrap(),
    );
    let files = [("model.onnx".to_owned(), Bytes::from_static(b"model"))];
    let bundle = Digest::of(b"bundle");
    let origin = assay_store::VersionOrigin::default();
    let put = stores.registry.put("m", "1", bundle, files.into(), origin);
    put.await.unwrap();
    let name = Digest::of(b"half").to_string();
    let orphan = config.data_dir.join("registry/files").join(&name);
    let cut_off = config.data_dir.join("blobs").join(format!("{name}#1"));
    for file in [&orphan, &cut_off] {
        std::fs::write(file, b"half").unwrap();
    }
    for (age, leftovers) in [(DAY / 2, 0), (2 * DAY, 2), (2 * DAY, 0)] {
        let now = SystemTime::now() + age;
        let collected = collect_garbage(places(&stores, &jobs), now, 30 * DAY);
        assert_eq!(collected.await.unwrap().leftovers, leftovers);
        let stay = leftovers == 0 && age < DAY;
        assert_eq!((orphan.exists(), cut_off.exists()), (stay, stay));
    }
    let found = stores.registry.files(bundle).await.unwrap();
    assert_eq!(found["model.onnx"], "model");
}
