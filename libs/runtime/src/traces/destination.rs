//! Where spans go: what the configuration says, or else OpenTelemetry's own variables.

use crate::error::RuntimeError;
use std::{fs, time::Duration};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// Time to make a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// A batch that is not taken within this time is lost.
const PATIENCE: Duration = Duration::from_secs(10);

const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
const CERTIFICATES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
];

/// Where spans go.
#[derive(Debug)]
pub(super) enum Destination {
    /// Nowhere.
    None,
    /// Nowhere, although somebody asked for it; why.
    Refused(String),
    /// A collector.
    Collector(Box<Endpoint>),
}

/// What is wrong with an address in the configuration, if anything is.
pub(crate) fn fault(address: &str) -> Option<String> {
    if address.is_empty() {
        return None;
    }
    plain(address).err()
}

/// The destination: the configured one, where an empty one is none, or that of the environment.
///
/// # Errors
/// When the address or a certificate cannot be used.
pub(super) fn find(
    configured: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Destination, RuntimeError> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let first = |names: [&'static str; 2]| {
        let mut found = names.into_iter();
        found.find_map(|name| Some((name, set(name)?)))
    };
    let (name, address) = match configured {
        Some("") => return Ok(Destination::None),
        Some(address) => ("telemetry.otlp_endpoint", address.to_owned()),
        None => {
            let disabled = set(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true"));
            if disabled || set(EXPORTER).is_some_and(|value| value == "none") {
                return Ok(Destination::None);
            }
            let Some(found) = first(ENDPOINTS) else {
                return Ok(Destination::None);
            };
            if let Some((name, protocol)) = first(PROTOCOLS)
                && protocol != "grpc"
            {
                return Ok(Destination::Refused(format!(
                    "spans go nowhere: {name} is {protocol}, and only grpc is spoken; set \
                     telemetry.otlp_endpoint to a collector that takes it, usually at port 4317"
                )));
            }
            found
        }
    };
    let wrong = |reason: String| RuntimeError::Traces(format!("{name}: {reason}"));
    let endpoint = plain(&address).map_err(wrong)?;
    let endpoint = endpoint.connect_timeout(CONNECT).timeout(PATIENCE);
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(Destination::Collector(Box::new(endpoint)));
    }
    let mut tls = ClientTlsConfig::new().with_native_roots();
    if let Some((name, file)) = first(CERTIFICATES) {
        let pem = fs::read(&file).map_err(|error| {
            RuntimeError::Traces(format!("{name}: {file} cannot be read: {error}"))
        })?;
        tls = tls.ca_certificate(Certificate::from_pem(pem));
    }
    let endpoint = endpoint.tls_config(tls);
    let endpoint = endpoint.map_err(|error| wrong(error.to_string()))?;
    Ok(Destination::Collector(Box::new(endpoint)))
}

/// An address without encryption so far.
fn plain(address: &str) -> Result<Endpoint, String> {
    let shape = "write http://host:port or https://host:port";
    let endpoint = Endpoint::from_shared(address.to_owned())
        .map_err(|error| format!("{address:?} is no address ({error}); {shape}"))?;
    let uri = endpoint.uri();
    let authority = uri.authority().map(|authority| authority.as_str());
    match (uri.scheme_str(), authority) {
        // It would be shown with the rest of the configuration.
        (_, Some(authority)) if authority.contains('@') => Err(
            "the address holds a name or password; put it into OTEL_EXPORTER_OTLP_HEADERS"
                .to_owned(),
        ),
        (Some("http" | "https"), Some(_)) => Ok(endpoint),
        _ => Err(format!("{address:?} is no address of a collector; {shape}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(configured: Option<&str>, variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        match find(configured, variable) {
            Ok(Destination::None) => "nowhere".to_owned(),
            Ok(Destination::Refused(note)) => note,
            Ok(Destination::Collector(endpoint)) => endpoint.uri().to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_configuration_wins_over_the_environment() {
        let both = [(ENDPOINTS[1], "http://b:2"), (ENDPOINTS[0], "http://a:1")];
        assert_eq!(found(None, &[]), "nowhere");
        assert_eq!(found(None, &both), "http://a:1/");
        assert_eq!(found(None, &both[..1]), "http://b:2/");
        assert_eq!(found(Some("http://c:3"), &both), "http://c:3/");
        assert_eq!(found(Some(""), &both), "nowhere");
        for off in [(DISABLED, "true"), (EXPORTER, "none"), (ENDPOINTS[0], "")] {
            assert_eq!(found(None, &[off, (ENDPOINTS[0], "http://a:1")]), "nowhere");
        }
    }

    #[test]
    fn another_protocol_is_told_and_fails_nothing() {
        let variables = [
            (ENDPOINTS[1], "http://b:2"),
            (PROTOCOLS[1], "http/protobuf"),
        ];
        let note = found(None, &variables);
        assert!(
            note.contains(PROTOCOLS[1]) && note.contains("grpc"),
            "{note}"
        );
        assert_eq!(found(Some("http://c:3"), &variables), "http://c:3/");
    }

    #[test]
    fn an_address_that_is_none_is_told_with_the_name_of_who_said_it() {
        for wrong in ["here", "ftp://a:1", "http://", "a:1", "http://a b"] {
            let said = found(None, &[(ENDPOINTS[1], wrong)]);
            assert!(said.contains(ENDPOINTS[1]), "{wrong}: {said}");
            assert!(fault(wrong).is_some(), "{wrong}");
        }
        let secret = fault("http://me:hunter2@a:1").unwrap();
        assert!(!secret.contains("hunter2"), "{secret}");
        assert_eq!(fault("https://a:4317"), None);
        assert_eq!(fault(""), None);
    }

    #[test]
    fn a_certificate_that_is_missing_is_named() {
        let variables = [
            (ENDPOINTS[1], "https://a:1"),
            (CERTIFICATES[1], "no/such/file.pem"),
        ];
        let said = found(None, &variables);
        assert!(said.contains("no/such/file.pem"), "{said}");
        let Ok(Destination::Collector(_)) = find(Some("https://a:1"), |_| None) else {
            panic!("the certificates of the system are enough");
        };
    }
}
