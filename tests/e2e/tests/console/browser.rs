//! The console in a real browser, where one is installed.

use assay_e2e::{
    collection, foreign,
    server::Server,
    tokens::{self, FILE},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, ffi::OsString, fs, path::Path};

/// Starts a server with a model and a finished job, and lets the browser look at it.
fn look(folder: &Path, more: &[&str], token: Option<&str>, files: usize) -> Option<Value> {
    let spectra = collection::simulate(folder, 4, 2).unwrap().spectra;
    collection::train(folder).unwrap();
    let server = Server::start(folder, more).unwrap();
    let secret = folder.join("token");
    fs::write(&secret, token.unwrap_or_default()).unwrap();
    let secret = secret.to_str().unwrap();
    let who = if token.is_some() {
        &["--token-file", secret][..]
    } else {
        &[]
    };
    let push = [
        "models",
        "push",
        "--bundle",
        collection::BUNDLE,
        "--promote",
    ];
    server.run(folder, &[&push[..], who].concat()).unwrap();
    let submit = [
        "submit",
        "identify",
        "--wait",
        "--out",
        "batch",
        "--manifest",
    ];
    let submit = [&submit[..], &[collection::MANIFEST], who].concat();
    server.run(folder, &submit).unwrap();

    let mut arguments: Vec<OsString> = vec!["--server".into(), (&server.url).into()];
    if let Some(token) = token {
        arguments.extend(["--token".into(), token.into()]);
    }
    arguments.extend(["--shots".into(), folder.join("shots").into()]);
    let chosen = spectra.iter().take(files);
    arguments.extend(chosen.map(|one| folder.join("data").join(&one.name).into()));
    let told = foreign::python("the console in a browser", "console.py", arguments).unwrap()?;
    let told: Value = serde_json::from_str(&told).unwrap();
    if told["browser"].is_null() {
        eprintln!(
            "SKIPPED the console in a browser: there is no Chromium on the PATH. On Debian: \
             sudo apt-get install -y chromium"
        );
        return None;
    }
    for shot in ["identify", "jobs", "models", "server"] {
        for look in ["light", "dark", "narrow", "narrow-dark"] {
            let shot = folder.join("shots").join(format!("{shot}-{look}.png"));
            assert!(
                fs::metadata(&shot).unwrap().len() > 5000,
                "{}",
                shot.display()
            );
        }
    }
    Some(told)
}

fn check(told: &Value) {
    assert_eq!(told["foreign"], json!([]), "{told}");
    assert_eq!(told["too_wide"], Value::Null, "{told}");
    assert!(told["regions"].as_u64().unwrap() >= 1, "{told}");
    assert!(told["colours"].as_u64().unwrap() > 20, "{told}");
    let readout = told["readout"].as_str().unwrap();
    assert!(
        readout.contains("keV") && readout.contains("importance"),
        "{readout}"
    );
    assert_eq!(told["jobs"], json!(["✓ succeeded"]));
    assert_eq!(told["aliases"], json!(["@production"]));
    assert_eq!(told["classes"].as_array().unwrap().len(), 10);
    let health = told["health"].as_array().unwrap().iter();
    let health: BTreeSet<_> = health.map(|state| state.as_str().unwrap()).collect();
    assert_eq!(health, BTreeSet::from(["✓ serves"]));
}

#[test]
fn a_dropped_spectrum_is_answered_and_every_page_works() {
    let folder = tempfile::tempdir().unwrap();
    let Some(told) = look(folder.path(), &[], None, 1) else {
        return;
    };
    check(&told);
    assert_eq!(told["complaints"], json!([]), "{told}");
    assert!(!told["answer"].as_str().unwrap().is_empty());
}

#[test]
fn a_token_is_asked_for_and_several_files_make_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let token = tokens::new(folder, "olga", "operator").unwrap();
    let access = format!("access.tokens={FILE}");
    let Some(told) = look(folder, &["--set", &access], Some(&token), 5) else {
        return;
    };
    check(&told);
    assert_eq!(told["rows"].as_array().unwrap().len(), 5, "{told}");
}
