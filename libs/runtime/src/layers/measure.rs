//! Counts and times one request, from its arrival to the last byte of its answer, and logs its
//! end once.

use super::call::{Call, UNKNOWN};
use crate::access::Record;
use http::Response;
use metrics::{Counter, Gauge};
use std::time::Duration;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tracing::Span;

/// One request under measurement. Dropping it ends the measurement: without a known code, the
/// caller has gone away.
pub(super) struct Measure {
    call: Call,
    begun: Instant,
    deadline: Option<Instant>,
    code: Option<Code>,
    in_flight: Gauge,
    /// What is written down at the end, for the audit log.
    record: Option<Record>,
    /// The request's, for the log: the measurement ends anywhere.
    span: Span,
}

impl Measure {
    pub(super) fn begin(call: Call) -> Self {
        let in_flight = metrics::gauge!("openassay_rpc_in_flight", "service" => call.service);
        in_flight.increment(1);
        Self {
            call,
            begun: Instant::now(),
            deadline: None,
            code: None,
            in_flight,
            record: None,
            span: Span::current(),
        }
    }

    /// Keeps the deadline, to tell it from a caller who left.
    pub(super) fn deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Keeps what is to be written down at the end.
    pub(super) fn record(&mut self, record: Option<Record>) {
        self.record = record;
    }

    /// How it ended; the first word counts.
    pub(super) fn ended(&mut self, code: Code) {
        self.code.get_or_insert(code);
    }

    /// Ends it with an answer of the server itself.
    pub(super) fn refuse(mut self, status: Status) -> Response<Body> {
        self.ended(status.code());
        status.into_http()
    }

    /// The same before it is known whether there is such a method at all.
    pub(super) fn refuse_unrouted(mut self, status: Status) -> Response<Body> {
        UNKNOWN.clone_into(&mut self.call.method);
        self.refuse(status)
    }

    /// Where received bytes are counted.
    pub(super) fn received(&self) -> Counter {
        metrics::counter!("openassay_rpc_received_bytes_total", "service" => self.call.service)
    }

    /// Where sent bytes are counted.
    pub(super) fn sent(&self) -> Counter {
        metrics::counter!("openassay_rpc_sent_bytes_total", "service" => self.call.service)
    }

    fn log(&self, code: Code, elapsed: Duration) {
        let _entered = self.span.enter();
        let (code_name, duration_s) = (name(code), elapsed.as_secs_f64());
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => {
                tracing::error!(rpc.code = code_name, duration_s, "request failed");
            }
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => {
                tracing::warn!(rpc.code = code_name, duration_s, "request not answered");
            }
            Code::Ok => tracing::debug!(rpc.code = code_name, duration_s, "request answered"),
            _ => tracing::info!(rpc.code = code_name, duration_s, "request refused"),
        }
    }
}

impl Drop for Measure {
    fn drop(&mut self) {
        let elapsed = self.begun.elapsed();
        let late = self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        let code = self.code.unwrap_or(if late {
            Code::DeadlineExceeded
        } else {
            Code::Cancelled
        });
        self.in_flight.decrement(1);
        // Any caller can invent methods that are not there.
        let method = match code {
            Code::Unimplemented => UNKNOWN.to_owned(),
            _ => std::mem::take(&mut self.call.method),
        };
        assay_trace::tell(&self.span, "rpc.grpc.status_code", i64::from(code as i32));
        if is_ours(code) {
            assay_trace::failed(&self.span, name(code));
        }
        let service = self.call.service;
        metrics::counter!(
            "openassay_rpc_requests_total",
            "service" => service, "method" => method.clone(), "code" => name(code)
        )
        .increment(1);
        metrics::histogram!(
            "openassay_rpc_request_seconds",
            "service" => service, "method" => method, "code" => name(code)
        )
        .record(elapsed.as_secs_f64());
        self.log(code, elapsed);
        if let Some(record) = &self.record {
            record.ended(code);
        }
    }
}

/// Whether the server failed, and not the caller or what it asked for.
const fn is_ours(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// A code's name in the gRPC specification.
pub(crate) const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
