//! The suite of feature caches.

use crate::FeatureCache;
use assay_core::Digest;
use bytes::Bytes;
use futures::future::join_all;
use std::sync::Arc;

/// Runs the suite on an empty cache with room for 1 MiB or more.
pub async fn cache(cache: Arc<dyn FeatureCache>) {
    let key = |n: u32| Digest::of(&n.to_le_bytes());
    let value = |n: u32| Bytes::from(vec![n as u8; 16 + n as usize]);
    assert_eq!(cache.get(&[]).await.unwrap(), []);
    assert_eq!(cache.get(&[key(1), key(2)]).await.unwrap(), [None, None]);
    cache.put(Vec::new()).await.unwrap();

    cache
        .put(vec![(key(1), value(1)), (key(3), value(3))])
        .await
        .unwrap();
    let found = cache.get(&[key(3), key(2), key(1), key(3)]).await.unwrap();
    let expected = [Some(value(3)), None, Some(value(1)), Some(value(3))];
    assert_eq!(found, expected, "answers stand in the order of the keys");

    cache.put(vec![(key(1), value(9))]).await.unwrap();
    assert_eq!(cache.get(&[key(1)]).await.unwrap(), [Some(value(9))]);
    cache.put(vec![(key(4), Bytes::new())]).await.unwrap();
    assert_eq!(cache.get(&[key(4)]).await.unwrap(), [Some(Bytes::new())]);

    let tasks = (0..16_u32).map(|task| {
        let cache = cache.clone();
        tokio::spawn(async move {
            for n in 0..64 {
                let n = 1000 + (task * 7 + n) % 64;
                cache.put(vec![(key(n), value(n % 200))]).await.unwrap();
                let found = cache.get(&[key(n)]).await.unwrap();
                let right = found == [None] || found == [Some(value(n % 200))];
                assert!(right, "a key never gives another's value");
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}
