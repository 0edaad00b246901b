//! Who did what: one record for everything that changes what others get, and for callers who were
//! turned away. Never a token, never content.

use super::{audit_file::AuditFile, calendar};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde::Serialize;
use std::{
    net::SocketAddr,
    num::NonZeroU32,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tonic::Code;

/// Records a second about callers who were turned away: they cost nothing, and must not fill a
/// disk.
const TURNED_AWAY_PER_S: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);
/// Such records at once after a pause.
const TURNED_AWAY_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);

/// Where records go.
#[derive(Debug)]
pub(super) struct Audit {
    file: Option<AuditFile>,
    turned_away: DefaultDirectRateLimiter,
    /// Records that were left out since the last one.
    left_out: AtomicU64,
}

impl Audit {
    /// Records go to the log, and to a file where one is named.
    pub(super) fn new(file: Option<AuditFile>) -> Self {
        let quota = Quota::per_second(TURNED_AWAY_PER_S).allow_burst(TURNED_AWAY_BURST);
        Self {
            file,
            turned_away: RateLimiter::direct(quota),
            left_out: AtomicU64::new(0),
        }
    }

    fn write(&self, record: &Record, code: Code) {
        let left_out = match record.turned_away {
            None => 0,
            Some(_) if self.turned_away.check().is_err() => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Some(_) => self.left_out.swap(0, Ordering::Relaxed),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let line = Line {
            time: calendar::moment(now.map_or(0, |now| now.as_secs())).to_string(),
            principal: &record.principal,
            rpc: record.rpc,
            resource: record.resource.get().map(String::as_str),
            outcome: crate::layers::code_name(code),
            reason: record.turned_away,
            request_id: &record.request_id,
            peer: record.peer.map(|peer| peer.to_string()),
            left_out: (left_out > 0).then_some(left_out),
        };
        line.log();
        if let Some(file) = &self.file {
            file.write(&line);
        }
    }
}

/// One record, as it stands in the file.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    /// In UTC.
    time: String,
    principal: &'a str,
    /// The RPC's full name.
    rpc: &'a str,
    /// What it was about, where the request said so much.
    resource: Option<&'a str>,
    /// A gRPC code.
    outcome: &'static str,
    /// Why somebody was turned away.
    reason: Option<&'static str>,
    request_id: &'a str,
    peer: Option<String>,
    /// Records about callers turned away that were left out before this one.
    left_out: Option<u64>,
}

impl Line<'_> {
    fn log(&self) {
        let peer = self.peer.as_deref();
        if self.reason.is_some() {
            tracing::warn!(
                target: "audit",
                {
                    audit.principal = self.principal,
                    audit.rpc = self.rpc,
                    audit.outcome = self.outcome,
                    audit.reason = self.reason,
                    audit.left_out = self.left_out,
                    peer.address = peer,
                    request.id = self.request_id,
                },
                "turned away"
            );
        } else {
            tracing::info!(
                target: "audit",
                {
                    audit.principal = self.principal,
                    audit.rpc = self.rpc,
                    audit.resource = self.resource,
                    audit.outcome = self.outcome,
                    peer.address = peer,
                    request.id = self.request_id,
                },
                "acted"
            );
        }
    }
}

/// The record of one request, written when the request has ended.
#[derive(Debug)]
pub(crate) struct Record {
    pub(super) audit: Arc<Audit>,
    pub(super) principal: Arc<str>,
    pub(super) rpc: &'static str,
    pub(super) resource: Arc<OnceLock<String>>,
    /// Why the caller was turned away.
    pub(super) turned_away: Option<&'static str>,
    pub(super) request_id: String,
    pub(super) peer: Option<SocketAddr>,
}

impl Record {
    /// Writes it down.
    pub(crate) fn ended(&self, code: Code) {
        self.audit.write(self, code);
    }
}
