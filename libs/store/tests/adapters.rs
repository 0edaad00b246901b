//! The suites on a folder and on a store in memory, and what only a folder or a failing store can
//! show.

mod failing;

use assay_core::Digest;
use assay_store::{
    BlobStore, BundleFiles, BundleRegistry, ObjectBlobs, ObjectRegistry, StoreError, VersionOrigin,
    conformance,
};
use bytes::Bytes;
use failing::Failing;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path as Key};
use std::{fs, sync::Arc};

#[tokio::test(flavor = "multi_thread")]
async fn blobs_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("not/yet/there");
    let blobs = Arc::new(ObjectBlobs::local(&place).unwrap());
    let damage = async |digest: Digest| {
        let file = place
            .join(&digest.to_string()[..2])
            .join(digest.to_string());
        let mut bytes = fs::read(&file).unwrap();
        bytes[0] ^= 1;
        fs::write(&file, bytes).unwrap();
    };
    conformance::blobs(blobs, damage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_in_memory() {
    let store = Arc::new(InMemory::new());
    let blobs = Arc::new(ObjectBlobs::new(store.clone()));
    let damage = async |digest: Digest| {
        let name = digest.to_string();
        let key = Key::from_iter([&name[..2], &name]);
        store
            .put(&key, Bytes::from_static(b"other").into())
            .await
            .unwrap();
    };
    conformance::blobs(blobs, damage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    conformance::registry(Arc::new(ObjectRegistry::local(folder.path()).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_in_memory() {
    conformance::registry(Arc::new(ObjectRegistry::new(Arc::new(InMemory::new())))).await;
}

fn bundle_files() -> BundleFiles {
    ["model.onnx", "gate.safetensors", "bundle.json", "README.md"]
        .map(|name| (name.to_owned(), Bytes::copy_from_slice(name.as_bytes())))
        .into()
}

async fn put(registry: &ObjectRegistry) -> Result<(), StoreError> {
    let origin = VersionOrigin::default();
    let bundle = Digest::of(b"bundle");
    registry
        .put("m", "1", bundle, bundle_files(), origin)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_put_that_dies_halfway_leaves_no_version_and_can_be_repeated() {
    let mut died = 0;
    for writes in 0..32 {
        let inner = Arc::new(InMemory::new());
        let failing = ObjectRegistry::new(Arc::new(Failing::after(inner.clone(), writes)));
        let outcome = put(&failing).await;
        let healthy = ObjectRegistry::new(inner);
        if outcome.is_ok() {
            assert_eq!(writes, 6, "four files, their list, the version");
            break;
        }
        died += 1;
        assert_eq!(healthy.list().await.unwrap(), [], "after {writes} writes");
        if healthy.has(Digest::of(b"bundle")).await.unwrap() {
            let files = healthy.files(Digest::of(b"bundle")).await.unwrap();
            assert_eq!(files, bundle_files(), "a bundle is there as a whole");
        }
        put(&healthy).await.unwrap();
        assert_eq!(healthy.list().await.unwrap()[0].versions.len(), 1);
    }
    assert_eq!(died, 6);
}

#[tokio::test]
async fn leftovers_of_a_killed_writer_are_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = ObjectBlobs::local(folder.path()).unwrap();
    let bytes = Bytes::from_static(b"whole");
    let name = Digest::of(&bytes).to_string();
    let shard = folder.path().join(&name[..2]);
    fs::create_dir_all(&shard).unwrap();
    fs::write(shard.join(format!("{name}#1")), b"who").unwrap();
    fs::write(shard.join("foreign"), b"not ours").unwrap();
    let error = blobs.get(Digest::of(&bytes)).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    assert_eq!(blobs.list().try_collect::<Vec<_>>().await.unwrap(), []);
    let digest = blobs.put(bytes.clone()).await.unwrap();
    assert_eq!(blobs.get(digest).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_damaged_file_of_a_bundle_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let registry = ObjectRegistry::local(folder.path()).unwrap();
    put(&registry).await.unwrap();
    let file = Digest::of(b"model.onnx").to_string();
    fs::write(folder.path().join("files").join(file), b"changed").unwrap();
    let error = registry.files(Digest::of(b"bundle")).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("model.onnx"), "{error}");
}

#[tokio::test]
async fn what_one_process_puts_another_finds() {
    let folder = tempfile::tempdir().unwrap();
    let here = ObjectRegistry::local(folder.path()).unwrap();
    let there = ObjectRegistry::local(folder.path()).unwrap();
    put(&here).await.unwrap();
    there
        .promote("m", "production", "1", None, "")
        .await
        .unwrap();
    assert_eq!(here.resolve("m", "production").await.unwrap().version, "1");
}

#[test]
fn a_folder_that_cannot_be_used_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = ObjectBlobs::local(&file.join("below")).unwrap_err();
    assert!(error.to_string().contains("file/below"), "{error}");
}

#[tokio::test]
async fn a_store_that_fails_is_unavailable_and_says_why() {
    let failing: Arc<dyn ObjectStore> = Arc::new(Failing::after(Arc::new(InMemory::new()), 0));
    let error = ObjectBlobs::new(failing)
        .put(Bytes::new())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable { reason } if reason.contains("no power")),
        "{error}"
    );
}
