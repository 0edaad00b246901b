//! Errors as gRPC statuses with the details that Google's error model names (`google.rpc`), and
//! statuses as errors again.

mod back;
mod facts;

pub use back::{answer_error, is_connection_lost, job_error, kind, retry_after};

use assay_core::{Classified, ErrorKind};
use facts::Facts;
use std::{error::Error, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// Who the reasons in `google.rpc.ErrorInfo` belong to.
pub const DOMAIN: &str = "openassay";

/// When it is worth asking a service again that is not available now.
pub const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);

/// What stands where the cause is a defect; the log says more.
const DEFECT: &str = "a defect of the server stopped this request; its log says more under the \
                      request's id (metadata x-request-id)";

/// Messages travel in headers, which clients limit to 8 KiB in all.
const LONGEST_MESSAGE_BYTES: usize = 1024;
const LONGEST_DESCRIPTION_BYTES: usize = 256;
const MOST_VIOLATIONS: usize = 8;

/// The status of an error: its kind as code, its message with its causes, its field and when to
/// try again where that is known. What is a defect is logged here and told to nobody.
pub fn of<E: Classified + 'static>(error: &E) -> Status {
    let message = with_causes(error);
    let kind = error.kind();
    if kind == ErrorKind::Internal {
        tracing::error!(error = message, "defect");
        return rich(Code::Internal, DEFECT, &mut ErrorDetails::new(), "INTERNAL");
    }
    let facts = Facts::of(error);
    let mut details = ErrorDetails::new();
    if let Some(field) = &facts.field {
        details.add_bad_request_violation(*field, shortened(&message, LONGEST_DESCRIPTION_BYTES));
    }
    let retry_after = facts
        .retry_after
        .or((kind == ErrorKind::Unavailable).then_some(RETRY_UNAVAILABLE));
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    details.set_error_info(facts.reason.unwrap_or(reason(kind)), DOMAIN, facts.metadata);
    let code = facts.code.unwrap_or(code(kind));
    Status::with_error_details(code, shortened(&message, LONGEST_MESSAGE_BYTES), details)
}

/// A field of the request that cannot be used: the value, what is allowed, what to do.
pub fn invalid_field(field: impl Into<String>, reason: impl Into<String>) -> Status {
    invalid_fields(vec![(field.into(), reason.into())])
}

/// Several fields that cannot be used, each with its reason.
#[must_use]
pub fn invalid_fields(faults: Vec<(String, String)>) -> Status {
    let message: Vec<_> = faults
        .iter()
        .take(MOST_VIOLATIONS)
        .map(|(field, reason)| format!("{field}: {reason}"))
        .collect();
    let violations: Vec<_> = faults
        .into_iter()
        .take(MOST_VIOLATIONS)
        .map(|(field, reason)| {
            FieldViolation::new(field, shortened(&reason, LONGEST_DESCRIPTION_BYTES))
        })
        .collect();
    let mut details = ErrorDetails::with_bad_request(violations);
    let message = message.join("; ");
    rich(
        Code::InvalidArgument,
        &message,
        &mut details,
        "INVALID_ARGUMENT",
    )
}

/// Too much waits already; worth trying again after a while.
pub fn overloaded(message: impl Into<String>, retry_after: Duration) -> Status {
    let mut details = ErrorDetails::with_retry_info(Some(retry_after));
    let code = Code::ResourceExhausted;
    rich(code, &message.into(), &mut details, "OVERLOADED")
}

/// A message that is more than may be sent at once.
pub fn too_large(message: impl Into<String>) -> Status {
    let code = Code::ResourceExhausted;
    let mut details = ErrorDetails::new();
    rich(code, &message.into(), &mut details, "MESSAGE_TOO_LARGE")
}

/// Something that the caller may not do, whoever else may.
pub fn forbidden(message: impl Into<String>) -> Status {
    let code = Code::PermissionDenied;
    let mut details = ErrorDetails::new();
    rich(code, &message.into(), &mut details, "ROLE_MISSING")
}

/// Not now; worth trying again in a second.
pub fn unavailable(message: impl Into<String>) -> Status {
    let mut details = ErrorDetails::with_retry_info(Some(RETRY_UNAVAILABLE));
    rich(
        Code::Unavailable,
        &message.into(),
        &mut details,
        "UNAVAILABLE",
    )
}

/// A defect of this program: what happened goes into the log and to nobody else.
pub fn defect(what: impl std::fmt::Display) -> Status {
    tracing::error!(error = %what, "defect");
    rich(Code::Internal, DEFECT, &mut ErrorDetails::new(), "INTERNAL")
}

/// The code of a kind.
#[must_use]
pub const fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidArgument => Code::InvalidArgument,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::FailedPrecondition => Code::FailedPrecondition,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Cancelled => Code::Cancelled,
        ErrorKind::DataLoss => Code::DataLoss,
        // A kind that is newer than this match is a defect of this crate.
        _ => Code::Internal,
    }
}

/// The kind of a code.
#[must_use]
pub const fn kind_of(code: Code) -> ErrorKind {
    match code {
        Code::InvalidArgument | Code::OutOfRange => ErrorKind::InvalidArgument,
        Code::NotFound => ErrorKind::NotFound,
        Code::AlreadyExists => ErrorKind::AlreadyExists,
        Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::PermissionDenied
        | Code::Unauthenticated => ErrorKind::FailedPrecondition,
        Code::ResourceExhausted => ErrorKind::ResourceExhausted,
        Code::Unavailable | Code::DeadlineExceeded => ErrorKind::Unavailable,
        Code::Cancelled => ErrorKind::Cancelled,
        Code::DataLoss => ErrorKind::DataLoss,
        Code::Ok | Code::Unknown | Code::Internal => ErrorKind::Internal,
    }
}

const fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidArgument => "INVALID_ARGUMENT",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::AlreadyExists => "ALREADY_EXISTS",
        ErrorKind::FailedPrecondition => "FAILED_PRECONDITION",
        ErrorKind::ResourceExhausted => "RESOURCE_EXHAUSTED",
        ErrorKind::Unavailable => "UNAVAILABLE",
        ErrorKind::Cancelled => "CANCELLED",
        ErrorKind::DataLoss => "DATA_LOSS",
        _ => "INTERNAL",
    }
}

fn rich(code: Code, message: &str, details: &mut ErrorDetails, reason: &str) -> Status {
    details.set_error_info(reason, DOMAIN, std::collections::HashMap::new());
    let message = shortened(message, LONGEST_MESSAGE_BYTES);
    Status::with_error_details(code, message, std::mem::take(details))
}

/// The message of an error and of its causes, each once: some messages hold their cause already.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

fn shortened(text: &str, longest_bytes: usize) -> String {
    if text.len() <= longest_bytes {
        return text.to_owned();
    }
    let end = (0..=longest_bytes.saturating_sub('…'.len_utf8()))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    format!("{}…", &text[..end.unwrap_or(0)])
}

#[cfg(test)]
mod tests;
