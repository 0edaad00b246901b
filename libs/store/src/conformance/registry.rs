//! The suite of registries.

use super::aliases;
use crate::{
    BundleFiles, BundleRegistry, ModelRef, ModelVersion, StoreError, VersionOrigin, resolve_ref,
};
use assay_core::Digest;
use bytes::Bytes;
use futures::future::join_all;
use std::sync::Arc;

/// Runs the suite on an empty registry.
pub async fn registry(registry: Arc<dyn BundleRegistry>) {
    assert_eq!(
        registry.list().await.unwrap(),
        [],
        "the suite needs an empty registry"
    );
    versions_never_change(&*registry).await;
    names_are_checked(&*registry).await;
    what_is_missing_is_named(&*registry).await;
    one_version_put_by_many(&registry).await;
    references_are_resolved(&*registry).await;
    aliases::suite(&registry).await;
    everything_is_listed(&*registry).await;
}

/// Files of a bundle that is told from others by a number. What they are is not looked at.
pub(super) fn files(n: u8) -> BundleFiles {
    BundleFiles::from([
        ("model.onnx".to_owned(), Bytes::from(vec![n; 1000])),
        ("bundle.json".to_owned(), Bytes::from(vec![n; 10])),
        (
            "README.md".to_owned(),
            Bytes::from_static(b"the same in all"),
        ),
    ])
}

pub(super) fn bundle(n: u8) -> Digest {
    Digest::of(&[n])
}

pub(super) async fn put(
    registry: &dyn BundleRegistry,
    name: &str,
    version: &str,
    n: u8,
) -> Result<ModelVersion, StoreError> {
    let origin = VersionOrigin {
        job: Some(format!("job {n}")),
        principal: "somebody".to_owned(),
    };
    registry
        .put(name, version, bundle(n), files(n), origin)
        .await
}

async fn versions_never_change(registry: &dyn BundleRegistry) {
    assert!(!registry.has(bundle(1)).await.unwrap());
    let first = put(registry, "basic", "1", 1).await.unwrap();
    assert_eq!(
        (first.name.as_str(), first.version.as_str()),
        ("basic", "1")
    );
    assert_eq!(first.bundle, bundle(1));
    assert_eq!(first.origin.job.as_deref(), Some("job 1"));
    assert!(registry.has(bundle(1)).await.unwrap());
    assert_eq!(registry.files(bundle(1)).await.unwrap(), files(1));
    let origin = VersionOrigin::default();
    let again = registry
        .put("basic", "1", bundle(1), files(1), origin)
        .await;
    assert_eq!(again.unwrap(), first, "a repeat gives the first entry");
    let other = put(registry, "basic", "1", 2).await.unwrap_err();
    assert!(matches!(other, StoreError::Exists { .. }), "{other}");
    assert_eq!(registry.resolve("basic", "1").await.unwrap(), first);
    let second = put(registry, "basic", "2", 1).await.unwrap();
    assert_eq!(
        second.bundle, first.bundle,
        "one bundle may have several versions"
    );
    put(registry, "other", "1", 2).await.unwrap();
    assert_eq!(registry.files(bundle(2)).await.unwrap(), files(2));
    assert_eq!(registry.resolve("basic", "1").await.unwrap(), first);
}

async fn names_are_checked(registry: &dyn BundleRegistry) {
    let long = "x".repeat(65);
    for bad in [
        "", ".", "..", "../up", "a/b", "-a", "a b", "a@b", "a:b", "ä", &long,
    ] {
        let refused = |error: StoreError| {
            assert!(
                matches!(error, StoreError::Invalid { .. }),
                "{bad:?}: {error}"
            );
        };
        refused(put(registry, bad, "1", 1).await.unwrap_err());
        refused(put(registry, "basic", bad, 1).await.unwrap_err());
        refused(registry.resolve(bad, "1").await.unwrap_err());
        refused(registry.resolve("basic", bad).await.unwrap_err());
        refused(
            registry
                .promote("basic", bad, "1", None, "")
                .await
                .unwrap_err(),
        );
        refused(registry.roll_back("basic", bad, "").await.unwrap_err());
        refused(registry.history("basic", bad).await.unwrap_err());
    }
    let error = put(registry, "basic", "production", 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    let error = registry
        .promote("basic", "2", "1", None, "")
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Invalid { .. }),
        "an alias with a version's name: {error}"
    );
}

