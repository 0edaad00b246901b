//! Handshakes by hand: which versions, which protocols, which certificate a server shows.

use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use std::{io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What a handshake came to.
#[derive(Debug)]
pub(crate) struct Greeted {
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) protocol: Option<Vec<u8>>,
    /// The server's certificate.
    pub(crate) certificate: Vec<u8>,
}

/// Greets the server at a URL, believing this authority.
pub(crate) async fn greet(
    url: &str,
    authority: &str,
    versions: &[&'static SupportedProtocolVersion],
    protocol: &[u8],
) -> io::Result<Greeted> {
    let address = url.strip_prefix("https://").unwrap();
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(authority.as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let host = address.split(':').next().unwrap().to_owned();
    let name = ServerName::try_from(host).unwrap();
    let stream = TcpStream::connect(address).await?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let (_, session) = stream.get_ref();
    Ok(Greeted {
        version: session.protocol_version(),
        protocol: session.alpn_protocol().map(<[u8]>::to_vec),
        certificate: session.peer_certificates().unwrap()[0].to_vec(),
    })
}
