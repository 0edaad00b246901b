//! What a reference stands for by a reading of the registry.

use assay_core::Digest;
use assay_store::{ModelEntry, ModelRef, Selector};

/// What a reference stands for.
pub(super) enum Stands {
    For(Digest),
    /// What says so cannot be read.
    Unreadable(String),
    Nowhere,
}

/// What a reference stands for by a reading of the registry.
pub(super) fn bundle_of(reference: &ModelRef, entries: &[ModelEntry]) -> Stands {
    let (name, selector) = match reference {
        ModelRef::Digest(digest) => return Stands::For(*digest),
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
        Some(found) => Stands::For(found.bundle),
        None if entry.unreadable.is_empty() => Stands::Nowhere,
        None => Stands::Unreadable(entry.unreadable.join("; ")),
    }
}
