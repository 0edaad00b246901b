//! The tool through encryption and tokens: what it does, what it refuses, what it says.

use crate::{Guarded, fails, setting, succeeds};
use assay_e2e::{
    certificates::Authority,
    collection::{self, BUNDLE, MANIFEST},
    tool as openassay,
};
use std::{fs, process::Command};

#[test]
fn everything_works_through_encryption_and_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection::simulate(folder.path(), 4, 2).unwrap();
    collection::train(folder.path()).unwrap();
    let authority = Authority::new("authority").unwrap();
    authority.write(folder.path(), "ca.pem").unwrap();
    let home = [127, 0, 0, 1].into();
    let identity = authority.server(folder.path(), "server", home).unwrap();
    let certificate = setting("tls.certificate", &identity.certificate);
    let key = setting("tls.key", &identity.key);
    let guarded = Guarded::start_in(folder, &["--set", &certificate, "--set", &key]);
    let file_of = |who: &str| format!("{who}.token");
    for (who, token) in &guarded.tokens {
        fs::write(guarded.folder().join(file_of(who)), format!("{token}\n")).unwrap();
    }
    let run = |who: &str, arguments: &[&str]| {
        let environment = [
            ("OPENASSAY_CA", "ca.pem"),
            ("OPENASSAY_TOKEN_FILE", &file_of(who)),
        ];
        succeeds(&guarded.output(&environment, arguments))
    };
    let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
    run("operator", &push);
    let url = &guarded.server.url;
    let spectrum = format!("data/{}", collection.spectra[0].name);
    let identify = ["identify", "--server", url, "--json", &spectrum];
    let answers: serde_json::Value = serde_json::from_str(&run("instrument", &identify)).unwrap();
    assert!(answers[0]["verdict"].is_string(), "{answers}");
    let submit = ["submit", "identify", "--manifest", MANIFEST];
    let wait = ["--wait", "--out", "batch", "--json"];
    let job = run("analyst", &[&submit[..], &wait].concat());
    let job: serde_json::Value = serde_json::from_str(&job).unwrap();
    assert_eq!(job["state"], "succeeded", "{job}");
    let rows = fs::read_to_string(guarded.folder().join("batch/results.jsonl")).unwrap();
    assert_eq!(rows.lines().count(), collection.spectra.len());
    let watch = ["watch", job["id"].as_str().unwrap(), "--json"];
    run("analyst", &watch);
    run(
        "operator",
        &["models", "pull", "default", "--bundle", "pulled"],
    );

    // An option wins over the variable with the token itself.
    let token_file = ["--token-file", "operator.token", "--ca", "ca.pem"];
    let list = [&["models", "list"][..], &token_file].concat();
    let variable = [("OPENASSAY_TOKEN", guarded.tokens["instrument"].as_str())];
    succeeds(&guarded.output(&variable, &list));
    let (_, records) = guarded.end();
    let promoted = records
        .iter()
        .find(|record| record["rpc"] == "openassay.registry.v1.RegistryService/Promote");
    let resource = promoted.unwrap()["resource"].as_str().unwrap();
    assert!(
        resource.starts_with("model default@production to "),
        "{resource}"
    );
}

#[test]
fn a_token_goes_to_no_other_machine_unencrypted() {
    let folder = tempfile::tempdir().unwrap();
    let token = format!("openassay_{}", "5".repeat(64));
    let output = |more: &[&str]| {
        // An address of documentation (RFC 5737), which nobody has.
        let server = ["jobs", "list", "--server", "http://192.0.2.1:50051"];
        Command::new(openassay::executable().unwrap())
            .args([&server[..], more].concat())
            .env("OPENASSAY_TOKEN", &token)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let said = fails(&output(&[]), 64);
    assert!(
        said.contains("unencrypted") && said.contains("--insecure-token"),
        "{said}"
    );
    assert!(!said.contains(&token), "{said}");
    let gate = ["assay-gate", "--set", "peers.token_file=token"];
    let urls = [
        "inference_url=http://192.0.2.1:1",
        "control_url=http://192.0.2.1:2",
    ];
    let gate = Command::new(openassay::program(gate[0]).unwrap())
        .args(&gate[1..])
        .args(["--set", urls[0], "--set", urls[1]])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = fails(&gate, 64);
    for key in ["inference_url", "control_url", "insecure_token"] {
        assert!(said.contains(key), "{said}");
    }
}

#[test]
fn what_is_no_token_is_told_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty"), "\n").unwrap();
    for (file, code, words) in [("empty", 69, "is no token"), ("missing", 69, "cannot read")] {
        let arguments = ["jobs", "list", "--token-file", file];
        let output = openassay::start(folder.path(), &arguments).unwrap();
        let said = fails(&output, code);
        assert!(said.contains(words) && said.contains(file), "{said}");
    }
}
