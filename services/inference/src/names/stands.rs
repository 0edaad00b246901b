//! What a reference stands for by a reading of the registry.

use assay_core::Digest;
use assay_store::{ModelEntry, ModelRef, Resolved, Selector};

/// What answers under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) bundle: Digest,
    /// Name of the version; empty for a bundle that is named by its digest.
    pub(super) version: String,
}

impl Target {
    pub(super) fn of(found: Resolved) -> Self {
        let bundle = found.bundle();
        let version = match found {
            Resolved::Version(found) => found.version,
            Resolved::Bundle(_) => String::new(),
        };
        Self { bundle, version }
    }
}

/// What a reference stands for.
pub(super) enum Stands {
    For(Target),
    /// What says so cannot be read.
    Unreadable(String),
    Nowhere,
}

/// What a reference stands for by a reading of the registry.
pub(super) fn target_of(reference: &ModelRef, entries: &[ModelEntry]) -> Stands {
    let (name, selector) = match reference {
        ModelRef::Digest(digest) => {
            return Stands::For(Target {
                bundle: *digest,
                version: String::new(),
            });
        }
        ModelRef::Named { name, selector } => (name, selector),
    };
    let Some(entry) = entries.iter().find(|entry| entry.name == *name) else {
        return Stands::Nowhere;
    };
    let version = match selector {
        Selector::Alias(alias) => entry.aliases.get(alias),
        Selector::Version(version) => Some(version),
    };
    let mut versions = entry.versions.iter();
    match version.and_then(|version| versions.find(|known| known.version == *version)) {
        Some(found) => Stands::For(Target {
            bundle: found.bundle,
            version: found.version.clone(),
        }),
        None if entry.unreadable.is_empty() => Stands::Nowhere,
        None => Stands::Unreadable(entry.unreadable.join("; ")),
    }
}
