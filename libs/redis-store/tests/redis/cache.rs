//! The feature cache: the suite of its port, and a server that is emptied, full, slow or away.

use crate::{
    private::{PATIENCE, ask, durable, own},
    proxy::Proxy,
};
use assay_core::{Digest, Secret};
use assay_jobs::JobId;
use assay_redis_store::{RedisCacheOptions, RedisFeatureCache};
use assay_servers::redis::Settings;
use assay_store::{FeatureCache as _, StoreError};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

fn options(url: &str) -> RedisCacheOptions {
    RedisCacheOptions {
        url: Secret::new(url),
        prefix: format!("test-{}", JobId::new()),
        // What is slow here is the machine.
        timeout: PATIENCE,
        rest: Duration::from_millis(50),
        ..RedisCacheOptions::default()
    }
}

fn key(n: u32) -> Digest {
    Digest::of(&n.to_le_bytes())
}

async fn put(cache: &RedisFeatureCache, n: u32, value: &'static [u8]) -> Result<(), StoreError> {
    cache.put(vec![(key(n), Bytes::from_static(value))]).await
}

async fn get(cache: &RedisFeatureCache, n: u32) -> Result<Option<Bytes>, StoreError> {
    Ok(cache.get(&[key(n)]).await?.remove(0))
}

/// Asks until the cache answers.
async fn answer(cache: &RedisFeatureCache, n: u32) -> Option<Bytes> {
    let answered = async {
        loop {
            match get(cache, n).await {
                Ok(answer) => return answer,
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(PATIENCE, answered).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn does_what_every_cache_does() {
    let Some(server) = durable("the suite of caches") else {
        return;
    };
    let cache = Arc::new(RedisFeatureCache::new(&options(&server.url())));
    assay_store::conformance::cache(cache).await;
}

#[tokio::test]
async fn long_requests_go_in_parts() {
    let Some(server) = durable("long requests of a cache") else {
        return;
    };
    let cache = RedisFeatureCache::new(&options(&server.url()));
    let value = |n: u32| Bytes::from(vec![n as u8; 20_000]);
    let entries = (0..300).map(|n| (key(n), value(n))).collect();
    cache.put(entries).await.unwrap();
    let keys: Vec<Digest> = (0..301).map(key).collect();
    let found = cache.get(&keys).await.unwrap();
    for (n, found) in (0..300).zip(&found) {
        assert_eq!(*found, Some(value(n)));
    }
    assert_eq!(found[300], None);
}

#[tokio::test]
async fn values_stand_under_the_prefix_for_their_time_and_may_vanish() {
    let Some(server) = durable("values of a cache") else {
        return;
    };
    let url = server.url();
    let options = RedisCacheOptions {
        expiry: Some(Duration::from_secs(3600)),
        max_value_bytes: 4,
        ..options(&url)
    };
    let cache = RedisFeatureCache::new(&options);
    put(&cache, 1, b"one").await.unwrap();
    let name = format!("{}:features:{}", options.prefix, key(1));
    let left_ms: i64 = ask(&url, &["PTTL", &name]).await;
    assert!(left_ms > 0 && left_ms <= 3_600_000);
    let other = RedisFeatureCache::new(&self::options(&url));
    assert_eq!(get(&other, 1).await.unwrap(), None, "another prefix");

    put(&cache, 1, b"longer").await.unwrap();
    assert_eq!(
        get(&cache, 1).await.unwrap(),
        None,
        "neither the old value nor this"
    );
    let () = ask(&url, &["SET", &name, "longer"]).await;
    assert_eq!(
        get(&cache, 1).await.unwrap(),
        None,
        "nor what others put there"
    );
    put(&cache, 1, b"one").await.unwrap();
    let _: u64 = ask(&url, &["DEL", &name]).await;
    assert_eq!(get(&cache, 1).await.unwrap(), None);
}

#[tokio::test]
async fn a_cache_that_is_away_fails_at_once_and_comes_back() {
    let Some(server) = own("a cache that is away", &Settings::volatile()) else {
        return;
    };
    let cache = RedisFeatureCache::new(&options(&server.url()));
    server.kill();
    for _ in 0..20 {
        let error = get(&cache, 1).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(put(&cache, 1, b"one").await.is_err());
    }
    server.start_again().unwrap();
    assert_eq!(answer(&cache, 1).await, None);
    put(&cache, 1, b"one").await.unwrap();
    // A restart between two calls is a miss, and no failure.
    server.kill();
    server.start_again().unwrap();
    assert_eq!(get(&cache, 1).await.unwrap(), None);
}

#[tokio::test]
async fn a_slow_cache_is_given_up_and_not_asked_for_a_while() {
    let Some(server) = own("a slow cache", &Settings::volatile()) else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let hasty = RedisCacheOptions {
        timeout: Duration::from_millis(200),
        rest: PATIENCE,
        ..options(&proxy.url())
    };
    let cache = RedisFeatureCache::new(&hasty);
    let patient = RedisFeatureCache::new(&RedisCacheOptions {
        rest: Duration::from_millis(1),
        ..hasty.clone()
    });
    put(&patient, 1, b"one").await.unwrap();
    proxy.hold(true);
    let error = get(&cache, 1).await.unwrap_err();
    assert!(error.to_string().contains("in time"), "{error}");
    let asked = proxy.questions();
    for _ in 0..100 {
        let error = get(&cache, 1).await.unwrap_err();
        assert!(error.to_string().contains("not asked yet"), "{error}");
    }
    assert_eq!(proxy.questions(), asked, "nothing went to the server");
    assert!(get(&patient, 1).await.is_err());
    proxy.hold(false);
    assert_eq!(answer(&patient, 1).await, Some(Bytes::from_static(b"one")));
}

/// A full server refuses to keep more; what it has, it still gives.
#[tokio::test]
async fn a_full_cache_still_answers() {
    let settings = Settings::volatile()
        .with("maxmemory", "2mb")
        .with("maxmemory-policy", "noeviction");
    let Some(server) = own("a full cache", &settings) else {
        return;
    };
    let cache = RedisFeatureCache::new(&options(&server.url()));
    put(&cache, 1, b"one").await.unwrap();
    let long = Bytes::from(vec![7; 1 << 20]);
    let mut refused = None;
    for n in 2..10 {
        if let Err(error) = cache.put(vec![(key(n), long.clone())]).await {
            refused = Some(error.to_string());
        }
        assert_eq!(
            get(&cache, 1).await.unwrap(),
            Some(Bytes::from_static(b"one"))
        );
    }
    assert!(refused.unwrap().contains("OOM"));
}

#[tokio::test]
async fn a_cache_without_a_place_is_made_and_fails() {
    for url in ["", "http://hunter2@host", "redis://:hunter2@127.0.0.1:1"] {
        let cache = RedisFeatureCache::new(&options(url));
        let error = get(&cache, 1).await.unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(cache.get(&[]).await.unwrap(), [], "nothing is asked for");
        let shown = format!("{cache:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
