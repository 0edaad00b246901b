//! A hint as a message, and back. What is in a message never comes into a log.

use assay_jobs::{Hint, JobError};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};
use serde_json::error::Category;

/// A hint has a specification of at most 64 KiB; what is larger than this is none.
pub(crate) const LARGEST_BYTES: usize = 1 << 20;

/// To the broker: keep it on the disk.
const PERSISTENT: u8 = 2;
/// The name of this program in messages.
pub(crate) const APPLICATION: &str = "openassay";
/// Where others look for the trace, as in HTTP.
const TRACE_HEADER: &str = "traceparent";

/// A hint on its way out.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    pub(crate) properties: BasicProperties,
}

impl Message {
    pub(crate) fn of(hint: &Hint) -> Result<Self, JobError> {
        let bytes = serde_json::to_vec(hint)
            .map_err(|error| JobError::invalid("hint", error, "what can be written as JSON"))?;
        if bytes.len() > LARGEST_BYTES {
            return Err(JobError::invalid(
                "hint",
                format!("{} bytes", bytes.len()),
                format!("at most {LARGEST_BYTES} bytes"),
            ));
        }
        let mut headers = FieldTable::default();
        if let Some(trace) = &hint.trace_parent {
            let trace = AMQPValue::LongString(trace.as_str().into());
            headers.insert(ShortString::from(TRACE_HEADER), trace);
        }
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(hint.job.to_string().into())
            .with_app_id(APPLICATION.into())
            .with_headers(headers);
        Ok(Self { bytes, properties })
    }
}

/// Reads a hint, or says what is wrong without a word of it.
pub(crate) fn read(bytes: &[u8]) -> Result<Hint, String> {
    if bytes.len() > LARGEST_BYTES {
        return Err(format!("it has more than {LARGEST_BYTES} bytes"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let fault = match error.classify() {
            Category::Data => "it is JSON but no hint",
            Category::Io | Category::Syntax | Category::Eof => "it is no JSON",
        };
        format!("{fault}, line {}, column {}", error.line(), error.column())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_jobs::JobId;
    use serde_json::json;

    fn hint(specification: serde_json::Value) -> Hint {
        Hint {
            job: JobId::new(),
            attempt: 3,
            specification,
            trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        }
    }

    #[test]
    fn a_hint_says_what_it_is_to_others_too() {
        let hint = hint(json!({ "dataset": "a" }));
        let message = Message::of(&hint).unwrap();
        assert_eq!(read(&message.bytes).unwrap(), hint);
        let properties = message.properties;
        let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
        assert_eq!(
            text(properties.content_type()).as_deref(),
            Some("application/json")
        );
        assert_eq!(text(properties.message_id()), Some(hint.job.to_string()));
        assert_eq!(text(properties.app_id()).as_deref(), Some("openassay"));
        assert_eq!(*properties.delivery_mode(), Some(PERSISTENT));
        let headers = properties.headers().clone().unwrap();
        let trace = AMQPValue::LongString(hint.trace_parent.unwrap().into());
        assert_eq!(headers.inner().get("traceparent"), Some(&trace));
    }

    #[test]
    fn what_is_too_large_is_neither_sent_nor_read() {
        let error = Message::of(&hint(json!("x".repeat(LARGEST_BYTES)))).unwrap_err();
        assert!(matches!(error, JobError::Invalid { field: "hint", .. }));
        let fault = read(&vec![b' '; LARGEST_BYTES + 1]).unwrap_err();
        assert!(fault.contains("1048576 bytes"), "{fault}");
    }

    #[test]
    fn what_is_no_hint_is_named_without_its_content() {
        for (bytes, word) in [
            (&b"hidden"[..], "no JSON"),
            (b"", "no JSON"),
            (b"{\"hidden\":1}", "no hint"),
            (b"{\"job\":\"hidden\"}", "no hint"),
        ] {
            let fault = read(bytes).unwrap_err();
            assert!(fault.contains(word) && !fault.contains("hidden"), "{fault}");
        }
    }
}
