//! Aliases: numbered changes, each put only where none is. Whoever puts the next number has moved
//! the alias; everyone else sees that somebody was first.

use super::{ObjectRegistry, version_key};
use crate::{AliasChange, StoreError, check_name};
use futures::TryStreamExt;
use object_store::path::Path as Key;

/// How often a move that expects nothing tries again after somebody else's.
const TRIES: usize = 32;

fn alias_key(name: &str, alias: &str) -> Key {
    Key::from_iter(["models", name, "aliases", alias])
}

fn step_key(name: &str, alias: &str, step: u64) -> Key {
    alias_key(name, alias).join(format!("{step:020}"))
}

impl ObjectRegistry {
    /// Numbers of an alias's changes, sorted.
    pub(super) async fn steps(&self, name: &str, alias: &str) -> Result<Vec<u64>, StoreError> {
        let prefix = alias_key(name, alias);
        let mut objects = self.objects.list(&prefix);
        let mut steps = Vec::new();
        while let Some(meta) = objects.try_next().await? {
            steps.extend(meta.location.filename().and_then(|n| n.parse::<u64>().ok()));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    pub(super) async fn last_change(
        &self,
        name: &str,
        alias: &str,
    ) -> Result<Option<AliasChange>, StoreError> {
        match self.steps(name, alias).await?.last() {
            Some(&step) => self.change(name, alias, step).await.map(Some),
            None => Ok(None),
        }
    }

    async fn change(&self, name: &str, alias: &str, step: u64) -> Result<AliasChange, StoreError> {
        let found = self.read(&step_key(name, alias, step)).await?;
        found.ok_or_else(|| StoreError::Unreadable {
            what: format!("alias {alias} of model {name}"),
            reason: format!("its change {step} is missing"),
        })
    }

    /// Puts the change after `last`; `None` when somebody else was first.
    async fn put_change(
        &self,
        (name, alias): (&str, &str),
        last: Option<&AliasChange>,
        version: &str,
        principal: &str,
    ) -> Result<Option<AliasChange>, StoreError> {
        let change = AliasChange {
            step: last.map_or(1, |last| last.step.saturating_add(1)),
            version: Some(version.to_owned()),
            at_ms: self.now_ms(),
            principal: principal.to_owned(),
        };
        let key = step_key(name, alias, change.step);
        let written = self.write_new(&key, &change).await?;
        Ok(written.then_some(change))
    }

    pub(super) async fn move_alias(
        &self,
        name: &str,
        alias: &str,
        version: &str,
        expected: Option<Option<&str>>,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        check_name("model", name)?;
        check_name("alias", alias)?;
        check_name("version", version)?;
        if self
            .objects
            .head(&version_key(name, version))
            .await?
            .is_none()
        {
            return Err(self.unknown(name, version).await?);
        }
        if self
            .objects
            .head(&version_key(name, alias))
            .await?
            .is_some()
        {
            return Err(StoreError::Invalid {
                field: "alias",
                value: alias.to_owned(),
                allowed: "a name that is no version of this model".to_owned(),
            });
        }
        for _ in 0..TRIES {
            let last = self.last_change(name, alias).await?;
            let current = last.as_ref().and_then(|last| last.version.as_deref());
            if expected.is_some_and(|expected| expected != current) {
                return Err(conflict(name, alias));
            }
            if let Some(last) = last.as_ref().filter(|_| current == Some(version)) {
                return Ok(last.clone());
            }
            let put = self.put_change((name, alias), last.as_ref(), version, principal);
            match put.await? {
                Some(change) => return Ok(change),
                None if expected.is_some() => break,
                None => {}
            }
        }
        Err(conflict(name, alias))
    }

    pub(super) async fn move_alias_back(
        &self,
        name: &str,
        alias: &str,
        principal: &str,
    ) -> Result<AliasChange, StoreError> {
        let changes = self.changes(name, alias).await?;
        let before = changes.iter().rev().nth(1);
        let Some(version) = before.and_then(|change| change.version.as_deref()) else {
            return Err(StoreError::NotFound {
                what: "earlier version of alias",
                name: format!("{name}@{alias}"),
                advice: "; it was never moved, promote a version instead".to_owned(),
            });
        };
        let put = self.put_change((name, alias), changes.last(), version, principal);
        put.await?.ok_or_else(|| conflict(name, alias))
    }

    pub(super) async fn changes(
        &self,
        name: &str,
        alias: &str,
    ) -> Result<Vec<AliasChange>, StoreError> {
        check_name("model", name)?;
        check_name("alias", alias)?;
        let mut changes = Vec::new();
        for step in self.steps(name, alias).await? {
            changes.push(self.change(name, alias, step).await?);
        }
        if changes.is_empty() {
            return Err(self.unknown(name, alias).await?);
        }
        Ok(changes)
    }
}

fn conflict(name: &str, alias: &str) -> StoreError {
    StoreError::Conflict {
        what: "alias",
        name: format!("{name}@{alias}"),
    }
}
