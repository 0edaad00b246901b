//! Who may do what: callers are recognised by a token or a client certificate, one table says what
//! each role may call, limits hold for each principal, and an audit log keeps who did what.
//! Without a file of tokens everybody may do everything.

mod audit;
mod audit_file;
mod book;
mod calendar;
mod caller;
mod config;
pub mod edit;
mod file;
mod guard;
mod limits;
mod refusal;
mod role;
mod table;
mod token;

pub use caller::Caller;
pub use config::AccessConfig;
pub use file::{AccessError, PrincipalEntry, TokenEntry, TokenFile, read_expiry};
pub use role::Role;
pub use token::{NoRandomness, PREFIX, TokenHash, generate};

pub(crate) use audit::Record;

use crate::{request::REQUEST_ID, tls::Peer};
use audit::Audit;
use audit_file::AuditFile;
use book::{Book, Shown, Turned};
use guard::LeasedBody;
use http::{HeaderMap, HeaderValue, Request, header::AUTHORIZATION};
use limits::Place;
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};
pub(crate) use table::known_rpc;
use table::{Need, Row};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};

/// Who comes where nobody is asked.
pub const ANONYMOUS: &str = "anonymous";
/// Who is not known.
const UNKNOWN: &str = "unknown";
/// What a token is sent behind (RFC 6750).
const SCHEME: &[u8] = b"bearer ";

/// The door of a server.
#[derive(Debug)]
pub(crate) struct Access {
    /// None: everybody may do everything.
    book: Option<Arc<Book>>,
    audit: Arc<Audit>,
    reflection: bool,
}

/// What is known about a request when it has come to the door.
pub(crate) struct Entered {
    /// Whether it may go on.
    pub(crate) pass: Result<Pass, Status>,
    /// Whether its RPC is one of ours, so that its name may stand in metrics.
    pub(crate) listed: bool,
    /// What is to be written down when it has ended.
    pub(crate) record: Option<Record>,
}

/// What a request holds that may go on, until its answer has ended.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    _place: Place,
    lease: Option<CancellationToken>,
}

/// Why a request may not go on.
struct Refused {
    principal: Arc<str>,
    reason: &'static str,
    status: Status,
    /// It has to stand in the audit log.
    audited: bool,
}

impl Access {
    /// A door that is open to everyone.
    pub(crate) fn for_everyone() -> Self {
        Self {
            book: None,
            audit: Arc::new(Audit::new(None)),
            reflection: true,
        }
    }

    /// Reads who there is.
    pub(crate) fn open(config: &AccessConfig) -> Result<Self, AccessError> {
        let limited = config.requests_per_s > 0.0 || config.max_in_flight > 0;
        if config.tokens.is_none() && limited {
            tracing::warn!("limits of principals need access.tokens, which is not set: none hold");
        }
        let book = match &config.tokens {
            None => None,
            Some(path) => Some(Arc::new(Book::open(path, config)?)),
        };
        let file = config.audit_file.as_deref();
        Ok(Self {
            book,
            audit: Arc::new(Audit::new(file.map(AuditFile::open).transpose()?)),
            reflection: config.reflection,
        })
    }

    /// Whether tools may ask what the interface is.
    pub(crate) const fn reflection(&self) -> bool {
        self.reflection
    }

    /// Says what an operator should know who lets others reach this.
    pub(crate) fn warn_if_open(&self, address: SocketAddr, encrypted: bool) {
        if self.book.is_none() {
            tracing::warn!(
                server.address = %address,
                "whoever reaches this address may do everything; access.tokens names who may what"
            );
        } else if !encrypted {
            tracing::warn!(
                server.address = %address,
                "tokens come to this address unencrypted; tls.certificate and tls.key change that"
            );
        }
    }

    /// Takes a file of tokens that has changed, for as long as this is polled.
    pub(crate) async fn follow(self: Arc<Self>) {
        match &self.book {
            Some(book) => Arc::clone(book).follow().await,
            None => std::future::pending().await,
        }
    }

