//! `openassay token`: a token is shown once and never again, and files are changed as a whole.

use crate::tool::Bench;
use std::{fs, thread};

const NEW: [&str; 8] = [
    "token",
    "new",
    "--file",
    "tokens.toml",
    "--principal",
    "lab-7",
    "--role",
    "instrument",
];

#[test]
fn a_token_is_printed_once_and_the_file_holds_its_hash() {
    let bench = Bench::new();
    let made = bench.run(&NEW).succeeds();
    let token = made.out.trim();
    assert!(
        token.starts_with("openassay_") && token.len() == 74,
        "{made:?}"
    );
    assert_eq!(made.err, "");
    let file = fs::read_to_string(bench.path("tokens.toml")).unwrap();
    let secret = &token["openassay_".len()..];
    assert!(!file.contains(secret), "{file}");
    let list = ["token", "list"];
    for listed in [
        bench.run(&list).succeeds(),
        bench.run(&[&list[..], &["--json"]].concat()).succeeds(),
    ] {
        assert!(listed.out.contains("lab-7") && !listed.out.contains(secret));
        assert!(listed.out.contains("valid"), "{listed:?}");
    }
    let second = [&NEW[..6], &["--expires", "2999-01-01"]].concat();
    let second = bench.run(&second).succeeds();
    assert_ne!(second.out, made.out);
    let revoke = ["token", "revoke", "--principal", "lab-7"];
    let hash = file.split("hash = \"").nth(1).unwrap()[..8].to_owned();
    bench
        .run(&[&revoke[..], &["--token", &hash]].concat())
        .succeeds();
    let listed = bench.run(&list).succeeds().out;
    assert!(
        listed.contains("revoked") && listed.contains("valid"),
        "{listed}"
    );
    assert!(listed.contains("2999-01-01"), "{listed}");
    bench.run(&revoke).succeeds();
    assert!(!bench.run(&list).succeeds().out.contains("valid"));
    assert_eq!(bench.names(), ["tokens.toml"]);
}

#[test]
fn without_a_file_the_lines_for_one_are_shown_beside_the_token() {
    let bench = Bench::new();
    let without = [&NEW[..2], &NEW[4..]].concat();
    let made = bench.run(&without).succeeds();
    assert_eq!(made.out.lines().count(), 1);
    assert!(!made.err.contains(made.out.trim()), "{made:?}");
    bench.write("tokens.toml", &made.err);
    assert!(
        bench
            .run(&["token", "list"])
            .succeeds()
            .out
            .contains("lab-7")
    );
}

#[test]
fn what_cannot_be_done_is_told_and_changes_nothing() {
    let bench = Bench::new();
    bench.run(&["token", "list"]).fails(66, &["tokens.toml"]);
    bench.run(&NEW).succeeds();
    let before = fs::read(bench.path("tokens.toml")).unwrap();
    let with = |more: &[&str]| bench.run(&[&NEW[..4], more].concat());
    with(&["--principal", "anna"]).fails(65, &["needs a role"]);
    with(&["--principal", "a b", "--role", "worker"]).fails(65, &["name"]);
    with(&["--principal", "anonymous", "--role", "worker"]).fails(65, &["take another"]);
    with(&["--principal", "lab-7", "--role", "operator"]).fails(65, &["has the roles"]);
    let past = [
        "--principal",
        "x",
        "--role",
        "worker",
        "--expires",
        "2001-01-01",
    ];
    with(&past).fails(64, &["in the past"]);
    let never = ["--principal", "x", "--role", "worker", "--expires", "soon"];
    with(&never).fails(64, &["2027-01-01"]);
    let revoke = ["token", "revoke", "--principal"];
    let nobody = bench.run(&[&revoke[..], &["anna"]].concat());
    nobody.fails(66, &["knows no \"anna\""]);
    let other = bench.run(&[&revoke[..], &["lab-7", "--token", "xyz"]].concat());
    other.fails(66, &["it has: "]);
    assert_eq!(fs::read(bench.path("tokens.toml")).unwrap(), before);
    let elsewhere = [&NEW[..3], &["missing/tokens.toml"], &NEW[4..]].concat();
    bench.run(&elsewhere).fails(66, &["missing"]);
    bench.write("tokens.toml", "[[principal");
    bench.run(&NEW).fails(65, &["tokens.toml", "line 1"]);
}

#[test]
fn many_at_once_lose_no_token() {
    let bench = Bench::new();
    thread::scope(|scope| {
        for number in 0..8 {
            let bench = &bench;
            scope.spawn(move || {
                let name = format!("lab-{number}");
                let new = [&NEW[..5], &[name.as_str()], &NEW[6..]].concat();
                bench.run(&new).succeeds();
            });
        }
    });
    let file = fs::read_to_string(bench.path("tokens.toml")).unwrap();
    assert_eq!(file.matches("hash = ").count(), 8, "{file}");
}
