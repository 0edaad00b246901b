//! A broker with TLS, known by a certificate that we name.

use crate::{
    fixture::{PATIENCE, Place, lost, published},
    proxy::parts,
};
use assay_amqp::{AmqpOptions, AmqpQueue};
use assay_jobs::Lane;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::sync::Arc;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// Speaks TLS before a broker; gives its port and its certificate.
async fn with_tls(host: String) -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, host) = (acceptor.clone(), host.clone());
            tokio::spawn(async move {
                let mut client = acceptor.accept(stream).await?;
                let mut broker = TcpStream::connect(host).await?;
                copy_bidirectional(&mut client, &mut broker).await
            });
        }
    });
    (port, made.cert.pem())
}

#[tokio::test]
async fn a_broker_with_tls_is_trusted_by_its_certificate_only() {
    let Some(place) = Place::find("a broker with TLS").await else {
        return;
    };
    let (before, host, after) = parts(place.url());
    let (port, certificate) = with_tls(host.to_owned()).await;
    let before = before.replacen("amqp", "amqps", 1);
    let stranger = place.options_at(&format!("{before}localhost:{port}{after}"));
    let queue = AmqpQueue::start(stranger.clone()).unwrap();
    let reason = lost(&queue).await;
    assert!(reason.contains("certificate"), "{reason}");

    let folder = tempfile::tempdir().unwrap();
    let ca_file = Some(folder.path().join("ca.pem"));
    let known = AmqpOptions {
        ca_file,
        ..stranger
    };
    let error = AmqpQueue::start(known.clone()).unwrap_err().to_string();
    assert!(error.contains("ca.pem cannot be read"), "{error}");
    std::fs::write(folder.path().join("ca.pem"), certificate).unwrap();
    let queue = AmqpQueue::start(known).unwrap();
    timeout(PATIENCE, queue.connected()).await.unwrap();
    published(&queue, Lane::Train).await;
    place.until_counts(&place.name(Lane::Train), (1, 0)).await;
}