    /// Looks at a request: who sends it, and whether they may. The token does not go further; the
    /// handler gets the [`Caller`].
    pub(crate) fn enter<B>(&self, request: &mut Request<B>) -> Entered {
        let row = table::row(request.uri().path());
        let shown = request.headers_mut().remove_all(AUTHORIZATION);
        let peer = request.extensions().get::<Peer>().cloned();
        let peer = peer.unwrap_or_default();
        let decided = self.decide(row, &shown, peer.certificate.as_deref());
        let id = request.headers().get(REQUEST_ID);
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        let record = |principal, resource, turned_away| Record {
            audit: Arc::clone(&self.audit),
            principal,
            rpc: row.map_or(UNKNOWN, |row| row.rpc),
            resource,
            turned_away,
            request_id: id.to_owned(),
            peer: peer.address,
        };
        let (pass, record) = match decided {
            Ok((caller, pass)) => {
                let audited = row.is_some_and(|row| matches!(row.need, Need::Audited(_)));
                let principal = caller.principal().into();
                let record = audited.then(|| record(principal, caller.resource(), None));
                request.extensions_mut().insert(caller);
                (Ok(pass), record)
            }
            Err(refused) => {
                metrics::counter!(
                    "openassay_access_refused_total", "reason" => refused.reason
                )
                .increment(1);
                let nothing = Arc::new(OnceLock::new());
                let record = refused
                    .audited
                    .then(|| record(refused.principal, nothing, Some(refused.reason)));
                (Err(refused.status), record)
            }
        };
        Entered {
            pass,
            listed: row.is_some(),
            record,
        }
    }

    fn decide(
        &self,
        row: Option<Row>,
        shown: &[HeaderValue],
        certificate: Option<&str>,
    ) -> Result<(Caller, Pass), Refused> {
        let Some(book) = &self.book else {
            return Ok((Caller::anonymous(), Pass::default()));
        };
        if row.is_some_and(|row| row.need == Need::Open) {
            let nobody = Caller::new(ANONYMOUS.into(), [].into());
            return Ok((nobody, Pass::default()));
        }
        let credential = book
            .recognise(word_of(shown), certificate)
            .map_err(Refused::stranger)?;
        let principal = credential.principal;
        let caller = Caller::new(Arc::clone(&principal.name), Arc::clone(&principal.roles));
        let refuse = |reason, status, audited| Refused {
            principal: Arc::clone(&principal.name),
            reason,
            status,
            audited,
        };
        let Some(row) = row else {
            return Err(refuse("unlisted", refusal::unlisted(), true));
        };
        let needed = row.need.roles().unwrap_or_default();
        if !needed.iter().any(|needed| caller.may(*needed)) {
            let status = refusal::not_allowed(&principal.name, &principal.roles, row.rpc, needed);
            return Err(refuse("role", status, true));
        }
        let place = principal.meter.enter().map_err(|exceeded| {
            let status = refusal::exceeded(&principal.name, exceeded);
            refuse(exceeded.reason(), status, false)
        })?;
        // What is written down is written down as it ended, and its answer sent.
        let lent = !matches!(row.need, Need::Audited(_));
        let pass = Pass {
            _place: place,
            lease: lent.then_some(credential.lease),
        };
        Ok((caller, pass))
    }
}

impl Pass {
    /// A body that ends when what the caller came in by is taken no more.
    pub(crate) fn lend(&self, body: Body) -> Body {
        match &self.lease {
            None => body,
            Some(lease) => Body::new(LeasedBody::new(body, lease.clone())),
        }
    }
}

impl Refused {
    fn stranger(turned: Turned) -> Self {
        Self {
            principal: turned.principal.unwrap_or_else(|| UNKNOWN.into()),
            reason: turned.why.reason(),
            status: refusal::stranger(),
            audited: true,
        }
    }
}

/// What stands behind the scheme of the one authorization that there may be.
fn word_of(shown: &[HeaderValue]) -> Shown<'_> {
    let value = match shown {
        [] => return Shown::Nothing,
        [value] => value.as_bytes(),
        _ => return Shown::Nonsense,
    };
    match value.split_at_checked(SCHEME.len()) {
        Some((scheme, word)) if scheme.eq_ignore_ascii_case(SCHEME) => Shown::Word(word),
        _ => Shown::Nonsense,
    }
}

/// Takes values out of headers.
trait RemoveAll {
    fn remove_all(&mut self, name: http::HeaderName) -> Vec<HeaderValue>;
}

impl RemoveAll for HeaderMap {
    fn remove_all(&mut self, name: http::HeaderName) -> Vec<HeaderValue> {
        match self.entry(name) {
            http::header::Entry::Occupied(entry) => entry.remove_entry_mult().1.collect(),
            http::header::Entry::Vacant(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
