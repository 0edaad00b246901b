//! Addresses of services, and what a connection to one needs.

use super::{
    ClientOptions, Credentials, TokenSource,
    credentials::{Material, refuse},
};
use crate::WireError;
use std::{error::Error, net::IpAddr};
use tonic::{
    codegen::http::Uri,
    transport::{Certificate, ClientTlsConfig, Endpoint, Identity},
};

/// Whether an address can be used at all; nothing is connected.
///
/// # Errors
/// When it is no `http://host:port` or `https://host:port`.
pub fn check_address(url: &str) -> Result<(), WireError> {
    parse(url).map(|_| ())
}

/// Whether a service can be reached there with these credentials; nothing is connected and no
/// file is read.
///
/// # Errors
/// When the address is none, or the token would be sent to another machine unencrypted.
pub fn check_peer(url: &str, credentials: &Credentials) -> Result<(), WireError> {
    let endpoint = parse(url)?;
    let sends = credentials.token != TokenSource::None && !credentials.insecure_token;
    if sends && !is_encrypted(endpoint.uri()) && !is_this_machine(endpoint.uri()) {
        return Err(WireError::PlainToken {
            url: url.to_owned(),
        });
    }
    Ok(())
}

/// What a connection is made from.
pub(super) fn with(
    url: &str,
    options: &ClientOptions,
    material: &Material,
) -> Result<Endpoint, WireError> {
    check_peer(url, &options.credentials)?;
    let endpoint = parse(url)?;
    let endpoint = if is_encrypted(endpoint.uri()) {
        let tls = tls(material).timeout(options.connect_timeout);
        endpoint.tls_config(tls).map_err(|error| {
            refuse(format!(
                "certificate or key cannot be used: {}",
                innermost(&error)
            ))
        })?
    } else {
        endpoint
    };
    Ok(endpoint
        .connect_timeout(options.connect_timeout)
        .http2_keep_alive_interval(options.keepalive_interval)
        .keep_alive_timeout(options.keepalive_timeout)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true))
}

fn tls(material: &Material) -> ClientTlsConfig {
    let config = match &material.ca {
        Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &material.identity {
        Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key)),
        None => config,
    }
}

fn parse(url: &str) -> Result<Endpoint, WireError> {
    let refuse = |reason: String| WireError::Address {
        url: url.to_owned(),
        reason,
    };
    let endpoint =
        Endpoint::from_shared(url.to_owned()).map_err(|error| refuse(error.to_string()))?;
    match (endpoint.uri().scheme_str(), endpoint.uri().host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(endpoint),
        (Some("http" | "https"), _) => Err(refuse("it names no host".to_owned())),
        _ => Err(refuse("only http and https are spoken".to_owned())),
    }
}

fn is_encrypted(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

/// Whether what is sent there never leaves this machine.
fn is_this_machine(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// What an error comes from in the end.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::Secret;

    #[test]
    fn a_token_is_sent_unencrypted_to_this_machine_only() {
        let credentials = Credentials {
            token: TokenSource::Word(Secret::new("openassay_1234")),
            ..Credentials::default()
        };
        for near in [
            "http://localhost:1",
            "http://LOCALHOST",
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]:1",
            "https://far.lab:1",
        ] {
            check_peer(near, &credentials).unwrap();
        }
        let far = [
            "http://far.lab:1",
            "http://localhost.far.lab",
            "http://10.0.0.1",
            "http://0.0.0.0:1",
            "http://[2001:db8::1]:1",
            "http://127.0.0.1.far.lab",
            "http://127.0.0.1@far.lab",
        ];
        for url in far {
            let told = check_peer(url, &credentials).unwrap_err().to_string();
            assert!(told.contains("unencrypted"), "{told}");
            assert!(!told.contains("1234"), "{told}");
        }
        let insecure = Credentials {
            insecure_token: true,
            ..credentials
        };
        for url in far {
            check_peer(url, &insecure).unwrap();
            check_peer(url, &Credentials::default()).unwrap();
        }
    }
}
