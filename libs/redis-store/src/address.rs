//! Where a Redis is. What stands in its URL as a password is never shown, whatever an error holds.

use crate::link::Fault;
use assay_core::Secret;
use redis::{
    Client, ErrorKind, IntoConnectionInfo as _, RedisError, ServerErrorKind, TlsCertificates,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use std::{fs, path::Path, time::Duration};

/// A connection that is silent for so long is asked whether it lives.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// What the server does not acknowledge for so long, it never got.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

const ALLOWED: &str = "redis://[[user]:password@]host[:port][/database], rediss://… for TLS, or \
                       unix:///socket";

/// How a certificate begins.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// What stands in the place of a password.
const HIDDEN: &str = "<hidden>";

pub(crate) struct Address {
    pub(crate) client: Client,
    /// Host and port, or the socket.
    shown: String,
    /// Words that are never shown.
    hidden: Vec<String>,
}

impl Address {
    /// Reads a URL; the error is a sentence that begins with the name of the field and shows
    /// nothing of the URL.
    pub(crate) fn parse(url: &Secret, ca_file: Option<&Path>) -> Result<Self, String> {
        if url.is_empty() {
            return Err(format!("url: is empty; allowed: {ALLOWED}"));
        }
        let parsed = redis::parse_redis_url(url.reveal());
        let parsed =
            parsed.ok_or_else(|| format!("url: is no address of a Redis; allowed: {ALLOWED}"))?;
        if parsed.fragment().is_some() {
            return Err(
                "url: ends with # and a word; TLS that trusts everybody is not supported: name \
                 the certificates of the server in ca_file"
                    .to_owned(),
            );
        }
        let tls = matches!(parsed.scheme(), "rediss" | "valkeys");
        let raw = parsed.password().map(ToOwned::to_owned);
        let info = parsed
            .into_connection_info()
            .map_err(|error| format!("url: {}; allowed: {ALLOWED}", error.category()))?;
        let tcp = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(
                TcpKeepalive::new()
                    .with_time(KEEPALIVE)
                    .with_interval(KEEPALIVE),
            )
            .set_user_timeout(UNACKNOWLEDGED);
        let info = info.set_tcp_settings(tcp);
        let shown = info.addr().to_string();
        let password = info.redis_settings().password().map(ToOwned::to_owned);
        let hidden = [raw, password]
            .into_iter()
            .flatten()
            .filter(|word| !word.is_empty());
        let hidden = hidden.collect();
        let client = match tls {
            true => with_tls(info, ca_file)?,
            false => Client::open(info).map_err(|error| format!("url: {}", error.category()))?,
        };
        Ok(Self {
            client,
            shown,
            hidden,
        })
    }

    /// The server and what is to be said of it, without any password.
    pub(crate) fn says(&self, reason: impl std::fmt::Display) -> String {
        let mut text = format!("redis at {}: {reason}", self.shown);
        for word in &self.hidden {
            text = text.replace(word, HIDDEN);
        }
        text
    }

    /// What an error means for what was asked.
    pub(crate) fn fault(&self, error: &RedisError) -> Fault {
        let reason = self.says(error);
        match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType => {
                Fault::Refused(reason)
            }
            _ => Fault::Lost(reason),
        }
    }
}

/// Whether another connection may have better luck: this one is broken, the server has become
/// another, or it does not know this client any more.
pub(crate) fn wants_new_connection(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::ReadOnly | ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown
        ),
        ErrorKind::Extension => error.code() == Some("NOAUTH"),
        ErrorKind::UnexpectedReturnType => false,
        _ => true,
    }
}

fn with_tls(info: redis::ConnectionInfo, ca_file: Option<&Path>) -> Result<Client, String> {
    // Only one can be installed, and any does; that there is one already is no failure.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Some(file) = ca_file else {
        return Client::open(info).map_err(|error| format!("url: {}", error.category()));
    };
    let root_cert = fs::read(file)
        .map_err(|error| format!("ca_file: {} cannot be read: {error}", file.display()))?;
    if !root_cert
        .windows(CERTIFICATE.len())
        .any(|part| part == CERTIFICATE)
    {
        let file = file.display();
        return Err(format!("ca_file: {file} holds no certificate in PEM form"));
    }
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(root_cert),
    };
    Client::build_with_tls(info, certificates)
        .map_err(|error| format!("ca_file: {} cannot be used: {error}", file.display()))
}
