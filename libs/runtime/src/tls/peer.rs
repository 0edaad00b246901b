//! Who is at the other end of a connection: its address, and the name in its certificate once that
//! was verified.

use rustls::pki_types::CertificateDer;
use std::{net::SocketAddr, sync::Arc};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The other end of a connection. Requests carry it as an extension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Where it is.
    pub(crate) address: Option<SocketAddr>,
    /// What its verified certificate calls it.
    pub(crate) certificate: Option<Arc<str>>,
}

/// What a certificate calls its owner: the first URI among its alternative names, else the first
/// DNS name, else its common name.
pub(super) fn name_in(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|names| names.value.general_names.as_slice());
    let names = names.unwrap_or_default();
    let uri = names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let dns = || {
        names.iter().find_map(|name| match name {
            GeneralName::DNSName(dns) => Some(*dns),
            _ => None,
        })
    };
    let subject = certificate.subject();
    let common = || {
        subject
            .iter_common_name()
            .find_map(|name| name.as_str().ok())
    };
    let name = uri.or_else(dns).or_else(common)?;
    (!name.is_empty()).then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn named(common: &str, names: &[SanType]) -> Option<String> {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if !common.is_empty() {
            params.distinguished_name.push(DnType::CommonName, common);
        }
        params.subject_alt_names = names.to_vec();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        name_in(certificate.der()).map(|name| name.to_string())
    }

    #[test]
    fn a_uri_comes_before_a_dns_name_and_both_before_the_common_name() {
        let dns = SanType::DnsName("gate.lab".try_into().unwrap());
        let uri = SanType::URI("spiffe://lab/gate".try_into().unwrap());
        let address = SanType::IpAddress([127, 0, 0, 1].into());
        let both = [dns.clone(), uri];
        assert_eq!(named("gate", &both).unwrap(), "spiffe://lab/gate");
        assert_eq!(named("gate", &[address.clone(), dns]).unwrap(), "gate.lab");
        assert_eq!(
            named("gate", std::slice::from_ref(&address)).unwrap(),
            "gate"
        );
        assert_eq!(named("", &[address]), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_name() {
        assert_eq!(name_in(&CertificateDer::from(vec![0x30, 0x03, 1, 1])), None);
    }
}
