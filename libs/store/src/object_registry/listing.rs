//! What there is in a registry, for lists and for messages about what there is not.

use super::ObjectRegistry;
use crate::{ModelEntry, StoreError};
use futures::TryStreamExt;
use object_store::path::Path as Key;
use std::collections::BTreeMap;

/// How many names a message shows.
const SHOWN: usize = 10;

/// Names in a registry.
#[derive(Debug, Default)]
struct Names {
    versions: Vec<String>,
    /// The highest step of each alias.
    aliases: BTreeMap<String, u64>,
}

impl ObjectRegistry {
    /// Names of all models, or of one.
    async fn names(&self, model: Option<&str>) -> Result<BTreeMap<String, Names>, StoreError> {
        let prefix = Key::from_iter(["models"].into_iter().chain(model));
        let mut objects = self.objects.list(&prefix);
        let mut models: BTreeMap<String, Names> = BTreeMap::new();
        while let Some(meta) = objects.try_next().await? {
            let parts: Vec<_> = meta.location.parts().collect();
            let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
            match parts.as_slice() {
                ["models", name, "versions", version] => {
                    let names = models.entry((*name).to_owned()).or_default();
                    names.versions.push((*version).to_owned());
                }
                ["models", name, "aliases", alias, step] => {
                    let names = models.entry((*name).to_owned()).or_default();
                    let highest = names.aliases.entry((*alias).to_owned()).or_default();
                    *highest = (*highest).max(step.parse().unwrap_or(0));
                }
                _ => {}
            }
        }
        Ok(models)
    }

    pub(super) async fn entries(&self) -> Result<Vec<ModelEntry>, StoreError> {
        let mut entries = Vec::new();
        for (name, names) in self.names(None).await? {
            let mut entry = ModelEntry {
                name,
                ..ModelEntry::default()
            };
            for version in names.versions {
                let read = self.version(&entry.name, &version).await;
                let read = told(read, &mut entry.unreadable)?;
                entry.versions.extend(read);
            }
            entry
                .versions
                .sort_by(|a, b| (a.created_at_ms, &a.version).cmp(&(b.created_at_ms, &b.version)));
            for alias in names.aliases.into_keys() {
                let last = self.last_change(&entry.name, &alias).await;
                let last = told(last, &mut entry.unreadable)?;
                if let Some(version) = last.and_then(|last| last.version) {
                    entry.aliases.insert(alias, version);
                }
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The error for something that is not there, naming what is.
    pub(super) async fn unknown(&self, name: &str, wanted: &str) -> Result<StoreError, StoreError> {
        let Some(names) = self.names(Some(name)).await?.remove(name) else {
            let models = self.names(None).await?.into_keys().collect();
            return Ok(StoreError::NotFound {
                what: "model",
                name: name.to_owned(),
                advice: format!("; models: {}", shown(models)),
            });
        };
        let Names {
            mut versions,
            aliases,
        } = names;
        versions.sort();
        Ok(StoreError::NotFound {
            what: "version or alias",
            name: format!("{name}:{wanted}"),
            advice: format!(
                "; versions: {}; aliases: {}",
                shown(versions),
                shown(aliases.into_keys().collect())
            ),
        })
    }
}

/// Tells what cannot be read in words; other failures stay failures.
fn told<T>(
    read: Result<Option<T>, StoreError>,
    unreadable: &mut Vec<String>,
) -> Result<Option<T>, StoreError> {
    match read {
        Err(error @ StoreError::Unreadable { .. }) => {
            unreadable.push(error.to_string());
            Ok(None)
        }
        read => read,
    }
}

fn shown(names: Vec<String>) -> String {
    match names.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => {
            format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN)
        }
        _ => names.join(", "),
    }
}
