//! Leftovers of killed pushes go, and a push that runs while they go ends with a whole bundle.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod failing;
mod meddling;

use assay_core::Digest;
use assay_store::{
    BlobStore, BundleFiles, BundleRegistry, Leftovers, ObjectBlobs, ObjectRegistry, StoreError,
    VersionOrigin,
};
use bytes::Bytes;
use failing::Failing;
use futures::{FutureExt, TryStreamExt};
use meddling::{Deed, Meddling};
use object_store::{ObjectStore, memory::InMemory};
use std::{
    fs,
    sync::Arc,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Files, their list, the version.
const WRITES: usize = 6;

fn bundle_files() -> BundleFiles {
    ["model.onnx", "gate.safetensors", "bundle.json", "README.md"]
        .map(|name| (name.to_owned(), Bytes::copy_from_slice(name.as_bytes())))
        .into()
}

fn bundle() -> Digest {
    Digest::of(b"bundle")
}

async fn push(registry: &ObjectRegistry, version: &str) -> Result<(), StoreError> {
    let origin = VersionOrigin::default();
    let put = registry.put("m", version, bundle(), bundle_files(), origin);
    put.await.map(drop)
}

fn tomorrow() -> SystemTime {
    SystemTime::now() + DAY
}

async fn objects(store: &InMemory) -> usize {
    store
        .list(None)
        .try_collect::<Vec<_>>()
        .await
        .unwrap()
        .len()
}

async fn assert_whole(registry: &ObjectRegistry, version: &str) {
    let found = registry.resolve("m", version).await.unwrap();
    assert_eq!(registry.files(found.bundle).await.unwrap(), bundle_files());
}

#[tokio::test]
async fn what_a_killed_push_left_goes_when_it_is_old() {
    for writes in 1..WRITES {
        let inner = Arc::new(InMemory::new());
        let dying = ObjectRegistry::new(Arc::new(Failing::after(inner.clone(), writes)));
        push(&dying, "1").await.unwrap_err();
        let registry = ObjectRegistry::new(inner.clone());
        let yesterday = SystemTime::now() - DAY;
        let young = registry.remove_leftovers(yesterday).await.unwrap();
        assert_eq!((young.total(), objects(&inner).await), (0, writes));
        let old = registry.remove_leftovers(tomorrow()).await.unwrap();
        let expected = Leftovers {
            bundles: u64::from(writes == 5),
            files: writes.min(4) as u64,
            unfinished: 0,
        };
        assert_eq!((old, objects(&inner).await), (expected, 0));
        push(&registry, "1").await.unwrap();
        assert_whole(&registry, "1").await;
    }
}

#[tokio::test]
async fn what_a_version_needs_stays_and_a_card_that_came_second_goes() {
    let inner = Arc::new(InMemory::new());
    let registry = ObjectRegistry::new(inner.clone());
    push(&registry, "1").await.unwrap();
    let mut files = bundle_files();
    files.insert("README.md".to_owned(), Bytes::from_static(b"another card"));
    let origin = VersionOrigin::default();
    let put = registry.put("m", "2", bundle(), files, origin);
    put.await.unwrap();
    let removed = registry.remove_leftovers(tomorrow()).await.unwrap();
    let card = Leftovers {
        files: 1,
        ..Leftovers::default()
    };
    assert_eq!(removed, card);
    for version in ["1", "2"] {
        assert_whole(&registry, version).await;
    }
    assert_eq!(
        registry.remove_leftovers(tomorrow()).await.unwrap().total(),
        0
    );
}

/// Everything counts as old here: the worst moment for a push to be in the middle of its work.
#[tokio::test]
async fn a_removal_at_any_moment_of_a_push_leaves_it_whole() {
    for left_before in [0, 4, 5] {
        for moment in 0..=WRITES {
            let inner = Arc::new(InMemory::new());
            if left_before > 0 {
                let store = Arc::new(Failing::after(inner.clone(), left_before));
                push(&ObjectRegistry::new(store), "1").await.unwrap_err();
            }
            let other = ObjectRegistry::new(inner.clone());
            let deed: Deed = Box::new(move || {
                async move { other.remove_leftovers(tomorrow()).await.map(drop) }.boxed()
            });
            let store = Arc::new(Meddling::before_write(inner.clone(), moment, deed));
            push(&ObjectRegistry::new(store.clone()), "1")
                .await
                .unwrap();
            assert_eq!(store.is_done(), moment < WRITES, "{moment}");
            let registry = ObjectRegistry::new(inner);
            assert_whole(&registry, "1").await;
            registry.remove_leftovers(tomorrow()).await.unwrap();
            assert_whole(&registry, "1").await;
        }
    }
}

#[tokio::test]
async fn a_push_at_any_moment_of_a_removal_ends_whole() {
    for left_before in [4, 5] {
        let mut moments = 0;
        loop {
            let inner = Arc::new(InMemory::new());
            let dying = Arc::new(Failing::after(inner.clone(), left_before));
            push(&ObjectRegistry::new(dying), "1").await.unwrap_err();
            let other = ObjectRegistry::new(inner.clone());
            let deed: Deed = Box::new(move || async move { push(&other, "1").await }.boxed());
            let store = Arc::new(Meddling::before_delete(inner.clone(), moments, deed));
            let removing = ObjectRegistry::new(store.clone());
            removing.remove_leftovers(tomorrow()).await.unwrap();
            if !store.is_done() {
                break;
            }
            assert_whole(&ObjectRegistry::new(inner), "1").await;
            moments += 1;
        }
        assert_eq!(
            moments, left_before,
            "each leftover was removed at some time"
        );
    }
}

#[tokio::test]
async fn files_whose_writing_was_cut_off_go_when_they_are_old() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("registry");
    let registry = ObjectRegistry::local(&place).unwrap();
    push(&registry, "1").await.unwrap();
    let blobs = ObjectBlobs::local(&folder.path().join("blobs")).unwrap();
    let blob = blobs.put(Bytes::from_static(b"blob")).await.unwrap();
    let name = blob.to_string();
    let shard = folder.path().join("blobs").join(&name[..2]);
    let cut_off = [
        place.join("files").join(format!("{name}#1")),
        place.join("models/m/versions/2#3"),
        shard.join(format!("{name}#1")),
    ];
    for file in &cut_off {
        fs::write(file, b"ha").unwrap();
    }
    fs::write(place.join("notes#1.md"), b"not ours").unwrap();
    let yesterday = SystemTime::now() - DAY;
    assert_eq!(
        registry.remove_leftovers(yesterday).await.unwrap().total(),
        0
    );
    assert_eq!(blobs.remove_leftovers(yesterday).await.unwrap(), 0);
    assert!(cut_off.iter().all(|file| file.exists()));
    let removed = registry.remove_leftovers(tomorrow()).await.unwrap();
    let unfinished = Leftovers {
        unfinished: 2,
        ..Leftovers::default()
    };
    assert_eq!(removed, unfinished);
    assert_eq!(blobs.remove_leftovers(tomorrow()).await.unwrap(), 1);
    assert!(!cut_off.iter().any(|file| file.exists()));
    assert!(place.join("notes#1.md").exists());
    assert_whole(&registry, "1").await;
    assert_eq!(blobs.get(blob).await.unwrap(), "blob");
}

#[tokio::test]
async fn a_version_that_cannot_be_read_is_told_and_nothing_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let registry = ObjectRegistry::local(folder.path()).unwrap();
    push(&registry, "1").await.unwrap();
    push(&registry, "2").await.unwrap();
    let promote = registry.promote("m", "production", "1", None, "");
    promote.await.unwrap();
    fs::write(folder.path().join("models/m/versions/1"), b"{").unwrap();
    let listed = registry.list().await.unwrap();
    let versions = listed[0].versions.iter().map(|v| v.version.as_str());
    assert_eq!(versions.collect::<Vec<_>>(), ["2"]);
    assert_eq!(listed[0].aliases["production"], "1");
    let told = listed[0].unreadable.join("");
    assert!(told.contains("models/m/versions/1"), "{told}");
    let error = registry.remove_leftovers(tomorrow()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
    assert!(registry.has(bundle()).await.unwrap());
}
