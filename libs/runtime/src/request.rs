//! What a request brings beside its message.

use std::time::Duration;
use tonic::metadata::MetadataMap;

/// Name of the deadline in metadata, after the gRPC specification.
pub(crate) const TIMEOUT: &str = "grpc-timeout";
/// Name of a place in a trace in metadata, after W3C Trace Context.
pub use assay_trace::TRACE_PARENT;
/// Name of the request's identity in metadata, in requests and answers.
pub const REQUEST_ID: &str = "x-request-id";

/// The time limit that a request brought, counted from its arrival. `None`: it has none, or one
/// that cannot be read.
#[must_use]
pub fn time_left(metadata: &MetadataMap) -> Option<Duration> {
    parse_timeout(metadata.get(TIMEOUT)?.to_str().ok()?)
}

/// The identity of a request: the caller's, or the one made when it arrived.
#[must_use]
pub fn id(metadata: &MetadataMap) -> Option<&str> {
    metadata.get(REQUEST_ID)?.to_str().ok()
}

/// At most eight digits and a unit.
pub(crate) fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_limit_is_read_in_every_unit() {
        let read = |text: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert(TIMEOUT, text.parse().unwrap());
            time_left(&metadata)
        };
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("4S"), Some(Duration::from_secs(4)));
        assert_eq!(read("5m"), Some(Duration::from_millis(5)));
        assert_eq!(read("6u"), Some(Duration::from_micros(6)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for wrong in ["", "S", "-1S", "1", "100000000S", "1.5S", "5s", "é"] {
            assert_eq!(parse_timeout(wrong), None, "{wrong}");
        }
        assert_eq!(time_left(&MetadataMap::new()), None);
    }
}