async fn what_is_missing_is_named(registry: &dyn BundleRegistry) {
    let missing = |error: StoreError, word: &str| {
        assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error} without {word}");
    };
    missing(registry.resolve("basics", "1").await.unwrap_err(), "basic");
    missing(
        registry.resolve("basic", "3").await.unwrap_err(),
        "versions: 1, 2",
    );
    missing(
        registry.resolve("basic", "production").await.unwrap_err(),
        "production",
    );
    missing(
        registry.files(Digest::of(b"none")).await.unwrap_err(),
        "bundle",
    );
    missing(
        registry
            .promote("basic", "production", "3", None, "")
            .await
            .unwrap_err(),
        "3",
    );
    missing(
        registry
            .promote("none", "production", "1", None, "")
            .await
            .unwrap_err(),
        "none",
    );
    missing(
        registry
            .roll_back("basic", "production", "")
            .await
            .unwrap_err(),
        "production",
    );
    missing(
        registry.history("basic", "production").await.unwrap_err(),
        "production",
    );
}

async fn one_version_put_by_many(registry: &Arc<dyn BundleRegistry>) {
    let puts = (0..16).map(|n| {
        let registry = registry.clone();
        tokio::spawn(async move { put(&*registry, "race", "1", 100 + n).await })
    });
    let outcomes: Vec<_> = join_all(puts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let winners: Vec<_> = outcomes.iter().filter_map(|o| o.as_ref().ok()).collect();
    assert_eq!(winners.len(), 1, "exactly one put wins: {outcomes:?}");
    assert!(
        outcomes
            .iter()
            .all(|o| !matches!(o, Err(e) if !matches!(e, StoreError::Exists { .. }))),
        "the others are told why: {outcomes:?}"
    );
    let entry = registry.resolve("race", "1").await.unwrap();
    assert_eq!(&entry, winners[0]);
    let n = (100..116).find(|&n| bundle(n) == entry.bundle).unwrap();
    assert_eq!(registry.files(entry.bundle).await.unwrap(), files(n));
}

async fn references_are_resolved(registry: &dyn BundleRegistry) {
    put(registry, "named", "7", 7).await.unwrap();
    put(registry, "named", "8", 8).await.unwrap();
    registry
        .promote("named", "production", "7", None, "")
        .await
        .unwrap();
    registry
        .promote("named", "canary", "8", None, "")
        .await
        .unwrap();
    let found = async |text: &str| {
        let model = ModelRef::parse(text, "named").unwrap();
        resolve_ref(registry, &model).await.map(|r| r.bundle())
    };
    for (text, n) in [("", 7), ("named", 7), ("named@canary", 8), ("named:8", 8)] {
        assert_eq!(found(text).await.unwrap(), bundle(n), "{text}");
    }
    assert_eq!(found(&bundle(7).to_string()).await.unwrap(), bundle(7));
    let nothing = Digest::of(b"nothing").to_string();
    for text in [
        "named:canary",
        "named@8",
        "named:9",
        "named@beta",
        "nobody",
        &nothing,
    ] {
        let error = found(text).await.unwrap_err();
        assert!(
            matches!(error, StoreError::NotFound { .. }),
            "{text}: {error}"
        );
    }
}

async fn everything_is_listed(registry: &dyn BundleRegistry) {
    let models = registry.list().await.unwrap();
    let names: Vec<_> = models.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["aliased", "basic", "named", "other", "race"]);
    let named = &models[2];
    let versions: Vec<_> = named.versions.iter().map(|v| v.version.as_str()).collect();
    assert_eq!(versions, ["7", "8"], "oldest first");
    let aliases: Vec<_> = named
        .aliases
        .iter()
        .map(|(a, v)| (a.as_str(), v.as_str()))
        .collect();
    assert_eq!(aliases, [("canary", "8"), ("production", "7")]);
}
