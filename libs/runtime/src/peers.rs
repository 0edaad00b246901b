//! How a service shows others who it is, and whom it believes: one section for all services that
//! ask others.

use crate::config::Check;
use assay_api::{Credentials, TokenSource, check_peer};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a service reaches others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeersConfig {
    /// Certificates of those who may sign certificates of services, as PEM; those that the system
    /// trusts when not set.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to services, as PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key: Option<PathBuf>,
    /// A file with nothing but the token that is sent.
    pub token_file: Option<PathBuf>,
    /// Send the token over unencrypted connections to other machines too.
    pub insecure_token: bool,
}

impl PeersConfig {
    /// What a client needs of this.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        let token = self.token_file.clone();
        Credentials {
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            token: token.map_or(TokenSource::None, TokenSource::File),
            insecure_token: self.insecure_token,
        }
    }

    /// What is wrong with these addresses of services: each with its key.
    #[must_use]
    pub fn faults_of(&self, addresses: &[(&str, &str)]) -> Vec<String> {
        let credentials = self.credentials();
        let check = |(key, url): &(&str, &str)| {
            let fault = check_peer(url, &credentials).err()?;
            Some(format!("{key}: {fault}"))
        };
        addresses.iter().filter_map(check).collect()
    }
}

impl Check for PeersConfig {
    fn faults(&self) -> Vec<String> {
        match (&self.certificate, &self.key) {
            (Some(_), None) => {
                vec!["key: is missing; a certificate needs its private key".to_owned()]
            }
            (None, Some(_)) => {
                vec!["certificate: is missing; a key needs its certificate".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_unencrypted_to_this_machine_only() {
        let peers = PeersConfig {
            token_file: Some("token".into()),
            ..PeersConfig::default()
        };
        let far = [("control_url", "http://control:50051")];
        let faults = peers.faults_of(&far);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("control_url: "), "{faults:?}");
        assert!(faults[0].contains("insecure_token"), "{faults:?}");
        let near = [
            ("a", "http://127.0.0.1:1"),
            ("b", "http://[::1]:1"),
            ("c", "http://localhost:1"),
            ("d", "https://control:1"),
        ];
        assert_eq!(peers.faults_of(&near), Vec::<String>::new());
        let insecure = PeersConfig {
            insecure_token: true,
            ..peers
        };
        assert_eq!(insecure.faults_of(&far), Vec::<String>::new());
        assert_eq!(PeersConfig::default().faults_of(&far), Vec::<String>::new());
    }
}
