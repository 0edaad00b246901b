//! The look at a server before it is trusted with jobs.

use crate::private::{PATIENCE, ask, durable, job, log_holds, logged, options, own, store};
use assay_core::Secret;
use assay_jobs::{Beat, FencingToken, JobError, JobFilter, JobStore as _, Lane, Outcome};
use assay_redis_store::{RedisJobStore, RedisOptions};
use assay_servers::redis::Settings;
use std::time::Duration;
use tokio::time::{sleep, timeout};

async fn refusal(options: &RedisOptions) -> String {
    let error = RedisJobStore::connect(options.clone()).await.unwrap_err();
    assert!(matches!(error, JobError::Unavailable { .. }), "{error}");
    error.to_string()
}

async fn set(url: &str, name: &str, value: &str) {
    let () = ask(url, &["CONFIG", "SET", name, value]).await;
}

#[tokio::test]
async fn each_wrong_setting_is_named_with_its_value_and_what_is_wanted() {
    let Some(server) = own("wrong settings", &Settings::durable()) else {
        return;
    };
    let url = server.url();
    let options = options(&url);
    for (name, wrong, wanted) in [
        ("appendonly", "no", "yes"),
        ("appendfsync", "everysec", "always"),
        ("no-appendfsync-on-rewrite", "yes", "no"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ] {
        set(&url, name, wrong).await;
        let words = refusal(&options).await;
        let named = format!("{name} is {wrong:?} (wanted: {wanted:?})");
        assert!(words.contains(&named), "{words}");
        assert!(words.contains("storage.allow_volatile_jobs"), "{words}");
        assert_eq!(words.matches("wanted").count(), 1, "{words}");
        set(&url, name, wanted).await;
    }
    let keys: Vec<String> = ask(&url, &["KEYS", "*"]).await;
    assert_eq!(keys, [""; 0], "nothing was written there");
    let store = store(&options).await;
    store.submit(job(), 1).await.unwrap();
}

#[tokio::test]
async fn everything_wrong_is_told_at_once_and_can_be_accepted() {
    let Some(server) = own("a volatile server", &Settings::volatile()) else {
        return;
    };
    let options = options(&server.url());
    let words = refusal(&options).await;
    for name in ["appendonly", "appendfsync"] {
        assert!(words.contains(name), "{words}");
    }
    let accepting = RedisOptions {
        allow_volatile: true,
        ..options
    };
    let store = store(&accepting).await;
    let id = store.submit(job(), 1).await.unwrap().record.id;
    server.kill();
    server.start_again().unwrap();
    let gone = store.get(id).await;
    assert!(matches!(gone, Err(JobError::NotFound(_))), "{gone:?}");
    let port = server.port().to_string();
    let empty = [port.as_str(), "came back empty"];
    assert!(log_holds(&empty), "{}", logged(&port));
}

#[tokio::test]
async fn a_replica_is_refused() {
    let (Some(primary), Some(replica)) =
        (durable("a replica"), own("a replica", &Settings::durable()))
    else {
        return;
    };
    let port = primary.port().to_string();
    let () = ask(&replica.url(), &["REPLICAOF", "127.0.0.1", &port]).await;
    let words = refusal(&options(&replica.url())).await;
    assert!(
        words.contains("its role is slave (wanted: master)"),
        "{words}"
    );
}

#[tokio::test]
async fn settings_that_may_not_be_read_are_not_trusted() {
    let Some(server) = own("settings that may not be read", &Settings::durable()) else {
        return;
    };
    let url = server.url();
    let all = [
        "ACL", "SETUSER", "limited", "on", ">hunter2", "~*", "&*", "+@all",
    ];
    let limited = RedisOptions {
        url: Secret::new(url.replace("redis://", "redis://limited:hunter2@")),
        ..options(&url)
    };
    for (rule, word) in [("-config", "CONFIG GET"), ("-role", "ROLE")] {
        let () = ask(&url, &[&all[..], &[rule]].concat()).await;
        let words = refusal(&limited).await;
        for part in [word, "permissions", "storage.allow_volatile_jobs"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let accepting = RedisOptions {
            allow_volatile: true,
            ..limited.clone()
        };
        store(&accepting).await;
    }
    let () = ask(&url, &[&all[..], &["+config", "+role", "-xadd"]].concat()).await;
    let words = refusal(&limited).await;
    assert!(words.contains("XADD is refused"), "{words}");
    let pattern = format!("{{{}}}:*", limited.prefix);
    let keys: Vec<String> = ask(&url, &["KEYS", &pattern]).await;
    assert_eq!(
        keys,
        [format!("{{{}}}:meta", limited.prefix)],
        "nothing is left"
    );
    let () = ask(&url, &[&all[..], &["+xadd"]].concat()).await;
    store(&limited).await;
}

/// What the documentation of the store says that a user needs.
const NEEDED: [&str; 22] = [
    "config|get",
    "role",
    "time",
    "evalsha",
    "script|load",
    "subscribe",
    "publish",
    "get",
    "set",
    "del",
    "hget",
    "hmget",
    "hset",
    "hstrlen",
    "hincrby",
    "xadd",
    "xtrim",
    "xrange",
    "zadd",
    "zrem",
    "zrangebyscore",
    "zrevrangebylex",
];

#[tokio::test]
async fn a_user_needs_only_what_is_documented() {
    let Some(server) = own("a user of its own", &Settings::durable()) else {
        return;
    };
    let url = server.url();
    let own = RedisOptions {
        url: Secret::new(url.replace("redis://", "redis://jobs:hunter2@")),
        poll: PATIENCE,
        ..options(&url)
    };
    let place = format!("{{{}}}:*", own.prefix);
    let (keys, channels) = (format!("~{place}"), format!("&{place}"));
    let mut rules = vec![
        "ACL",
        "SETUSER",
        "jobs",
        "on",
        ">hunter2",
        &keys,
        "resetchannels",
    ];
    rules.push(&channels);
    let needed: Vec<String> = NEEDED.iter().map(|command| format!("+{command}")).collect();
    rules.extend(needed.iter().map(String::as_str));
    let () = ask(&url, &rules).await;
    let store = store(&own).await;
    let keyed = crate::private::keyed("k");
    let id = store.submit(keyed.clone(), 1).await.unwrap().record.id;
    assert!(!store.submit(keyed, 1).await.unwrap().created);
    let watching = {
        let store = store.clone();
        tokio::spawn(async move { store.events(id, 1, PATIENCE).await })
    };
    let second = Duration::from_secs(1);
    assert_eq!(
        store
            .sweep(Duration::ZERO, second)
            .await
            .unwrap()
            .to_publish
            .len(),
        1
    );
    store.claim(id, "w", second).await.unwrap();
    store
        .beat(id, FencingToken(1), Beat::default(), 100 * second)
        .await
        .unwrap();
    assert_eq!(watching.await.unwrap().unwrap().len(), 1);
    store
        .finish(id, FencingToken(1), Outcome::Cancelled)
        .await
        .unwrap();
    let page = store.list(&JobFilter::default(), None, 5).await.unwrap();
    assert_eq!(page.records.len(), 1);
    assert_eq!(store.counts(Lane::Identify).await.unwrap().running, 0);
    let sweep = store.sweep(Duration::ZERO, Duration::ZERO).await.unwrap();
    assert_eq!(sweep.removed, [id]);
}

#[tokio::test]
async fn a_server_that_becomes_volatile_is_refused_until_it_is_durable_again() {
    let Some(server) = own("a server that becomes volatile", &Settings::durable()) else {
        return;
    };
    let url = server.url();
    let store = store(&options(&url)).await;
    store.submit(job(), 10).await.unwrap();
    let again = async || {
        let _: u64 = ask(&url, &["CLIENT", "KILL", "TYPE", "normal"]).await;
    };
    set(&url, "appendfsync", "no").await;
    again().await;
    for _ in 0..3 {
        let error = store.submit(job(), 10).await.unwrap_err().to_string();
        assert!(error.contains("appendfsync is \"no\""), "{error}");
        assert!(store.counts(Lane::Identify).await.is_err());
    }
    let port = server.port().to_string();
    let log = logged(&port);
    assert_eq!(log.matches("has become volatile").count(), 1, "{log}");

    set(&url, "appendfsync", "always").await;
    let works = async {
        while store.submit(job(), 10).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, works).await.unwrap();
    assert_eq!(store.counts(Lane::Identify).await.unwrap().queued, 2);
}

#[tokio::test]
async fn what_others_wrote_there_is_left_as_it_is() {
    let Some(server) = durable("what others wrote") else {
        return;
    };
    let url = server.url();
    let later = options(&url);
    let meta = format!("{{{}}}:meta", later.prefix);
    let _: u64 = ask(&url, &["HSET", &meta, "format", "2"]).await;
    let error = RedisJobStore::connect(later.clone()).await.unwrap_err();
    assert!(matches!(error, JobError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("its format is 2"), "{error}");
    let keys: Vec<String> = ask(&url, &["KEYS", &format!("{{{}}}:*", later.prefix)]).await;
    assert_eq!(keys, [meta]);

    let others = options(&url);
    let meta = format!("{{{}}}:meta", others.prefix);
    let () = ask(&url, &["SET", &meta, "a letter to a friend"]).await;
    let error = RedisJobStore::connect(others).await.unwrap_err();
    assert!(matches!(error, JobError::Damaged { .. }), "{error}");
    let kept: String = ask(&url, &["GET", &meta]).await;
    assert_eq!(kept, "a letter to a friend");
}
