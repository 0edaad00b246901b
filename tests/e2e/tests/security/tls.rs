//! Encrypted connections: whom clients believe, what instruments of an older make speak, peers that
//! are slow or speak something else, certificates that are replaced while the server runs.

use crate::{HANGS, fails, handshake::greet, setting, succeeds, unless_it_hangs};
use assay_e2e::{
    certificates::{Authority, Identity},
    metrics::Metrics,
    server::Server,
    tool as openassay,
};
use rustls::{
    ProtocolVersion,
    version::{TLS12, TLS13},
};
use std::{
    fs,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The begin of a handshake: a record of 512 bytes is announced, and 8 of them come.
const HALF_A_HELLO: [u8; 13] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0];

/// A server with a certificate of an authority.
struct Encrypted {
    server: Server,
    authority: Authority,
    /// The authority's own certificate.
    ca: PathBuf,
    identity: Identity,
    folder: TempDir,
}

impl Encrypted {
    fn start(more: &[&str]) -> Self {
        Self::start_with(more, |authority, folder| {
            authority.server(folder, "server", HOME).unwrap()
        })
    }

    fn start_with(more: &[&str], sign: impl FnOnce(&Authority, &Path) -> Identity) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("authority").unwrap();
        let ca = authority.write(folder.path(), "ca.pem").unwrap();
        let identity = sign(&authority, folder.path());
        let certificate = setting("tls.certificate", &identity.certificate);
        let key = setting("tls.key", &identity.key);
        let arguments = ["--set", &certificate, "--set", &key];
        let arguments = [&arguments[..], more].concat();
        let server = Server::start(folder.path(), &arguments).unwrap();
        assert!(server.url.starts_with("https://"), "{}", server.url);
        Self {
            server,
            authority,
            ca,
            identity,
            folder,
        }
    }

    /// Lists the models of the server at a URL with these options.
    fn list(&self, url: &str, options: &[&str]) -> Output {
        Command::new(openassay::executable().unwrap())
            .args(["models", "list", "--server", url])
            .args(options)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    fn answers(&self) {
        let ca = ["--ca", self.ca.to_str().unwrap()];
        succeeds(&self.list(&self.server.url, &ca));
    }
}

#[test]
fn clients_believe_the_right_authority_and_no_other() {
    let encrypted = Encrypted::start(&[]);
    encrypted.answers();
    let url = encrypted.server.url.as_str();
    let stranger = Authority::new("stranger").unwrap();
    let stranger = stranger.write(encrypted.folder.path(), "stranger.pem");
    let stranger = stranger.unwrap();
    let said = fails(
        &encrypted.list(url, &["--ca", stranger.to_str().unwrap()]),
        69,
    );
    assert!(said.contains("cannot be encrypted"), "{said}");
    // What the system trusts has never heard of this authority.
    let said = fails(&encrypted.list(url, &[]), 69);
    assert!(said.contains("--ca"), "{said}");
    // The certificate is for another address.
    let other = url.replace("127.0.0.1", "localhost");
    let ca = ["--ca", encrypted.ca.to_str().unwrap()];
    fails(&encrypted.list(&other, &ca), 69);
    // Unencrypted.
    let plain = url.replace("https://", "http://");
    fails(&encrypted.list(&plain, &ca), 69);
    // Files that hold something else.
    for wrong in ["missing.pem", "server.key"] {
        let said = fails(&encrypted.list(url, &["--ca", wrong]), 69);
        assert!(said.contains(wrong), "{said}");
    }
    encrypted.answers();
    assert!(encrypted.server.terminate().unwrap().success());
}

#[test]
fn an_expired_certificate_is_not_believed() {
    let expired = Encrypted::start_with(&[], |authority, folder| {
        authority
            .expired(folder, "server", HOME, "spiffe://x")
            .unwrap()
    });
    let ca = ["--ca", expired.ca.to_str().unwrap()];
    let said = fails(&expired.list(&expired.server.url, &ca), 69);
    assert!(said.to_lowercase().contains("expired"), "{said}");
    expired.server.ask_to_end().unwrap();
    let log = expired.server.ended(HANGS).unwrap().log.join("\n");
    assert!(log.contains("has expired"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_are_spoken_and_http_2_only() {
    let encrypted = Encrypted::start(&[]);
    let (url, ca) = (&encrypted.server.url, &encrypted.authority.pem);
    let old = greet(url, ca, &[&TLS12], b"h2").await.unwrap();
    assert_eq!(old.version, Some(ProtocolVersion::TLSv1_2));
    let new = greet(url, ca, &[&TLS13, &TLS12], b"h2").await.unwrap();
    assert_eq!(new.version, Some(ProtocolVersion::TLSv1_3));
    for greeted in [old, new] {
        assert_eq!(greeted.protocol.as_deref(), Some(&b"h2"[..]));
    }
    greet(url, ca, &[&TLS13], b"http/1.1").await.unwrap_err();
    encrypted.answers();
}

#[test]
fn whoever_is_slow_or_speaks_something_else_holds_up_nobody() {
    let encrypted = Encrypted::start(&[]);
    let address = encrypted.server.url.strip_prefix("https://").unwrap();
    let words: [&[u8]; 4] = [
        b"",
        &HALF_A_HELLO,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /",
    ];
    let connections: Vec<_> = (0..100)
        .map(|number| {
            let mut connection = TcpStream::connect(address).unwrap();
            connection.write_all(words[number % words.len()]).unwrap();
            connection
        })
        .collect();
    encrypted.answers();
    drop(connections);
    encrypted.answers();
}

/// Puts a new certificate in the place of the one before, each file at once.
fn replace(encrypted: &Encrypted, new: &Identity) {
    fs::rename(&new.key, &encrypted.identity.key).unwrap();
    fs::rename(&new.certificate, &encrypted.identity.certificate).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_while_the_server_runs() {
    let encrypted = Encrypted::start(&["--set", "server.metrics_listen=127.0.0.1:0"]);
    let (url, ca) = (&encrypted.server.url, &encrypted.authority.pem);
    let shown = async || greet(url, ca, &[&TLS13], b"h2").await.unwrap().certificate;
    let first = shown().await;
    assert_eq!(shown().await, first);
    let folder = encrypted.folder.path();
    let new = encrypted.authority.server(folder, "new", HOME).unwrap();
    replace(&encrypted, &new);
    let replaced = async {
        while shown().await == first {
            tokio::task::yield_now().await;
        }
    };
    unless_it_hangs(replaced).await;
    let second = shown().await;
    encrypted.answers();

    // A broken one is not taken.
    fs::write(&encrypted.identity.certificate, "nonsense").unwrap();
    let metrics = encrypted.server.metrics_address().unwrap();
    let refused = "openassay_security_reloads_total{what=\"certificate\",result=\"refused\"}";
    let before = Metrics::read(&metrics).unwrap().get(refused);
    let looked = async {
        while Metrics::read(&metrics).unwrap().get(refused) <= before {
            tokio::task::yield_now().await;
        }
    };
    unless_it_hangs(looked).await;
    assert_eq!(shown().await, second);
    let ends = Metrics::read(&metrics).unwrap();
    assert!(ends.get("openassay_tls_certificate_end_timestamp_seconds") > 0.0);
    let third = encrypted.authority.server(folder, "new", HOME).unwrap();
    replace(&encrypted, &third);
    let replaced = async {
        while shown().await == second {
            tokio::task::yield_now().await;
        }
    };
    unless_it_hangs(replaced).await;
}
