//! The words by which people and programs name a model, and what they stand for at a moment.

use crate::{BundleRegistry, ModelVersion, PRODUCTION, StoreError, check_name};
use assay_core::Digest;
use std::fmt;

/// What the text is called in every request.
const FIELD: &str = "model";

/// Characters of a text that are shown in an error.
const LONGEST_SHOWN: usize = 80;

/// Which version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The one an alias points to.
    Alias(String),
    /// One version for ever.
    Version(String),
}

/// A model as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelRef {
    /// A bundle by its digest.
    Digest(Digest),
    /// A version of a named model.
    Named {
        /// Name of the model.
        name: String,
        /// Which version.
        selector: Selector,
    },
}

impl ModelRef {
    /// Reads `name` (its alias production), `name@alias`, `name:version`, a bundle's digest of 64
    /// hexadecimal digits, or an empty text for `default_name` (its alias production).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] of the field `model` when a part is no name.
    pub fn parse(text: &str, default_name: &str) -> Result<Self, StoreError> {
        Self::parts(text, default_name).map_err(|error| match error {
            // A part is no field of its own to those who asked.
            StoreError::Invalid { field, allowed, .. } if field != FIELD => StoreError::Invalid {
                field: FIELD,
                value: text.chars().take(LONGEST_SHOWN).collect(),
                allowed: format!("NAME, NAME@ALIAS, NAME:VERSION, each part {allowed}"),
            },
            other => other,
        })
    }

    fn parts(text: &str, default_name: &str) -> Result<Self, StoreError> {
        if let Ok(digest) = text.parse() {
            return Ok(Self::Digest(digest));
        }
        let (name, selector) = match text.split_once(['@', ':']) {
            None => {
                let name = if text.is_empty() { default_name } else { text };
                (name, Selector::Alias(PRODUCTION.to_owned()))
            }
            Some((name, part)) if text.as_bytes().get(name.len()) == Some(&b'@') => {
                check_name("alias", part)?;
                (name, Selector::Alias(part.to_owned()))
            }
            Some((name, part)) => {
                check_name("version", part)?;
                (name, Selector::Version(part.to_owned()))
            }
        };
        check_name(FIELD, name)?;
        Ok(Self::Named {
            name: name.to_owned(),
            selector,
        })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Named { name, selector } => match selector {
                Selector::Alias(alias) => write!(f, "{name}@{alias}"),
                Selector::Version(version) => write!(f, "{name}:{version}"),
            },
        }
    }
}

/// What a reference stood for when it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A version of a named model.
    Version(ModelVersion),
    /// A bundle that was named by its digest.
    Bundle(Digest),
}

impl Resolved {
    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> Digest {
        match self {
            Self::Version(version) => version.bundle,
            Self::Bundle(digest) => *digest,
        }
    }
}

/// What a reference stands for now.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such model, version, alias or bundle.
pub async fn resolve_ref(
    registry: &dyn BundleRegistry,
    model: &ModelRef,
) -> Result<Resolved, StoreError> {
    let (name, selector) = match model {
        ModelRef::Digest(digest) if registry.has(*digest).await? => {
            return Ok(Resolved::Bundle(*digest));
        }
        ModelRef::Digest(digest) => {
            return Err(StoreError::NotFound {
                what: "bundle",
                name: digest.to_string(),
                advice: "; put it into the registry first".to_owned(),
            });
        }
        ModelRef::Named { name, selector } => (name, selector),
    };
    // No alias has the name of a version, so the answer tells which of the two was found.
    let (what, wanted, alias) = match selector {
        Selector::Alias(alias) => ("alias", alias, true),
        Selector::Version(version) => ("version", version, false),
    };
    let found = registry.resolve(name, wanted).await?;
    if (found.version == *wanted) != alias {
        return Ok(Resolved::Version(found));
    }
    let other = if alias { "version" } else { "alias" };
    Err(StoreError::NotFound {
        what,
        name: model.to_string(),
        advice: format!("; {wanted:?} is a {other} of this model"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, selector: Selector) -> ModelRef {
        ModelRef::Named {
            name: name.to_owned(),
            selector,
        }
    }

    #[test]
    fn every_form_is_read() {
        let alias = |a: &str| Selector::Alias(a.to_owned());
        let version = |v: &str| Selector::Version(v.to_owned());
        let digest = Digest::of(b"x");
        for (text, expected) in [
            ("", named("default", alias("production"))),
            ("pgaa", named("pgaa", alias("production"))),
            ("pgaa@canary", named("pgaa", alias("canary"))),
            ("pgaa:1.0", named("pgaa", version("1.0"))),
            (&digest.to_string(), ModelRef::Digest(digest)),
        ] {
            let read = ModelRef::parse(text, "default").unwrap();
            assert_eq!(read, expected, "{text}");
            let again = ModelRef::parse(&read.to_string(), "other").unwrap();
            assert_eq!(again, expected);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for bad in [
            "@a", ":1", "a@", "a:", "a@b@c", "a:b:c", "a@b:c", "a b", "../x", "a/b",
        ] {
            let error = ModelRef::parse(bad, "default").unwrap_err();
            assert!(error.to_string().starts_with("model is "), "{error}");
        }
    }
}
