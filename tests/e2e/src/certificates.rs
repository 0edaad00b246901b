//! Certificates of an authority that lives for one test, written as PEM files.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Somebody who signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, as PEM.
    pub pem: String,
}

/// A certificate and its key, as PEM files.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let name = DnValue::Utf8String(name.to_owned());
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// Writes its certificate into a folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<PathBuf> {
        let path = folder.join(name);
        fs::write(&path, &self.pem)?;
        Ok(path)
    }

    /// Signs a certificate of a server at this address.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn server(&self, folder: &Path, name: &str, address: IpAddr) -> Result<Identity> {
        let names = vec![SanType::IpAddress(address)];
        self.sign(folder, name, names, false)
    }

    /// Signs a certificate of a client of this name, a URI.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn client(&self, folder: &Path, name: &str, uri: &str) -> Result<Identity> {
        self.sign(folder, name, vec![SanType::URI(uri.try_into()?)], false)
    }

    /// Signs a certificate of a service: a server at this address, and a client of this name.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn service(
        &self,
        folder: &Path,
        name: &str,
        address: IpAddr,
        uri: &str,
    ) -> Result<Identity> {
        let names = vec![SanType::IpAddress(address), SanType::URI(uri.try_into()?)];
        self.sign(folder, name, names, false)
    }

    /// Signs a certificate whose time is over, for a server at this address and a client of this
    /// name.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn expired(
        &self,
        folder: &Path,
        name: &str,
        address: IpAddr,
        uri: &str,
    ) -> Result<Identity> {
        let names = vec![SanType::IpAddress(address), SanType::URI(uri.try_into()?)];
        self.sign(folder, name, names, true)
    }

    fn sign(
        &self,
        folder: &Path,
        name: &str,
        names: Vec<SanType>,
        expired: bool,
    ) -> Result<Identity> {
        let mut params = CertificateParams::new([])?;
        params.subject_alt_names = names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        if expired {
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let identity = Identity {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        };
        fs::write(&identity.certificate, certificate.pem())?;
        fs::write(&identity.key, key.serialize_pem())?;
        Ok(identity)
    }
}
