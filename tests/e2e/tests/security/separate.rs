//! The services as programs of their own, which show each other certificates and tokens.

use crate::{HANGS, fails, setting, succeeds};
use assay_e2e::{
    certificates::Authority,
    cluster::{CONTROL, Cluster, EVERY, EXPLAINER, GATE, INFERENCE, TRAINER, own_address},
    collection::{self, MANIFEST},
    tokens,
};
use serde_json::Value;
use std::{fs, net::IpAddr, path::Path, time::Instant};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const TRAINING: &str = r#"{
    "model": {"kind": "cnn1d", "variant": {"small_gap": {"pool": 8}}},
    "schedule": {"bounds": {"base": 0.001, "max": 0.01}},
    "gate": {"candidates": [2, 4], "folds": 3},
    "validation": {"from": "none"},
    "epochs": 20
}"#;

/// Where everything lies that proves who is who.
struct Papers {
    settings: Vec<String>,
    operator: String,
    analyst: String,
    worker: String,
}

impl Papers {
    fn prepare(folder: &Path, host: IpAddr) -> Self {
        let authority = Authority::new("authority").unwrap();
        let ca = authority.write(folder, "ca.pem").unwrap();
        let service = authority
            .service(folder, "service", host, "spiffe://lab/service")
            .unwrap();
        authority
            .client(folder, "person", "spiffe://lab/person")
            .unwrap();
        let settings = vec![
            setting("tls.certificate", &service.certificate),
            setting("tls.key", &service.key),
            setting("tls.client_ca", &ca),
            "tls.client_certificates=required".to_owned(),
            setting("access.tokens", &folder.join(tokens::FILE)),
        ];
        let new = |role: &str| tokens::new(folder, &format!("the-{role}"), role).unwrap();
        Self {
            settings,
            operator: new("operator"),
            analyst: new("analyst"),
            worker: new("worker"),
        }
    }

    /// What a service shows others.
    fn peers(folder: &Path) -> Vec<String> {
        vec![
            setting("peers.ca", &folder.join("ca.pem")),
            setting("peers.certificate", &folder.join("service.crt")),
            setting("peers.key", &folder.join("service.key")),
            setting("peers.token_file", &folder.join("worker.token")),
        ]
    }
}

#[test]
fn services_know_each_other_by_certificates_and_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collection = collection::simulate(folder, 4, 2).unwrap();
    fs::write(folder.join("training.json"), TRAINING).unwrap();
    let host = own_address();
    let papers = Papers::prepare(folder, host.into());
    // To begin with, one that nobody knows.
    let nobody = format!("openassay_{}", "0".repeat(64));
    fs::write(folder.join("worker.token"), nobody).unwrap();
    let peers = Papers::peers(folder);
    let every = papers.settings.iter().map(|s| (EVERY, s.as_str()));
    let asking = [GATE, EXPLAINER, TRAINER]
        .iter()
        .flat_map(|program| peers.iter().map(|s| (*program, s.as_str())));
    let settings: Vec<_> = every.chain(asking).collect();
    let mut cluster = Cluster::start_at(host, folder, &settings).unwrap();
    let of_folder = |name: &str| folder.join(name).display().to_string();
    cluster.set("OPENASSAY_CA", &of_folder("ca.pem"));
    cluster.set("OPENASSAY_CLIENT_CERTIFICATE", &of_folder("person.crt"));
    cluster.set("OPENASSAY_CLIENT_KEY", &of_folder("person.key"));
    let run_as = |cluster: &Cluster, token: &str, arguments: &[&str]| {
        let mut command = cluster.tool(arguments).unwrap();
        command.env("OPENASSAY_TOKEN", token).output().unwrap()
    };

    let submit = ["submit", "train", "--manifest", MANIFEST, "--json"];
    let with = ["--specification", "training.json", "--promote"];
    let submit = [&submit[..], &with].concat();
    fails(&run_as(&cluster, &papers.analyst, &submit), 77);
    fails(&run_as(&cluster, &papers.worker, &submit), 77);
    let job = json(&succeeds(&run_as(&cluster, &papers.operator, &submit)));
    let id = job["id"].as_str().unwrap();
    // Nobody works on it as long as the trainer's token is not taken; the next one is found without
    // a new start.
    fs::write(folder.join("worker.token"), &papers.worker).unwrap();
    let watched = run_as(&cluster, &papers.operator, &["watch", id, "--json"]);
    let watched = json(&succeeds(&watched));
    assert_eq!(watched["state"], "succeeded", "{watched}");

    let gate = cluster.url(GATE);
    assert!(gate.starts_with("https://"), "{gate}");
    let spectrum = format!("data/{}", collection.spectra[0].name);
    let identify = ["identify", "--server", &gate, "--json", &spectrum];
    let answers = json(&succeeds(&run_as(&cluster, &papers.analyst, &identify)));
    assert!(answers[0]["verdict"].is_string(), "{answers}");
    let batch = ["submit", "identify", "--wait", "--manifest", MANIFEST];
    succeeds(&run_as(&cluster, &papers.analyst, &batch));
    let explain = ["submit", "explain", "--wait", &spectrum];
    succeeds(&run_as(&cluster, &papers.analyst, &explain));

    // The services' own token is taken back: whoever asks them is told to come again, not that
    // they did something wrong.
    tokens::revoke(folder, "the-worker").unwrap();
    let (mut said, begun) = (String::new(), Instant::now());
    while said.is_empty() {
        assert!(begun.elapsed() < HANGS, "the token is still taken");
        let output = run_as(&cluster, &papers.analyst, &identify);
        if !output.status.success() {
            said = fails(&output, 69);
        }
    }
    assert!(said.contains("refuses this one"), "{said}");
    for program in [GATE, CONTROL, INFERENCE, TRAINER] {
        let log = cluster.log(program);
        for token in [&papers.worker, &papers.analyst, &papers.operator] {
            let secret = &token["openassay_".len()..];
            assert!(!log.contains(secret), "{program} shows a token");
        }
    }
}
