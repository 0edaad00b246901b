//! The part of the registries' suite about aliases.

use super::registry::put;
use crate::{AliasChange, BundleRegistry, StoreError};
use futures::future::join_all;
use std::{collections::BTreeSet, sync::Arc};

const NAME: &str = "aliased";

pub(super) async fn suite(registry: &Arc<dyn BundleRegistry>) {
    for n in 1..=9 {
        put(&**registry, NAME, &n.to_string(), n).await.unwrap();
    }
    moves_and_moves_back(&**registry).await;
    expectations_hold(&**registry).await;
    one_expectation_of_many_holds(registry).await;
    moves_of_many_are_one_history(registry).await;
    one_way_back_of_many(registry).await;
}

async fn target(registry: &dyn BundleRegistry, alias: &str) -> String {
    registry.resolve(NAME, alias).await.unwrap().version
}

fn versions(changes: &[AliasChange]) -> Vec<&str> {
    changes
        .iter()
        .map(|c| c.version.as_deref().unwrap())
        .collect()
}

async fn moves_and_moves_back(registry: &dyn BundleRegistry) {
    let alias = "production";
    let first = registry
        .promote(NAME, alias, "1", None, "ann")
        .await
        .unwrap();
    assert_eq!((first.step, first.version.as_deref()), (1, Some("1")));
    assert_eq!(first.principal, "ann");
    let back = registry.roll_back(NAME, alias, "ann").await.unwrap_err();
    assert!(
        matches!(back, StoreError::NotFound { .. }),
        "nothing before: {back}"
    );
    let again = registry
        .promote(NAME, alias, "1", None, "bob")
        .await
        .unwrap();
    assert_eq!(again, first, "a repeat changes nothing");
    let second = registry
        .promote(NAME, alias, "2", None, "bob")
        .await
        .unwrap();
    assert_eq!(second.step, 2);
    assert_eq!(target(registry, alias).await, "2");
    let back = registry.roll_back(NAME, alias, "ann").await.unwrap();
    assert_eq!((back.step, back.version.as_deref()), (3, Some("1")));
    assert_eq!(target(registry, alias).await, "1");
    let forth = registry.roll_back(NAME, alias, "ann").await.unwrap();
    assert_eq!((forth.step, forth.version.as_deref()), (4, Some("2")));
    assert_eq!(target(registry, alias).await, "2", "twice is back again");
    let history = registry.history(NAME, alias).await.unwrap();
    assert_eq!(versions(&history), ["1", "2", "1", "2"]);
    let steps: Vec<_> = history.iter().map(|c| c.step).collect();
    assert_eq!(steps, [1, 2, 3, 4]);
}

async fn expectations_hold(registry: &dyn BundleRegistry) {
    let alias = "expected";
    let promote = async |version, expected| {
        registry
            .promote(NAME, alias, version, Some(expected), "")
            .await
    };
    let conflict = |outcome: Result<AliasChange, StoreError>| {
        assert!(
            matches!(outcome, Err(StoreError::Conflict { .. })),
            "{outcome:?}"
        );
    };
    conflict(promote("1", Some("2")).await);
    promote("1", None).await.unwrap();
    conflict(promote("2", None).await);
    conflict(promote("2", Some("3")).await);
    promote("2", Some("1")).await.unwrap();
    assert_eq!(target(registry, alias).await, "2");
}

async fn one_expectation_of_many_holds(registry: &Arc<dyn BundleRegistry>) {
    let moves = (1..=9).map(|n| {
        let registry = registry.clone();
        tokio::spawn(async move {
            let version = n.to_string();
            registry
                .promote(NAME, "only", &version, Some(None), "")
                .await
        })
    });
    let outcomes: Vec<_> = join_all(moves)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let winners = outcomes.iter().filter(|o| o.is_ok()).count();
    assert_eq!(winners, 1, "{outcomes:?}");
    assert_eq!(registry.history(NAME, "only").await.unwrap().len(), 1);
}

async fn moves_of_many_are_one_history(registry: &Arc<dyn BundleRegistry>) {
    let moves = (1..=9).map(|n| {
        let registry = registry.clone();
        tokio::spawn(async move {
            let version = n.to_string();
            registry.promote(NAME, "busy", &version, None, "").await
        })
    });
    let outcomes: Vec<_> = join_all(moves)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let told: BTreeSet<_> = outcomes.into_iter().map(|o| o.unwrap().step).collect();
    assert_eq!(told, (1..=9).collect(), "every move has a step of its own");
    let history = registry.history(NAME, "busy").await.unwrap();
    assert_eq!(
        versions(&history)
            .into_iter()
            .collect::<BTreeSet<_>>()
            .len(),
        9
    );
    assert_eq!(target(&**registry, "busy").await, versions(&history)[8]);
}

async fn one_way_back_of_many(registry: &Arc<dyn BundleRegistry>) {
    registry.promote(NAME, "back", "1", None, "").await.unwrap();
    registry.promote(NAME, "back", "2", None, "").await.unwrap();
    let moves = (0..8).map(|_| {
        let registry = registry.clone();
        tokio::spawn(async move { registry.roll_back(NAME, "back", "").await })
    });
    for outcome in join_all(moves).await {
        let outcome = outcome.unwrap();
        let fine = matches!(outcome, Ok(_) | Err(StoreError::Conflict { .. }));
        assert!(fine, "{outcome:?}");
    }
    let history = registry.history(NAME, "back").await.unwrap();
    let expected: Vec<_> = (0..history.len()).map(|i| ["1", "2"][i % 2]).collect();
    assert_eq!(
        versions(&history),
        expected,
        "every change starts from the one before"
    );
}
