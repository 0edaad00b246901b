//! Certificates of clients: who shows none, one of somebody else's or one whose time is over, and
//! what the name in a good one is worth.

use crate::{fails, setting, succeeds};
use assay_e2e::{
    certificates::{Authority, Identity},
    metrics::Metrics,
    server::Server,
    tool as openassay,
};
use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    process::{Command, Output},
};
use tempfile::TempDir;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OPERATOR: &str = "spiffe://lab/operator";

/// Who may what, by certificate alone.
const PRINCIPALS: &str = "\
[[principal]]
name = \"the-operator\"
roles = [\"operator\"]
certificate = \"spiffe://lab/operator\"

[[principal]]
name = \"the-instrument\"
roles = [\"instrument\"]
certificate = \"spiffe://lab/instrument\"
";

struct Mutual {
    server: Server,
    authority: Authority,
    folder: TempDir,
}

impl Mutual {
    fn start(mode: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("authority").unwrap();
        let ca = authority.write(folder.path(), "ca.pem").unwrap();
        let identity = authority.server(folder.path(), "server", HOME).unwrap();
        fs::write(folder.path().join("tokens.toml"), PRINCIPALS).unwrap();
        let settings = [
            setting("tls.certificate", &identity.certificate),
            setting("tls.key", &identity.key),
            setting("tls.client_ca", &ca),
            format!("tls.client_certificates={mode}"),
            "server.metrics_listen=127.0.0.1:0".to_owned(),
        ];
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let arguments: Vec<_> = settings.chain(more.iter().copied()).collect();
        Self {
            server: Server::start(folder.path(), &arguments).unwrap(),
            authority,
            folder,
        }
    }

    /// Lists models, showing this.
    fn list(&self, identity: Option<&Identity>) -> Output {
        let mut command = Command::new(openassay::executable().unwrap());
        command
            .args(["models", "list", "--ca", "ca.pem"])
            .env("OPENASSAY_SERVER", &self.server.url)
            .current_dir(self.folder.path());
        if let Some(Identity { certificate, key }) = identity {
            command.arg("--client-certificate").arg(certificate);
            command.arg("--client-key").arg(key);
        }
        command.output().unwrap()
    }

    fn failures(&self, reason: &str) -> f64 {
        let metrics = Metrics::read(&self.server.metrics_address().unwrap()).unwrap();
        metrics.get(&format!(
            "openassay_tls_handshake_failures_total{{reason=\"{reason}\"}}"
        ))
    }
}

#[test]
fn only_good_certificates_come_in_where_they_are_required() {
    let mutual = Mutual::start("required", &[]);
    let folder = mutual.folder.path();
    let good = mutual.authority.client(folder, "good", OPERATOR).unwrap();
    succeeds(&mutual.list(Some(&good)));
    let said = fails(&mutual.list(None), 69);
    assert!(said.contains("--client-certificate"), "{said}");
    let stranger = Authority::new("stranger").unwrap();
    let other = stranger.client(folder, "other", OPERATOR).unwrap();
    fails(&mutual.list(Some(&other)), 69);
    let expired = mutual.authority.expired(folder, "late", HOME, OPERATOR);
    fails(&mutual.list(Some(&expired.unwrap())), 69);
    let mixed = Identity {
        certificate: good.certificate.clone(),
        key: other.key.clone(),
    };
    let said = fails(&mutual.list(Some(&mixed)), 69);
    assert!(said.contains("certificate or key cannot be used"), "{said}");
    assert!(mutual.failures("certificate") >= 3.0);
    succeeds(&mutual.list(Some(&good)));
}

#[test]
fn a_verified_certificate_stands_for_its_principal() {
    let tokens = ["--set", "access.tokens=tokens.toml"];
    let mutual = Mutual::start("optional", &tokens);
    let folder = mutual.folder.path();
    let client = |name: &str| {
        let uri = format!("spiffe://lab/{name}");
        mutual.authority.client(folder, name, &uri).unwrap()
    };
    succeeds(&mutual.list(Some(&client("operator"))));
    let said = fails(&mutual.list(Some(&client("instrument"))), 77);
    assert!(said.contains("the-instrument has instrument"), "{said}");
    let said = fails(&mutual.list(Some(&client("nobody"))), 77);
    assert!(said.contains("does not know who asks"), "{said}");
    fails(&mutual.list(None), 77);
    // Whoever shows one must show a good one, also where none is needed.
    let stranger = Authority::new("stranger").unwrap();
    let other = stranger.client(folder, "other", OPERATOR).unwrap();
    fails(&mutual.list(Some(&other)), 69);
}
