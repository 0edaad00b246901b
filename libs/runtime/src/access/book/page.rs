//! One state of the file of tokens: who there is, and what becomes of those who were there before.

use super::{Stranger, Turned};
use crate::access::{
    file::{AccessError, PrincipalEntry, TokenFile},
    limits::{Limits, Meter},
    role::Role,
    token::TokenHash,
};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio_util::sync::CancellationToken;

/// Somebody who is known.
#[derive(Debug, Clone)]
pub(in crate::access) struct Principal {
    pub(in crate::access) name: Arc<str>,
    pub(in crate::access) roles: Arc<[Role]>,
    pub(in crate::access) meter: Arc<Meter>,
}

/// What somebody is recognised by.
#[derive(Debug, Clone)]
pub(in crate::access) struct Credential {
    pub(in crate::access) principal: Principal,
    /// In seconds since 1970.
    expires: Option<i64>,
    revoked: bool,
    /// Ends when this is not taken any more; requests that are open end with it.
    pub(in crate::access) lease: CancellationToken,
}

/// One state of the file.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) tokens: HashMap<TokenHash, Credential>,
    pub(super) certificates: HashMap<String, Credential>,
}

impl Page {
    pub(super) fn read(
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

    pub(super) fn principals(&self) -> usize {
        let names: BTreeSet<_> = self.credentials().map(|c| &c.principal.name).collect();
        names.len()
    }

    pub(super) fn end_expired(&self) {
        let expired = self.credentials().filter(|c| c.has_expired());
        expired.for_each(|credential| credential.lease.cancel());
    }

    pub(super) fn end_what_is_gone(&self, after: &Self) {
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

    pub(super) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= now_s())
    }

    /// Itself, if it is taken now.
    pub(super) fn state(&self) -> Result<Self, Turned> {
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

pub(super) fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 says nothing about any token.
    now.map_or(i64::MAX, |now| {
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
    })
}
