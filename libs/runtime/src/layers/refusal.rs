//! Answers of the server itself, in place of a handler's.

use http::{HeaderMap, Response, StatusCode, header::CONTENT_TYPE};
use std::{collections::HashMap, time::Duration};
use tonic::{Code, Status, body::Body};
use tonic_types::{ErrorDetails, StatusExt};

/// Domain of our reasons in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "openassay";
/// When it is worth trying again once the server is full.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How tonic begins its message about a request above a size limit, for which it uses another code.
const TONIC_REQUEST_TOO_LARGE: &str = "Error, decoded message length too large";
/// The same about an answer.
const TONIC_ANSWER_TOO_LARGE: &str = "Error, encoded message length too large";

/// What every request of gRPC says that it is; a format of its messages may follow.
const GRPC: &str = "application/grpc";

/// A request that does not say that it is one of gRPC is refused in the words of HTTP: whoever
/// sent it does not read those of gRPC. `None` for one that says so.
pub(super) fn foreign(headers: &HeaderMap) -> Option<Response<Body>> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    let format = kind.strip_prefix(GRPC);
    if format.is_some_and(|format| format.is_empty() || format.starts_with(['+', ';'])) {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Some(response)
}

/// More requests at a time than may be.
pub(super) fn overloaded(max_in_flight: usize) -> Status {
    let mut details = ErrorDetails::with_retry_info(Some(RETRY_AFTER));
    details.set_error_info("TOO_MANY_REQUESTS", DOMAIN, HashMap::new());
    Status::with_error_details(
        Code::ResourceExhausted,
        format!(
            "{max_in_flight} requests are being answered already; try again in {} s",
            RETRY_AFTER.as_secs()
        ),
        details,
    )
}

/// A message above the size limit.
pub(super) fn too_large(length: usize, limit: usize) -> Status {
    refuse_size(&format!(
        "a message of {length} bytes is larger than the {limit} bytes that are allowed; send less \
         at once"
    ))
}

/// tonic's own refusal of a large message under the code that gRPC has for it; `None` when the
/// status is about something else.
pub(super) fn larger_name(status: &Status) -> Option<Status> {
    if status.code() != Code::OutOfRange {
        return None;
    }
    let message = status.message();
    if let Some(sizes) = message.strip_prefix(TONIC_ANSWER_TOO_LARGE) {
        return Some(refuse_size(&format!(
            "the answer is too large{sizes}; ask for fewer rows or less at once"
        )));
    }
    message
        .starts_with(TONIC_REQUEST_TOO_LARGE)
        .then(|| refuse_size(message))
}

fn refuse_size(message: &str) -> Status {
    let details = ErrorDetails::with_error_info("MESSAGE_TOO_LARGE", DOMAIN, HashMap::new());
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// A handler panicked.
pub(super) fn panicked() -> Status {
    let details = ErrorDetails::with_error_info("DEFECT", DOMAIN, HashMap::new());
    Status::with_error_details(
        Code::Internal,
        "this is a defect of the server; its log tells more under the request's x-request-id",
        details,
    )
}

/// The process ends before the answer was there.
pub(super) fn ending() -> Status {
    let mut details = ErrorDetails::with_retry_info(Some(RETRY_AFTER));
    details.set_error_info("SHUTTING_DOWN", DOMAIN, HashMap::new());
    Status::with_error_details(
        Code::Unavailable,
        "the server is shutting down; try again elsewhere",
        details,
    )
}

/// What the reader of a request is told when the answer is out before the request has ended.
pub(super) fn answered() -> Status {
    Status::cancelled("the request was answered before its end")
}

/// The time of the request is over.
pub(super) fn expired() -> Status {
    Status::deadline_exceeded("the deadline of the request has passed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grpc_is_taken() {
        let taken = |kind: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]);
            foreign(&headers).is_none()
        };
        for kind in [
            "application/grpc",
            "application/grpc+proto",
            "Application/gRPC; x=y",
        ] {
            assert!(taken(kind), "{kind}");
        }
        for kind in [
            "",
            "text/html",
            "application/grpc-web",
            "application/grpcs",
            "x application/grpc",
        ] {
            assert!(!taken(kind), "{kind}");
        }
        let refused = foreign(&HeaderMap::new()).unwrap();
        assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
