//! Certificates and keys from PEM files to what the TLS library wants.

use super::{ClientCertificates, TlsConfig};
use crate::watched::{Contents, UnreadableFile};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The one protocol that is spoken (RFC 7301, RFC 9113).
const HTTP2: &[u8] = b"h2";

/// Certificates or keys that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] UnreadableFile),
    /// A file does not hold what it should.
    #[error("{} holds no {what}: {reason}; write it as PEM", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is expected there.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Certificate and key cannot be used together.
    #[error("the certificate in {} and the key in {} cannot be used: {source}", .certificate.display(), .key.display())]
    Pair {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// Those who sign certificates of clients cannot be used.
    #[error("the certificates in {} cannot check those of clients: {reason}", .path.display())]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The files of a configuration in the order in which [`server_config`] takes their contents.
pub(super) fn paths(config: &TlsConfig) -> Vec<PathBuf> {
    let files = [&config.certificate, &config.key, &config.client_ca];
    files.into_iter().flatten().cloned().collect()
}

/// A server's side of TLS, and when its certificate ends, in seconds since 1970.
pub(super) fn server_config(
    config: &TlsConfig,
    contents: &Contents,
) -> Result<(ServerConfig, Option<i64>), TlsError> {
    let path = |file: &Option<PathBuf>| file.clone().unwrap_or_default();
    let (certificate, key) = (path(&config.certificate), path(&config.key));
    let content = |at: usize| contents.get(at).map(Vec::as_slice).unwrap_or_default();
    let chain = certificates(&certificate, content(0))?;
    let key_der = PrivateKeyDer::from_pem_slice(content(1))
        .map_err(|error| unusable(&key, "private key", &error))?;
    let ends = chain.first().and_then(|leaf| end_of(leaf));
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        // 1.2 for instrument software that speaks nothing newer.
        .with_protocol_versions(&[&TLS13, &TLS12]);
    let pair = |source| TlsError::Pair {
        certificate: certificate.clone(),
        key: key.clone(),
        source,
    };
    let builder = builder.map_err(pair)?;
    let builder = match verifier(config, content(2), provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut server = builder.with_single_cert(chain, key_der).map_err(pair)?;
    server.alpn_protocols = vec![HTTP2.to_vec()];
    // A session that is taken up again would not look at the client's certificate. Connections are
    // few and long, so that nothing is lost.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok((server, ends))
}

/// Who checks certificates of clients; nobody where they are not asked for.
fn verifier(
    config: &TlsConfig,
    content: &[u8],
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let path = config.client_ca.clone().unwrap_or_default();
    if config.client_certificates == ClientCertificates::None {
        return Ok(None);
    }
    let unfit = |reason: String| TlsError::ClientCa {
        path: path.clone(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&path, content)? {
        roots
            .add(certificate)
            .map_err(|error| unfit(error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match config.client_certificates {
        ClientCertificates::Optional => builder.allow_unauthenticated(),
        _ => builder,
    };
    let verifier = builder.build().map_err(|error| unfit(error.to_string()))?;
    Ok(Some(verifier))
}

fn certificates(path: &Path, content: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(unusable(path, "certificate", &pem::Error::NoItemsFound))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(path, "certificate", &error)),
    }
}

fn unusable(path: &Path, what: &'static str, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::NoItemsFound => "there is none".to_owned(),
        // Their words could quote what stands in the file.
        _ => "it is damaged".to_owned(),
    };
    TlsError::Content {
        path: path.to_path_buf(),
        what,
        reason,
    }
}

/// When a certificate ends.
fn end_of(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}
