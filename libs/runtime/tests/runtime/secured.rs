//! Encryption and tokens in front of real handlers: slow handshakes, callers as handlers see them,
//! open answers whose token is taken back.

use crate::harness::{Client, Running, ask, ask_stream, config, serve_secured, unless_it_hangs};
use assay_core::Secret;
use assay_runtime::{
    AccessConfig, ServerConfig, TlsConfig,
    access::{TokenHash, generate},
};
use rcgen::{CertificateParams, KeyPair};
use std::{fs, path::Path};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{
    Code, Request,
    transport::{Certificate, Channel, ClientTlsConfig},
};

/// The begin of a handshake: a record of 512 bytes is announced, and 8 of them come.
const HALF_A_HELLO: [u8; 13] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0];

/// A folder with a certificate and a file of tokens.
struct Place {
    folder: TempDir,
    certificate: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        fs::write(folder.path().join("tls.crt"), &certificate).unwrap();
        fs::write(folder.path().join("tls.key"), key.serialize_pem()).unwrap();
        Self {
            folder,
            certificate,
        }
    }

    fn at(&self, name: &str) -> Option<std::path::PathBuf> {
        Some(self.folder.path().join(name))
    }

    fn tls(&self) -> TlsConfig {
        TlsConfig {
            certificate: self.at("tls.crt"),
            key: self.at("tls.key"),
            ..TlsConfig::default()
        }
    }

    fn access(&self) -> AccessConfig {
        AccessConfig {
            tokens: self.at("tokens.toml"),
            ..AccessConfig::default()
        }
    }

    async fn client(&self, running: &Running) -> Client {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.certificate))
            .domain_name("localhost");
        let endpoint = Channel::from_shared(format!("https://{}", running.address)).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
        Client::new(channel)
    }
}

/// Writes a file of tokens with one instrument.
fn write_tokens(path: &Path, token: &Secret, more: &str) {
    let hash = TokenHash::of(token.reveal().as_bytes());
    let text = format!(
        "[[principal]]\nname = \"lab-7\"\nroles = [\"instrument\"]\nmax_in_flight = 2\n\
         [[principal.token]]\nhash = \"{hash}\"\n{more}\n"
    );
    fs::write(path, text).unwrap();
}

fn with<T>(token: &Secret, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", token.reveal());
    let metadata = request.metadata_mut();
    metadata.insert("authorization", bearer.parse().unwrap());
    request
}

async fn sent(running: &Running, bytes: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(running.address).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    connection
}

/// Waits until the server closes this.
async fn closes(mut connection: TcpStream) {
    // A connection that is reset is closed as well.
    let _ = unless_it_hangs(connection.read_to_end(&mut Vec::new())).await;
}

#[tokio::test]
async fn a_slow_handshake_holds_up_nobody_and_has_an_end() {
    let place = Place::new();
    let hasty = ServerConfig {
        keepalive_timeout_s: 1,
        ..config()
    };
    let running = serve_secured(hasty, &place.tls(), &AccessConfig::default()).await;
    let mut slow = Vec::new();
    for bytes in [&[][..], &HALF_A_HELLO, &HALF_A_HELLO[..1]] {
        slow.push(sent(&running, bytes).await);
    }
    let mut client = place.client(&running).await;
    client.get_file(ask("x")).await.unwrap();
    for connection in slow {
        closes(connection).await;
    }
    client.get_file(ask("x")).await.unwrap();
    running.end().await.unwrap();
}

#[tokio::test]
async fn slow_handshakes_do_not_delay_the_end() {
    let place = Place::new();
    let running = serve_secured(config(), &place.tls(), &AccessConfig::default()).await;
    let silent = sent(&running, &[]).await;
    let half = sent(&running, &HALF_A_HELLO).await;
    let mut client = place.client(&running).await;
    client.get_file(ask("x")).await.unwrap();
    running.end().await.unwrap();
    closes(silent).await;
    closes(half).await;
    client.get_file(ask("x")).await.unwrap_err();
}

#[tokio::test]
async fn whoever_speaks_unencrypted_is_sent_away() {
    let place = Place::new();
    let running = serve_secured(config(), &place.tls(), &AccessConfig::default()).await;
    running_refuses_plain(&running).await;
    let mut client = place.client(&running).await;
    client.get_file(ask("x")).await.unwrap();
    running.end().await.unwrap();
}

async fn running_refuses_plain(running: &Running) {
    for words in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &[0; 64],
    ] {
        closes(sent(running, words).await).await;
    }
    let plain = Channel::from_shared(format!("http://{}", running.address)).unwrap();
    let mut plain = Client::new(plain.connect_lazy());
    let refused = unless_it_hangs(plain.get_file(ask("x"))).await.unwrap_err();
    assert!(
        assay_api::status::is_connection_lost(&refused),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_handler_knows_who_asks_and_not_the_token() {
    let place = Place::new();
    let token = generate().unwrap();
    write_tokens(&place.at("tokens.toml").unwrap(), &token, "");
    let running = serve_secured(config(), &TlsConfig::default(), &place.access()).await;
    let mut client = running.client().await;
    let answer = client.get_file(with(&token, ask("caller"))).await.unwrap();
    assert_eq!(answer.into_inner().content, b"lab-7 false");
    let refused = client.get_file(ask("caller")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    running.end().await.unwrap();
}

#[tokio::test]
async fn an_open_answer_ends_when_its_token_is_taken_back() {
    let place = Place::new();
    let (token, tokens) = (generate().unwrap(), place.at("tokens.toml").unwrap());
    write_tokens(&tokens, &token, "");
    let running = serve_secured(config(), &TlsConfig::default(), &place.access()).await;
    let mut client = running.client().await;
    let open = client.render_image_stream(with(&token, ask_stream("open")));
    let mut open = open.await.unwrap().into_inner();
    open.message().await.unwrap().unwrap();
    write_tokens(&tokens, &token, "revoked = true");
    let ended = unless_it_hangs(open.message()).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated);
    let refused = client.get_file(with(&token, ask("x"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    running.end().await.unwrap();
}

#[tokio::test]
async fn an_open_answer_keeps_its_place_and_gives_it_back() {
    let place = Place::new();
    let (token, tokens) = (generate().unwrap(), place.at("tokens.toml").unwrap());
    write_tokens(&tokens, &token, "");
    let running = serve_secured(config(), &TlsConfig::default(), &place.access()).await;
    let mut client = running.client().await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let stream = client.render_image_stream(with(&token, ask_stream("open")));
        open.push(stream.await.unwrap().into_inner());
    }
    let full = client.get_file(with(&token, ask("x"))).await.unwrap_err();
    assert_eq!(full.code(), Code::ResourceExhausted);
    assert!(full.message().contains("lab-7"), "{full:?}");
    assert!(assay_api::status::retry_after(&full).is_some());
    open.pop();
    // The server hears of it a moment later.
    let again = async {
        while client.get_file(with(&token, ask("x"))).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    unless_it_hangs(again).await;
    drop(open);
    running.end().await.unwrap();
}
