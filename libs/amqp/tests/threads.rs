//! A peer that accepts connections and never says a word costs nothing that stays.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_amqp::{AmqpOptions, AmqpQueue};
use assay_core::Secret;
use std::{fs, time::Duration};
use tokio::{net::TcpListener, time::timeout};

/// Only a guard against hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// Threads that the library keeps for its connections.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("lapin-io"))
        .count()
}

#[tokio::test]
async fn attempts_on_a_silent_peer_leave_no_threads() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let queue = AmqpQueue::start(AmqpOptions {
        connect_within: Duration::from_millis(50),
        ..AmqpOptions::new(Secret::new(format!("amqp://127.0.0.1:{port}")))
    })
    .unwrap();
    let mut kept = Vec::new();
    while kept.len() < 12 {
        kept.push(timeout(PATIENCE, listener.accept()).await.unwrap().unwrap());
        // One for each of the two connections, and one each that is just ending.
        assert!(threads() <= 4, "{} threads", threads());
    }
    timeout(PATIENCE, queue.close()).await.unwrap();
    let gone = timeout(PATIENCE, async {
        while threads() > 0 {
            tokio::task::yield_now().await;
        }
    });
    assert!(gone.await.is_ok(), "{} threads are left", threads());
}
