//! What can be set about encryption.

use crate::config::Check;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Encryption of the server's connections. Without a certificate there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The server's certificate, with those that signed it behind it, as PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key: Option<PathBuf>,
    /// Certificates of those who may sign certificates of clients, as PEM.
    pub client_ca: Option<PathBuf>,
    /// Whether clients show certificates.
    pub client_certificates: ClientCertificates,
}

/// Whether clients show certificates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// They are not asked.
    #[default]
    None,
    /// Those who show one must show a good one.
    Optional,
    /// Who shows none is turned away.
    Required,
}

impl TlsConfig {
    /// Whether connections are encrypted.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.certificate.is_some()
    }
}

impl Check for TlsConfig {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        match (&self.certificate, &self.key) {
            (Some(_), None) => {
                faults.push("key: is missing; a certificate needs its private key".to_owned());
            }
            (None, Some(_)) => {
                faults.push("certificate: is missing; a key needs its certificate".to_owned());
            }
            _ => {}
        }
        let asked = self.client_certificates != ClientCertificates::None;
        if asked && self.client_ca.is_none() {
            faults.push(
                "client_ca: is missing; certificates of clients are checked against it".to_owned(),
            );
        }
        if asked && self.certificate.is_none() {
            faults.push(
                "client_certificates: needs certificate and key; clients show certificates on \
                 encrypted connections only"
                    .to_owned(),
            );
        }
        if self.client_ca.is_some() && !asked {
            faults.push(
                "client_ca: is of no use while client_certificates is \"none\"; set that to \
                 \"optional\" or \"required\""
                    .to_owned(),
            );
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_words(config: &TlsConfig) -> Vec<String> {
        let faults = config.faults().into_iter();
        let field = |fault: String| fault.split(':').next().unwrap().to_owned();
        faults.map(field).collect()
    }

    #[test]
    fn halves_are_told() {
        let path = || Some(PathBuf::from("x.pem"));
        assert!(first_words(&TlsConfig::default()).is_empty());
        let certificate_alone = TlsConfig {
            certificate: path(),
            ..TlsConfig::default()
        };
        assert_eq!(first_words(&certificate_alone), ["key"]);
        let key_alone = TlsConfig {
            key: path(),
            ..TlsConfig::default()
        };
        assert_eq!(first_words(&key_alone), ["certificate"]);
        let asked_for_nothing = TlsConfig {
            client_certificates: ClientCertificates::Required,
            ..TlsConfig::default()
        };
        let both = ["client_ca", "client_certificates"];
        assert_eq!(first_words(&asked_for_nothing), both);
        let of_no_use = TlsConfig {
            certificate: path(),
            key: path(),
            client_ca: path(),
            ..TlsConfig::default()
        };
        assert_eq!(first_words(&of_no_use), ["client_ca"]);
    }
}
