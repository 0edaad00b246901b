//! Jobs belong to who submits them: others do not see them, operators do; and what was done is in
//! the audit log.

use crate::{Guarded, HANGS, fails};
use assay_e2e::{checkout, collection, server::Server, tokens::FILE};
use serde_json::Value;
use std::fs;

/// A training that ends when it is told to.
const ENDLESS: &str = r#"{
    "model": {"kind": "cnn1d", "variant": {"small_gap": {"pool": 8}}},
    "schedule": {"bounds": {"base": 0.001, "max": 0.01}},
    "gate": {"candidates": [2, 4], "folds": 3},
    "validation": {"from": "none"},
    "epochs": 1000000
}"#;

const SUBMIT: [&str; 7] = [
    "submit",
    "train",
    "--manifest",
    collection::MANIFEST,
    "--specification",
    "training.json",
    "--json",
];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn analysts_have_their_own_jobs_and_operators_all() {
    let folder = tempfile::tempdir().unwrap();
    collection::simulate(folder.path(), 4, 2).unwrap();
    fs::write(folder.path().join("training.json"), ENDLESS).unwrap();
    let guarded = Guarded::start_in(folder, &[]);
    let job = json(&guarded.run_as("analyst", &SUBMIT));
    let id = job["id"].as_str().unwrap();
    let list = ["jobs", "list", "--json"];
    let listed = |who: &str| json(&guarded.run_as(who, &list)).as_array().unwrap().len();
    assert_eq!(
        (listed("analyst"), listed("bert"), listed("operator")),
        (1, 0, 1)
    );
    let (show, cancel) = (["jobs", "show", id], ["jobs", "cancel", id]);
    let fetch = ["jobs", "fetch", id, "--out", "x"];
    for arguments in [&show[..], &cancel, &fetch, &["watch", id]] {
        let said = fails(&guarded.output_as("bert", arguments), 66);
        assert!(said.contains("does not exist"), "{said}");
    }
    guarded.run_as("analyst", &show);
    guarded.run_as("operator", &show);
    // A training that promotes would do what only operators do.
    let promote = [&SUBMIT[..], &["--promote"]].concat();
    let said = fails(&guarded.output_as("analyst", &promote), 77);
    assert!(said.contains("operator"), "{said}");
    for who in ["instrument", "worker"] {
        let said = fails(&guarded.output_as(who, &list), 77);
        assert!(
            said.contains("analyst") && said.contains("JobService/List"),
            "{said}"
        );
    }
    let own = json(&guarded.run_as("bert", &SUBMIT));
    guarded.run_as("bert", &["jobs", "cancel", own["id"].as_str().unwrap()]);
    guarded.run_as("operator", &cancel);
    assert_eq!(
        (listed("analyst"), listed("bert"), listed("operator")),
        (1, 1, 2)
    );

    let (_, records) = guarded.end();
    let job = format!("job {id}");
    let written = |principal: &str, rpc: &str, resource: Option<&str>, outcome: &str| {
        let found = records.iter().any(|record| {
            record["principal"] == principal
                && record["rpc"].as_str().unwrap().ends_with(rpc)
                && record["resource"].as_str() == resource
                && record["outcome"] == outcome
                && !record["request_id"].as_str().unwrap().is_empty()
        });
        assert!(
            found,
            "{principal} {rpc} {outcome} is missing: {records:#?}"
        );
    };
    written("the-analyst", "/Submit", Some(&job), "OK");
    written("the-analyst", "/Submit", None, "PERMISSION_DENIED");
    written("bert", "/Cancel", Some(&job), "NOT_FOUND");
    written("the-operator", "/Cancel", Some(&job), "OK");
    written("the-instrument", "/List", None, "PERMISSION_DENIED");
}

#[test]
fn an_audit_log_without_room_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // Whatever is written there finds no room.
    let full = ["--set", "access.audit_file=/dev/full"];
    let server = Server::start(folder.path(), &full).unwrap();
    let promote = ["models", "promote", "nothing", "--version", "1"];
    for _ in 0..3 {
        fails(&server.output(folder.path(), &promote).unwrap(), 66);
    }
    server.ask_to_end().unwrap();
    let ended = server.ended(HANGS).unwrap();
    assert!(ended.status.success());
    let told = |words: &str| ended.log.iter().filter(|line| line.contains(words)).count();
    assert_eq!(told("a record of the audit log is lost"), 3);
    // What is done is in the log all the same, also where nobody is asked who they are.
    assert_eq!(told("model nothing@production to 1"), 3);
    assert_eq!(told("\"audit.principal\":\"anonymous\""), 3);
}

/// The log of everything, of the server and of the tool: [`Guarded::end`] looks through the
/// server's.
#[test]
fn neither_the_configuration_nor_the_longest_log_shows_a_token() {
    let everything = ["--set", "telemetry.filter=trace"];
    let guarded = Guarded::start(&everything);
    let token = guarded.tokens["operator"].as_str();
    let print = [
        "serve",
        "--print-config",
        "--set",
        "access.tokens=tokens.toml",
    ];
    let printed = guarded.run_as("operator", &print);
    assert!(printed.contains(FILE), "{printed}");
    let variables = [("OPENASSAY_TOKEN", token), ("OPENASSAY_LOG", "trace")];
    for arguments in [&["jobs", "list"][..], &["models", "describe", "nothing"]] {
        let output = guarded.output(&variables, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("TRACE"), "{said}");
        assert!(!said.contains(token), "{said}");
    }
    let unknown = format!("openassay_{}", "7".repeat(64));
    guarded.output(&[("OPENASSAY_TOKEN", &unknown)], &["jobs", "list"]);
    assert!(!printed.contains(token), "{printed}");
    let (log, _) = guarded.end();
    assert!(log.iter().any(|line| line.contains("TRACE")));
    assert!(!log.iter().any(|line| line.contains(&unknown)));
}

#[test]
fn no_file_of_this_repository_holds_a_token() {
    let root = checkout::root().unwrap();
    let Some(files) = checkout::files(&root).unwrap() else {
        eprintln!("SKIPPED: this is no git checkout, so which files belong to it is not known");
        return;
    };
    let holds = |text: &str| {
        text.match_indices("openassay_").any(|(at, prefix)| {
            let rest = text[at + prefix.len()..].bytes();
            rest.take_while(u8::is_ascii_hexdigit).count() >= 64
        })
    };
    let with: Vec<_> = files
        .iter()
        .filter(|file| file.text.as_deref().is_some_and(holds))
        .map(|file| &file.path)
        .collect();
    assert!(with.is_empty(), "tokens in {with:?}");
}
