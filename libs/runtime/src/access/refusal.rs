//! What callers are told who may not do what they ask for.

use super::{
    limits::Exceeded,
    role::{self, Role},
};
use std::{collections::HashMap, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Domain of our reasons in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "openassay";

/// Nobody who is known. Always in the same words: which token is expired, revoked or not there at
/// all is nobody's business but the operator's, who reads it in the log.
pub(super) fn stranger() -> Status {
    let details = ErrorDetails::with_error_info("UNAUTHENTICATED", DOMAIN, HashMap::new());
    Status::with_error_details(
        Code::Unauthenticated,
        "this server answers only callers that it knows; send a valid token as metadata \
         `authorization: Bearer TOKEN`",
        details,
    )
}

/// Somebody who is known and may not do this.
pub(super) fn not_allowed(principal: &str, roles: &[Role], rpc: &str, needed: &[Role]) -> Status {
    let needed = role::listed(needed, " or ");
    let facts = HashMap::from([
        ("rpc".to_owned(), rpc.to_owned()),
        ("role".to_owned(), needed.clone()),
    ]);
    let details = ErrorDetails::with_error_info("ROLE_MISSING", DOMAIN, facts);
    Status::with_error_details(
        Code::PermissionDenied,
        format!(
            "{rpc} needs the role {needed}; {principal} has {}",
            role::listed(roles, ", ")
        ),
        details,
    )
}

/// An RPC about which nothing is said.
pub(super) fn unlisted() -> Status {
    let details = ErrorDetails::with_error_info("RPC_NOT_LISTED", DOMAIN, HashMap::new());
    Status::with_error_details(
        Code::PermissionDenied,
        "no role may call this RPC: it is not in this server's table of roles",
        details,
    )
}

/// More than one principal may.
pub(super) fn exceeded(principal: &str, exceeded: Exceeded) -> Status {
    let (reason, wait, message) = match exceeded {
        Exceeded::Rate(wait) => (
            "RATE_LIMITED",
            wait,
            format!("{principal} asks more often than it may"),
        ),
        Exceeded::InFlight(most, wait) => (
            "TOO_MANY_OF_ONE",
            wait,
            format!("{most} requests of {principal} are being answered already"),
        ),
    };
    // Not sooner than there is room, and in units that people read.
    let wait =
        Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)) + MILLISECOND;
    let mut details = ErrorDetails::with_retry_info(Some(wait));
    details.set_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(
        Code::ResourceExhausted,
        format!("{message}; try again in {} ms", wait.as_millis()),
        details,
    )
}

const MILLISECOND: Duration = Duration::from_millis(1);
