//! Callers who are not known, and callers who are no longer known: they are told the same, at
//! once and without a new start.

use crate::{AUDIT, Guarded, at, unless_it_hangs};
use assay_e2e::{
    client::connect,
    metrics::Metrics,
    raw::{self, Call},
    tokens::{self, FILE, bearer},
};
use std::fs;
use tonic::{Code, Status, transport::Channel};

const DESCRIBE: &str = "/openassay.gate.v1.GateService/DescribeGate";

async fn ask(channel: &Channel, authorization: Option<&str>) -> Status {
    let call = Call::of(DESCRIBE, &());
    let call = match authorization {
        Some(word) => call.header("authorization", word),
        None => call,
    };
    raw::send(channel, &call).await.unwrap().status
}

/// Asks until the answer has this code.
async fn becomes(channel: &Channel, token: &str, code: Code) {
    let asked = async {
        while ask(channel, Some(&bearer(token))).await.code() != code {
            tokio::task::yield_now().await;
        }
    };
    unless_it_hangs(asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_strangers_are_told_the_same_and_the_log_tells_them_apart() {
    let guarded = Guarded::start(&["--set", "server.metrics_listen=127.0.0.1:0"]);
    let path = at(guarded.folder(), FILE);
    let channel = connect(&guarded.server.url).unwrap();
    let good = bearer(&guarded.tokens["instrument"]);
    let known = ask(&channel, Some(&good)).await;
    assert_ne!(known.code(), Code::Unauthenticated, "{known}");

    // One that was good until a moment ago.
    let late = tokens::new(guarded.folder(), "late", "instrument").unwrap();
    let hash_line = "[[principal.token]]\n";
    let text = fs::read_to_string(&path).unwrap();
    let (before, last) = text.rsplit_once(hash_line).unwrap();
    let expired = format!("{before}{hash_line}expires = 1999-01-01\n{last}");
    fs::write(&path, expired).unwrap();
    // One that was good and is taken back, while somebody uses it.
    let revoked = tokens::new(guarded.folder(), "gone", "instrument").unwrap();
    becomes(&channel, &revoked, known.code()).await;
    tokens::revoke(guarded.folder(), "gone").unwrap();
    becomes(&channel, &revoked, Code::Unauthenticated).await;

    let unknown = format!("Bearer openassay_{}", "0".repeat(64));
    let shown = [
        None,
        Some("".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer nonsense".to_owned()),
        Some(good.replace("Bearer ", "Basic ")),
        Some(good.to_uppercase()),
        Some(unknown),
        Some(bearer(&late)),
        Some(bearer(&revoked)),
    ];
    let mut told = Vec::new();
    for shown in &shown {
        let status = ask(&channel, shown.as_deref()).await;
        assert_eq!(status.code(), Code::Unauthenticated, "{status}");
        told.push((status.message().to_owned(), status.details().to_vec()));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");

    let metrics = Metrics::read(&guarded.server.metrics_address().unwrap()).unwrap();
    for (reason, at_least) in [
        ("missing", 1.0),
        ("malformed", 5.0),
        ("unknown", 1.0),
        ("expired", 1.0),
        ("revoked", 1.0),
    ] {
        let name = format!("openassay_access_refused_total{{reason=\"{reason}\"}}");
        assert!(metrics.get(&name) >= at_least, "{name}: {metrics:?}");
    }
    let (_, records) = guarded.end();
    for (principal, reason) in [
        ("unknown", "missing"),
        ("late", "expired"),
        ("gone", "revoked"),
    ] {
        let found = records
            .iter()
            .any(|record| record["principal"] == principal && record["reason"] == reason);
        // A flood leaves records out; the kinds that came once each came after it.
        let left_out = records.iter().any(|record| record["left_out"].is_u64());
        assert!(
            found || left_out,
            "{reason} is missing in {AUDIT}: {records:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_of_tokens_changes_nothing() {
    let guarded = Guarded::start(&["--set", "server.metrics_listen=127.0.0.1:0"]);
    let path = at(guarded.folder(), FILE);
    let channel = connect(&guarded.server.url).unwrap();
    let good = bearer(&guarded.tokens["instrument"]);
    let before = ask(&channel, Some(&good)).await.code();
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let metrics = guarded.server.metrics_address().unwrap();
    let refused = "openassay_security_reloads_total{what=\"tokens\",result=\"refused\"}";
    let looked = async {
        while Metrics::read(&metrics).unwrap().get(refused) < 1.0 {
            tokio::task::yield_now().await;
        }
    };
    unless_it_hangs(looked).await;
    assert_eq!(ask(&channel, Some(&good)).await.code(), before);
    // Whole again, with one more.
    fs::write(&path, &whole).unwrap();
    let new = tokens::new(guarded.folder(), "new", "instrument").unwrap();
    becomes(&channel, &new, before).await;
    let (log, _) = guarded.end();
    let told = log
        .iter()
        .filter(|line| line.contains("is not taken"))
        .count();
    assert_eq!(told, 1, "{log:?}");
}

#[test]
fn limits_hold_for_each_principal() {
    let limits = [
        "--set",
        "access.requests_per_s=0.01",
        "--set",
        "access.burst=3",
    ];
    let guarded = Guarded::start(&limits);
    let list = ["jobs", "list"];
    let enough = (0..10).find_map(|_| {
        let output = guarded.output_as("bert", &list);
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        (output.status.code() == Some(75)).then_some(said)
    });
    let said = enough.unwrap();
    assert!(said.contains("bert asks more often than it may"), "{said}");
    guarded.run_as("analyst", &list);
    guarded.end();
}
