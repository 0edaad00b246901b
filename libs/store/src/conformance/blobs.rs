//! The suite of blob stores.

use crate::{BlobStore, StoreError};
use assay_core::Digest;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::join_all};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Runs the suite on an empty store. `damage` changes the stored bytes of a blob behind the
/// store's back.
pub async fn blobs(store: Arc<dyn BlobStore>, damage: impl AsyncFn(Digest)) {
    assert!(
        listed(&*store).await.is_empty(),
        "the suite needs an empty store"
    );
    what_was_put_is_there(&*store).await;
    missing_blobs_are_named(&*store).await;
    parts_make_one_blob_or_none(&*store).await;
    damage_is_noticed_and_mended(&*store, damage).await;
    one_blob_put_by_many(&store).await;
    age_decides_removal(&*store).await;
}

async fn what_was_put_is_there(store: &dyn BlobStore) {
    for bytes in [
        Bytes::new(),
        Bytes::from_static(b"a spectrum"),
        Bytes::from(vec![7; 1 << 20]),
    ] {
        let digest = store.put(bytes.clone()).await.unwrap();
        assert_eq!(digest, Digest::of(&bytes));
        assert_eq!(store.put(bytes.clone()).await.unwrap(), digest, "put twice");
        assert_eq!(store.get(digest).await.unwrap(), bytes);
        assert_eq!(store.size(digest).await.unwrap(), Some(bytes.len() as u64));
        for length in [0, 3, bytes.len(), bytes.len() + 1] {
            let start = store.start(digest, length).await.unwrap();
            assert_eq!(start, bytes.slice(..length.min(bytes.len())));
            let from = bytes.len() / 3;
            let part = store.part(digest, from as u64, length).await.unwrap();
            assert_eq!(part, bytes.slice(from..bytes.len().min(from + length)));
        }
        for behind in [bytes.len() as u64, bytes.len() as u64 + 1, u64::MAX] {
            assert_eq!(store.part(digest, behind, 5).await.unwrap(), Bytes::new());
        }
        store.remove(digest).await.unwrap();
        store.remove(digest).await.unwrap();
        assert_eq!(store.size(digest).await.unwrap(), None);
    }
}

async fn missing_blobs_are_named(store: &dyn BlobStore) {
    let digest = Digest::of(b"never put");
    for error in [
        store.get(digest).await.unwrap_err(),
        store.start(digest, 4).await.unwrap_err(),
        store.part(digest, 2, 4).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
    }
}

async fn parts_make_one_blob_or_none(store: &dyn BlobStore) {
    let whole: Vec<u8> = (0..11_000_000u32).map(|i| (i % 251) as u8).collect();
    let whole = Bytes::from(whole);
    let digest = Digest::of(&whole);
    let cut = |length: usize| {
        let ends = (0..whole.len()).step_by(length);
        ends.map(|from| Ok(whole.slice(from..whole.len().min(from + length))))
            .collect::<Vec<_>>()
    };
    let away = || StoreError::Unavailable {
        reason: "the parts are away".to_owned(),
    };
    let mut broken = cut(1_000_000);
    broken[9] = Err(away());
    let short = cut(1_000_000).into_iter().take(10).collect();
    for (parts, expected) in [(broken, "the parts are away"), (short, "damaged")] {
        let parts = futures::stream::iter(parts).boxed();
        let error = store.put_parts(digest, parts).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(
            listed(store).await,
            [],
            "a blob is there whole or not at all"
        );
    }
    for length in [100_000, whole.len()] {
        let parts = futures::stream::iter(cut(length)).boxed();
        store.put_parts(digest, parts).await.unwrap();
        assert_eq!(store.get(digest).await.unwrap(), whole, "parts of {length}");
    }
    let nothing = futures::stream::empty().boxed();
    store.put_parts(Digest::of(b""), nothing).await.unwrap();
    assert_eq!(store.get(Digest::of(b"")).await.unwrap(), Bytes::new());
    store.remove(Digest::of(b"")).await.unwrap();
    store.remove(digest).await.unwrap();
}

async fn damage_is_noticed_and_mended(store: &dyn BlobStore, damage: impl AsyncFn(Digest)) {
    let bytes = Bytes::from_static(b"soon damaged");
    let digest = store.put(bytes.clone()).await.unwrap();
    damage(digest).await;
    let error = store.get(digest).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Damaged { expected, .. } if expected == digest),
        "{error}"
    );
    store.put(bytes.clone()).await.unwrap();
    assert_eq!(store.get(digest).await.unwrap(), bytes, "a put mends it");
    store.remove(digest).await.unwrap();
}

async fn one_blob_put_by_many(store: &Arc<dyn BlobStore>) {
    let bytes = Bytes::from(vec![3; 100_000]);
    let puts = (0..16).map(|_| {
        let (store, bytes) = (store.clone(), bytes.clone());
        tokio::spawn(async move {
            let digest = store.put(bytes.clone()).await.unwrap();
            assert_eq!(
                store.get(digest).await.unwrap(),
                bytes,
                "whole while others put it"
            );
        })
    });
    for put in join_all(puts).await {
        put.unwrap();
    }
    assert_eq!(listed(&**store).await, [Digest::of(&bytes)]);
    store.remove(Digest::of(&bytes)).await.unwrap();
}

async fn age_decides_removal(store: &dyn BlobStore) {
    let digest = store.put(Bytes::from_static(b"new")).await.unwrap();
    let hour = Duration::from_secs(3600);
    let before = SystemTime::now() - hour;
    let after = SystemTime::now() + hour;
    let put_at = store.list().try_collect::<Vec<_>>().await.unwrap()[0].1;
    assert!(
        before < put_at && put_at < after,
        "the time of the put is told"
    );
    assert!(!store.remove_if_older(digest, before).await.unwrap());
    assert!(store.size(digest).await.unwrap().is_some());
    assert!(store.remove_if_older(digest, after).await.unwrap());
    assert!(!store.remove_if_older(digest, after).await.unwrap());
    assert_eq!(listed(store).await, []);
}

async fn listed(store: &dyn BlobStore) -> Vec<Digest> {
    let mut found: Vec<_> = store
        .list()
        .map_ok(|(digest, _)| digest)
        .try_collect()
        .await
        .unwrap();
    found.sort();
    found
}
