//! Everyone who is known, as it was last read from the file of tokens, and how callers are
//! recognised.

use super::{
    config::AccessConfig,
    file::{AccessError, PrincipalEntry, TokenFile},
    limits::{Limits, Meter},
    role::Role,
    token::{TokenHash, is_well_formed},
};
use crate::watched::{LOOK_EVERY, WatchedFiles};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio_util::sync::CancellationToken;

/// Somebody who is known.
#[derive(Debug, Clone)]
pub(super) struct Principal {
    pub(super) name: Arc<str>,
    pub(super) roles: Arc<[Role]>,
    pub(super) meter: Arc<Meter>,
}

/// What somebody is recognised by.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) principal: Principal,
    /// In seconds since 1970.
    expires: Option<i64>,
    revoked: bool,
    /// Ends when this is not taken any more; requests that are open end with it.
    pub(super) lease: CancellationToken,
}

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

/// One state of the file.
#[derive(Debug, Default)]
struct Page {
    tokens: HashMap<TokenHash, Credential>,
    certificates: HashMap<String, Credential>,
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

impl Page {
    fn read(
        path: &Path,
        content: &[u8],
        usual: Limits,
        before: &Self,
    ) -> Result<Self, AccessError> {
        let text = std::str::from_utf8(content).map_err(|_| AccessError::Form {
            path: path.to_path_buf(),
            reason: "it is no text in UTF-8".to_owned(),
        })?;
        let file = TokenFile::parse(path.to_path_buf(), text)?;
        let mut page = Self::default();
        for entry in file.principal {
            page.add(entry, usual, before);
        }
        Ok(page)
    }

    fn add(&mut self, entry: PrincipalEntry, usual: Limits, before: &Self) {
        let limits = Limits {
            requests_per_s: entry.requests_per_s.unwrap_or(usual.requests_per_s),
            burst: entry.burst.unwrap_or(usual.burst),
            max_in_flight: entry.max_in_flight.unwrap_or(usual.max_in_flight),
        };
        // What somebody has used up is not forgiven when the file changes.
        let meter = before
            .meter_of(&entry.name)
            .filter(|m| m.limits() == limits);
        let principal = Principal {
            name: entry.name.into(),
            roles: entry.roles.into(),
            meter: meter.unwrap_or_else(|| Arc::new(Meter::new(limits))),
        };
        for token in entry.token {
            let earlier = before.tokens.get(&token.hash);
            let new = Credential::new(&principal, token.expires, token.revoked, earlier);
            self.tokens.insert(token.hash, new);
        }
        if let Some(name) = entry.certificate {
            let earlier = before.certificates.get(&name);
            let new = Credential::new(&principal, None, false, earlier);
            self.certificates.insert(name, new);
        }
    }

    fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.tokens.values().chain(self.certificates.values())
    }

    fn meter_of(&self, name: &str) -> Option<Arc<Meter>> {
        let of_name = |c: &&Credential| *c.principal.name == *name;
        let found = self.credentials().find(of_name)?;
        Some(Arc::clone(&found.principal.meter))
    }

    fn principals(&self) -> usize {
        let names: std::collections::BTreeSet<_> =
            self.credentials().map(|c| &c.principal.name).collect();
        names.len()
    }

    fn end_expired(&self) {
        let expired = self.credentials().filter(|c| c.has_expired());
        expired.for_each(|credential| credential.lease.cancel());
    }

    fn end_what_is_gone(&self, after: &Self) {
        let gone = |kept: Option<&Credential>, before: &Credential| {
            kept.is_none_or(|kept| kept.revoked || !kept.goes_on_from(before))
        };
        for (hash, before) in &self.tokens {
            if gone(after.tokens.get(hash), before) {
                before.lease.cancel();
            }
        }
        for (name, before) in &self.certificates {
            if gone(after.certificates.get(name), before) {
                before.lease.cancel();
            }
        }
    }
}

impl Credential {
    fn new(
        principal: &Principal,
        expires: Option<i64>,
        revoked: bool,
        earlier: Option<&Self>,
    ) -> Self {
        let mut new = Self {
            principal: principal.clone(),
            expires,
            revoked,
            lease: CancellationToken::new(),
        };
        if let Some(earlier) = earlier.filter(|earlier| new.goes_on_from(earlier)) {
            new.lease = earlier.lease.clone();
        }
        new
    }

    /// Whether requests that came in by the earlier one may go on by this one.
    fn goes_on_from(&self, earlier: &Self) -> bool {
        let same = |a: &Principal, b: &Principal| a.name == b.name && a.roles == b.roles;
        same(&self.principal, &earlier.principal)
            && !earlier.lease.is_cancelled()
            && !earlier.revoked
    }

    fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= now_s())
    }

    /// Itself, if it is taken now.
    fn state(&self) -> Result<Self, Turned> {
        let why = match (self.revoked, self.has_expired()) {
            (true, _) => Stranger::Revoked,
            (false, true) => Stranger::Expired,
            (false, false) => return Ok(self.clone()),
        };
        Err(Turned {
            why,
            principal: Some(Arc::clone(&self.principal.name)),
        })
    }
}

fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 says nothing about any token.
    now.map_or(i64::MAX, |now| {
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests;
