//! Everyone who is known, as it was last read from the file of tokens, and how callers are
//! recognised.

mod page;

pub(super) use page::Credential;

use super::{
    config::AccessConfig,
    file::AccessError,
    limits::Limits,
    token::{TokenHash, is_well_formed},
};
use crate::watched::{LOOK_EVERY, WatchedFiles};
use page::Page;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// Why somebody is not recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// Neither token nor certificate.
    Missing,
    /// What was sent is no token.
    Malformed,
    /// A token of nobody.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
    /// A certificate that stands for nobody.
    Certificate,
}

impl Stranger {
    /// In one word.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Certificate => "certificate",
        }
    }
}

/// Somebody who is turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turned {
    pub(super) why: Stranger,
    /// Who it would be.
    pub(super) principal: Option<Arc<str>>,
}

impl From<Stranger> for Turned {
    fn from(why: Stranger) -> Self {
        Self {
            why,
            principal: None,
        }
    }
}

/// What a caller shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown<'a> {
    /// No token.
    Nothing,
    /// Something in a token's place that is none.
    Nonsense,
    /// A word in a token's place.
    Word(&'a [u8]),
}

/// Everyone who is known.
#[derive(Debug)]
pub(super) struct Book {
    path: PathBuf,
    usual: Limits,
    page: RwLock<Arc<Page>>,
    files: Mutex<WatchedFiles>,
}

impl Book {
    /// Reads the file of tokens.
    pub(super) fn open(path: &Path, config: &AccessConfig) -> Result<Self, AccessError> {
        let mut files = WatchedFiles::new(vec![path.to_path_buf()]);
        let usual = Limits {
            requests_per_s: config.requests_per_s,
            burst: config.burst,
            max_in_flight: config.max_in_flight,
        };
        let contents = files.look().transpose()?.unwrap_or_default();
        let page = Page::read(path, &contents.concat(), usual, &Page::default())?;
        Ok(Self {
            path: path.to_path_buf(),
            usual,
            page: RwLock::new(Arc::new(page)),
            files: Mutex::new(files),
        })
    }

    /// Who shows this. A token counts before a certificate. Every word is hashed and compared once,
    /// whatever is wrong with it, so that the time of a refusal says nothing.
    pub(super) fn recognise(
        &self,
        shown: Shown<'_>,
        certificate: Option<&str>,
    ) -> Result<Credential, Turned> {
        let page = Arc::clone(&self.page.read().unwrap_or_else(PoisonError::into_inner));
        let word = match shown {
            Shown::Word(word) => word,
            Shown::Nothing | Shown::Nonsense => &[],
        };
        let hash = TokenHash::of(word);
        // The map finds by a hash that nobody can aim at; the comparison has no short cut.
        let found = page.tokens.get_key_value(&hash);
        let same = hash.is(found.map_or(&TokenHash::of(&[]), |(kept, _)| kept));
        let found = found.filter(|_| same).map(|(_, credential)| credential);
        match (shown, found, certificate) {
            (Shown::Nonsense, ..) => Err(Stranger::Malformed.into()),
            (Shown::Word(_), Some(credential), _) => credential.state(),
            (Shown::Word(word), None, _) if is_well_formed(word) => Err(Stranger::Unknown.into()),
            (Shown::Word(_), None, _) => Err(Stranger::Malformed.into()),
            (Shown::Nothing, _, None) => Err(Stranger::Missing.into()),
            (Shown::Nothing, _, Some(name)) => match page.certificates.get(name) {
                Some(credential) => credential.state(),
                None => Err(Stranger::Certificate.into()),
            },
        }
    }

    /// Takes a file that has changed, for as long as this is polled. One that cannot be used
    /// changes nothing.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut turns = tokio::time::interval(LOOK_EVERY);
        loop {
            turns.tick().await;
            let me = Arc::clone(&self);
            // The file can lie on a slow disk.
            if let Err(error) = tokio::task::spawn_blocking(move || me.renew()).await {
                tracing::error!(%error, "the file of tokens could not be looked at");
            }
        }
    }

    /// One look at the file and at the clock.
    pub(super) fn renew(&self) {
        let before = Arc::clone(&self.page.read().unwrap_or_else(PoisonError::into_inner));
        before.end_expired();
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = files.look() else {
            return;
        };
        let taken = found
            .map_err(AccessError::from)
            .and_then(|contents| Page::read(&self.path, &contents.concat(), self.usual, &before));
        let result = if taken.is_ok() { "taken" } else { "refused" };
        metrics::counter!(
            "openassay_security_reloads_total", "what" => "tokens", "result" => result
        )
        .increment(1);
        match taken {
            Ok(page) => {
                let page = Arc::new(page);
                *self.page.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&page);
                // After the change, so that nobody comes in by what has just ended.
                before.end_what_is_gone(&page);
                tracing::info!(
                    principals = page.principals(),
                    "the file of tokens is taken"
                );
            }
            Err(error) => tracing::error!(
                %error,
                "the new file of tokens is not taken; the one before stays in use"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
