//! The servers of these tests, and stores on them.

use assay_core::Secret;
use assay_jobs::{JobId, Lane, NewJob};
use assay_redis_store::{RedisJobStore, RedisOptions};
use assay_servers::redis::{Redis, Settings, private};
use std::{
    sync::{LazyLock, Mutex, OnceLock},
    time::Duration,
};

/// Only a guard against hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The durable server of this process, for every test that leaves it as it is; `None` after
/// saying that there is no program for it.
pub(crate) fn durable(test: &str) -> Option<&'static Redis> {
    static SERVER: OnceLock<Option<Redis>> = OnceLock::new();
    let server = SERVER.get_or_init(|| private(test, &Settings::durable()).unwrap());
    if server.is_none() {
        eprintln!("SKIPPED {test}: redis-server is not installed");
    }
    server.as_ref()
}

/// A server of one test alone.
pub(crate) fn own(test: &str, settings: &Settings) -> Option<Redis> {
    private(test, settings).unwrap()
}

/// Options for a place where nothing is.
pub(crate) fn options(url: &str) -> RedisOptions {
    // From here on everything is logged.
    LazyLock::force(&LOG);
    RedisOptions {
        url: Secret::new(url),
        prefix: format!("test-{}", JobId::new()),
        // What is slow here is the machine.
        timeout: PATIENCE,
        ..RedisOptions::default()
    }
}

pub(crate) async fn store(options: &RedisOptions) -> RedisJobStore {
    RedisJobStore::connect(options.clone()).await.unwrap()
}

pub(crate) fn job() -> NewJob {
    NewJob {
        lane: Lane::Identify,
        specification: serde_json::json!({ "dataset": "a", "rows": vec![1; 50] }),
        principal: "anna".to_owned(),
        idempotency_key: None,
        max_attempts: 3,
        trace_parent: None,
    }
}

pub(crate) fn keyed(key: &str) -> NewJob {
    NewJob {
        idempotency_key: Some(key.to_owned()),
        ..job()
    }
}

/// A question past the adapters.
pub(crate) async fn ask<T: redis::FromRedisValue>(url: &str, words: &[&str]) -> T {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::Cmd::new();
    command.arg(words);
    command.query_async(&mut connection).await.unwrap()
}

/// Everything that was logged so far in lines that hold a word, as the number of a server's port.
pub(crate) fn logged(word: &str) -> String {
    let log = LOG.0.lock().unwrap();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(word)).collect();
    lines.join("\n")
}

/// Whether one line of the log holds all words.
pub(crate) fn log_holds(words: &[&str]) -> bool {
    let log = logged(words[0]);
    log.lines()
        .any(|line| words.iter().all(|word| line.contains(word)))
}

/// The log of this process.
#[derive(Clone, Copy)]
struct Log(&'static Mutex<Vec<u8>>);

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log(&LINES);
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || log)
        .init();
    log
});

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
