//! Watchers hear of what other processes change: by messages, after a lost subscription, and
//! without any message.

use crate::private::{PATIENCE, ask, durable, job, options, own, store};
use assay_core::Secret;
use assay_jobs::{JobId, JobStore as _};
use assay_redis_store::{RedisJobStore, RedisOptions};
use assay_servers::redis::Settings;
use std::time::Duration;
use tokio::time::timeout;

const LEASE: Duration = Duration::from_secs(30);

/// Whether a watcher of one store hears of a change by another.
async fn hears(watcher: &RedisJobStore, other: &RedisJobStore, disturb: impl AsyncFn()) {
    let id = other.submit(job(), u64::MAX).await.unwrap().record.id;
    let watching = {
        let watcher = watcher.clone();
        tokio::spawn(async move { watcher.events(id, 1, 10 * PATIENCE).await })
    };
    // Whether it waits already or not, it must hear of it.
    tokio::task::yield_now().await;
    disturb().await;
    other.claim(id, "w", LEASE).await.unwrap();
    let events = timeout(PATIENCE, watching).await.unwrap().unwrap().unwrap();
    assert_eq!((events.len(), events[0].sequence), (1, 2));
}

/// Options of a watcher that would look again by itself only after the test.
fn by_messages(url: &str) -> RedisOptions {
    RedisOptions {
        poll: Duration::from_secs(600),
        ..options(url)
    }
}

#[tokio::test]
async fn changes_by_others_are_told() {
    let Some(server) = durable("news by messages") else {
        return;
    };
    let options = by_messages(&server.url());
    let (watcher, other) = (store(&options).await, store(&options).await);
    for _ in 0..5 {
        hears(&watcher, &other, async || {}).await;
    }
}

#[tokio::test]
async fn a_lost_subscription_comes_back() {
    let Some(server) = own("a lost subscription", &Settings::durable()) else {
        return;
    };
    let url = server.url();
    let options = by_messages(&url);
    let (watcher, other) = (store(&options).await, store(&options).await);
    for _ in 0..5 {
        let cut = async || {
            let _: u64 = ask(&url, &["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        };
        hears(&watcher, &other, cut).await;
    }
}

#[tokio::test]
async fn a_watcher_without_messages_looks_by_itself() {
    let Some(server) = durable("a watcher without messages") else {
        return;
    };
    let url = server.url();
    let user = JobId::new().to_string();
    let rules = [
        "ACL",
        "SETUSER",
        &user,
        "on",
        "nopass",
        "~*",
        "+@all",
        "resetchannels",
    ];
    let () = ask(&url, &rules).await;
    let options = RedisOptions {
        poll: Duration::from_millis(20),
        ..options(&url)
    };
    let deaf = RedisOptions {
        url: Secret::new(url.replace("redis://", &format!("redis://{user}:any@"))),
        ..options.clone()
    };
    let (watcher, other) = (store(&deaf).await, store(&options).await);
    hears(&watcher, &other, async || {}).await;
    // And it changes jobs although it may tell nobody.
    hears(&other, &watcher, async || {}).await;
    let _: u64 = ask(&url, &["ACL", "DELUSER", &user]).await;
}
