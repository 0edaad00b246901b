//! Certificates and keys that can be used, and those that cannot, at the start and later.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A folder with files for TLS.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a new certificate with its key.
    fn write(&self) {
        let (certificate, key) = pair();
        fs::write(self.path("tls.crt"), certificate).unwrap();
        fs::write(self.path("tls.key"), key).unwrap();
    }

    fn config(&self) -> TlsConfig {
        TlsConfig {
            certificate: Some(self.path("tls.crt")),
            key: Some(self.path("tls.key")),
            ..TlsConfig::default()
        }
    }

    fn refusal(&self, config: &TlsConfig) -> String {
        let told = Tls::open(config).unwrap_err().to_string();
        assert!(!told.contains("PRIVATE"), "{told}");
        told
    }
}

fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn without_a_certificate_nothing_is_encrypted() {
    assert!(Tls::open(&TlsConfig::default()).unwrap().is_none());
}

#[test]
fn files_that_cannot_be_used_are_told_by_name() {
    let place = Place::new();
    place.write();
    let good = place.config();
    Tls::open(&good).unwrap().unwrap();
    let missing = TlsConfig {
        key: Some(place.path("no.key")),
        ..good.clone()
    };
    assert!(place.refusal(&missing).contains("no.key"));
    let (_, other) = pair();
    fs::write(place.path("other.key"), other).unwrap();
    let mixed = TlsConfig {
        key: Some(place.path("other.key")),
        ..good.clone()
    };
    assert!(place.refusal(&mixed).contains("cannot be used"));
    let swapped = TlsConfig {
        certificate: good.key.clone(),
        key: good.certificate.clone(),
        ..TlsConfig::default()
    };
    assert!(place.refusal(&swapped).contains("holds no certificate"));
    for (nonsense, name) in [("", "empty"), ("-----BEGIN PRIVATE KEY-----\n!\n", "torn")] {
        fs::write(place.path(name), nonsense).unwrap();
        let broken = TlsConfig {
            key: Some(place.path(name)),
            ..good.clone()
        };
        assert!(place.refusal(&broken).contains("holds no private key"));
        let unchecked = TlsConfig {
            client_ca: Some(place.path(name)),
            client_certificates: ClientCertificates::Required,
            ..good.clone()
        };
        assert!(place.refusal(&unchecked).contains(name));
    }
    let checked = TlsConfig {
        client_ca: good.certificate.clone(),
        client_certificates: ClientCertificates::Optional,
        ..good
    };
    Tls::open(&checked).unwrap().unwrap();
}

#[test]
fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let place = Place::new();
    place.write();
    let tls = Tls::open(&place.config()).unwrap().unwrap();
    let current = || Arc::clone(&tls.current.read().unwrap());
    let first = current();
    tls.renew();
    assert!(Arc::ptr_eq(&first, &current()), "nothing has changed");
    // Only one of the two files so far.
    let (certificate, key) = pair();
    fs::write(place.path("tls.crt"), certificate).unwrap();
    tls.renew();
    assert!(Arc::ptr_eq(&first, &current()));
    fs::write(place.path("tls.key"), key).unwrap();
    tls.renew();
    let second = current();
    assert!(!Arc::ptr_eq(&first, &second));
    fs::write(place.path("tls.key"), "nonsense").unwrap();
    tls.renew();
    fs::remove_file(place.path("tls.crt")).unwrap();
    tls.renew();
    assert!(Arc::ptr_eq(&second, &current()));
    place.write();
    tls.renew();
    assert!(!Arc::ptr_eq(&second, &current()));
    assert!(tls.ends.load(Ordering::Relaxed) > now_s());
}
