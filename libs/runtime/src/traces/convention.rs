//! Spans in the words of OpenTelemetry's conventions, where those of the log are others.

use crate::access::known_rpc;
use opentelemetry::{KeyValue, trace::SpanKind};
use opentelemetry_sdk::trace::SpanData;

/// Names a span after what it stands for, and leaves out what only the log needs.
pub(super) fn apply(span: &mut SpanData) {
    let word = |key: &str| {
        let found = span.attributes.iter().find(|a| a.key.as_str() == key);
        found.map(|attribute| attribute.value.as_str().into_owned())
    };
    match span.name.as_ref() {
        "request" => {
            let (service, method) = (word("rpc.service"), word("rpc.method"));
            if let (Some(service), Some(method)) = (service, method) {
                // Whoever calls chooses the words: names must not become as many as they like.
                span.name = known_rpc(&service, &method).into();
            }
            span.span_kind = SpanKind::Server;
            span.attributes.push(KeyValue::new("rpc.system", "grpc"));
        }
        "call" => {
            if let (Some(service), Some(method)) = (word("rpc.service"), word("rpc.method")) {
                span.name = format!("{service}/{method}").into();
            }
            span.span_kind = SpanKind::Client;
            span.attributes.push(KeyValue::new("rpc.system", "grpc"));
        }
        "job" => {
            if let Some(lane) = word("job.lane") {
                span.name = format!("job {lane}").into();
            }
            span.span_kind = SpanKind::Consumer;
        }
        "command" => {
            if let Some(command) = word("command.name") {
                span.name = format!("openassay {command}").into();
            }
        }
        _ => {}
    }
    span.attributes.retain(|attribute| {
        !matches!(
            attribute.key.as_str(),
            "trace.id" | "trace.parent" | "trace.span" | "command.name"
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanContext, SpanId, Status};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
    use std::time::SystemTime;

    fn span(name: &'static str, attributes: &[(&'static str, &'static str)]) -> SpanData {
        let mut span = SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: opentelemetry::InstrumentationScope::default(),
        };
        let attributes = attributes.iter();
        span.attributes = attributes.map(|(k, v)| KeyValue::new(*k, *v)).collect();
        apply(&mut span);
        span
    }

    #[test]
    fn spans_are_named_after_what_they_stand_for() {
        let call = [
            ("rpc.service", "grpc.health.v1.Health"),
            ("rpc.method", "Check"),
        ];
        for (name, kind) in [("request", SpanKind::Server), ("call", SpanKind::Client)] {
            let span = span(name, &call);
            let told = (span.name.as_ref(), &span.span_kind);
            assert_eq!(told, ("grpc.health.v1.Health/Check", &kind));
        }
        assert_eq!(span("job", &[("job.lane", "train")]).name, "job train");
        let command = span("command", &[("command.name", "submit train")]);
        assert_eq!(command.name, "openassay submit train");
        assert_eq!(span("blobs.get", &[]).name, "blobs.get");
    }

    #[test]
    fn what_nobody_serves_has_no_name_of_its_own() {
        let called = |service, method| {
            let call = [("rpc.service", service), ("rpc.method", method)];
            span("request", &call).name
        };
        let known = "grpc.health.v1.Health";
        assert_eq!(called(known, "a7f3"), "grpc.health.v1.Health/unknown");
        assert_eq!(called("a7f3", "Check"), "unknown");
    }

    #[test]
    fn what_only_the_log_needs_is_left_out() {
        let span = span("request", &[("trace.id", "7"), ("request.id", "r")]);
        let keys: Vec<_> = span.attributes.iter().map(|a| a.key.as_str()).collect();
        assert_eq!(keys, ["request.id", "rpc.system"]);
        assert_eq!(span.name, "request");
    }
}
