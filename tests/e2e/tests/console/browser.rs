//! The console in a real browser, where one is installed.

use assay_e2e::{
    collection, foreign,
    server::Server,
    tokens::{self, FILE},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, ffi::OsString, fs, path::Path};

/// Runs the browser; `None` after saying that there is none.
fn browse(arguments: &[OsString]) -> Option<Value> {
    let told = foreign::python("the console in a browser", "console.py", arguments).unwrap()?;
    let told: Value = serde_json::from_str(&told).unwrap();
    if told["browser"].is_null() {
        eprintln!(
            "SKIPPED the console in a browser: there is no Chromium on the PATH. On Debian: \
             sudo apt-get install -y chromium"
        );
        return None;
    }
    Some(told)
}

/// Checks that there are pictures in every look.
fn check_shots(folder: &Path, names: &[&str]) {
    for name in names {
        for look in ["light", "dark", "narrow", "narrow-dark"] {
            let shot = folder.join("shots").join(format!("{name}-{look}.png"));
            assert!(
                fs::metadata(&shot).unwrap().len() > 5000,
                "{}",
                shot.display()
            );
        }
    }
}

/// Starts a server with a model and a finished job, and lets the browser look at it; without a token,
/// it also asks for every reason.
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
    } else {
        arguments.push("--reasons".into());
    }
    arguments.extend(["--shots".into(), folder.join("shots").into()]);
    let chosen = spectra.iter().take(files);
    arguments.extend(chosen.map(|one| folder.join("data").join(&one.name).into()));
    let told = browse(&arguments)?;
    check_shots(folder, &["identify", "jobs", "models", "server"]);
    Some(told)
}

/// Checks values that are shown with three digits behind the point.
fn check_ranges(shown: &Value) {
    let number = |name: &str| shown[name].as_f64().unwrap();
    assert_eq!(shown["count"], 64, "{shown}");
    let (base, sum, logit) = (number("base"), number("sum"), number("logit"));
    assert!((base + sum - logit).abs() < 0.002, "{shown}");
    // Ten ranges, the others together, with everything hidden, and what these make.
    let column = shown["column"].as_array().unwrap().iter();
    let column: Vec<_> = column.map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(column.len(), 13, "{shown}");
    let (total, parts) = column.split_last().unwrap();
    assert!((parts.iter().sum::<f64>() - total).abs() < 0.007, "{shown}");
    assert!((total - logit).abs() < 1e-9, "{shown}");
    assert!(column[0].abs() > 0.01, "nothing adds anything: {shown}");
    let falls = column[..10].is_sorted_by(|a, b| a.abs() >= b.abs());
    assert!(falls, "{shown}");
}

fn check_reasons(told: &Value) {
    assert_ne!(told["readout_of_other"], told["readout"], "{told}");
    let peaks = told["peaks"].as_u64().unwrap();
    assert!((1..=12).contains(&peaks), "{told}");
    let ranges = &told["ranges"];
    check_ranges(ranges);
    let progress = ranges["progress"].as_array().unwrap();
    assert!(!progress.is_empty(), "{told}");
    for words in progress {
        let words = words.as_str().unwrap();
        let (so_far, rest) = words.split_once(' ').unwrap();
        assert!((1..=200).contains(&so_far.parse::<u32>().unwrap()));
        assert_eq!(rest, "of 200 runs of the network");
    }
    let stopped = told["stopped"].as_array().unwrap();
    assert_eq!(stopped.len(), 2, "at the first progress, and before it");
    for stopped in stopped {
        let words = stopped["words"].as_str().unwrap();
        assert!(
            words.starts_with("Stopped") && words.ends_with("is not known."),
            "{words}"
        );
        assert_eq!(stopped["focus"], "What does each range add?");
        assert_eq!(stopped["usable"], true);
    }
    let from_mean = &told["ranges_from_mean"];
    check_ranges(from_mean);
    let words = from_mean["words"].as_str().unwrap();
    assert!(words.contains("stands the training mean"), "{words}");
    assert_ne!(from_mean["column"], ranges["column"]);
    for (name, has_shapley) in [("report", false), ("full_report", true)] {
        let report = &told[name];
        assert_eq!(report["name"], "explanation.html");
        assert_eq!(report["begins"], "<!doctype html>");
        assert_eq!(report["shapley"], has_shapley, "{name}");
    }
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
    check_reasons(&told);
    check_shots(folder.path(), &["reasons"]);
    assert_eq!(told["complaints"], json!([]), "{told}");
    assert!(!told["answer"].as_str().unwrap().is_empty());
}

#[test]
fn without_a_default_the_only_model_answers_and_several_are_to_choose_from() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let spectra = collection::simulate(folder, 3, 1).unwrap().spectra;
    collection::train(folder).unwrap();
    let server = Server::start(folder, &[]).unwrap();
    let run = |arguments: &[&str]| server.run(folder, arguments).unwrap();
    let push = |name, version| {
        let push = ["models", "push", "--bundle", collection::BUNDLE];
        run(&[&push[..], &["--name", name, "--version", version]].concat());
    };
    let arguments: Vec<OsString> = vec![
        "--server".into(),
        (&server.url).into(),
        "--only-answer".into(),
        folder.join("data").join(&spectra[0].name).into(),
    ];
    let answered_by = |expected: &str| {
        let told = browse(&arguments)?;
        assert_eq!(told["model"], expected, "{told}");
        assert!(!told["answer"].as_str().unwrap().is_empty());
        Some(told)
    };
    push("minerals", "2");
    push("minerals", "10");
    let Some(newest) = answered_by("minerals:10") else {
        return;
    };
    run(&["models", "promote", "minerals", "--version", "2"]);
    let promoted = answered_by("minerals@production").unwrap();
    for told in [newest, promoted] {
        assert_eq!(told["refused"], Value::Null, "{told}");
        assert_eq!(told["hint"], "");
        assert_eq!(told["complaints"], json!([]), "{told}");
    }
    push("metals", "1");
    let told = answered_by("metals:1").unwrap();
    let refused = told["refused"].as_str().unwrap();
    assert!(refused.contains("Choose a model"), "{refused}");
    let hint = told["hint"].as_str().unwrap();
    assert!(hint.contains("choose one"), "{hint}");
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
