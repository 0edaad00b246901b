//! The door: every RPC with every role, what is told and what is not, and what is written down.

use super::*;
use assay_core::Secret;
use http::header::AUTHORIZATION;
use prost::Message;
use prost_types::FileDescriptorSet;
use serde_json::Value;
use std::{collections::BTreeMap, fs};
use tempfile::TempDir;
use tonic::Code;
use tonic_types::StatusExt;

const IDENTIFY: &str = "openassay.gate.v1.GateService/Identify";
const PROMOTE: &str = "openassay.registry.v1.RegistryService/Promote";

/// A door with one token for each role, and a file for the audit log.
struct Door {
    access: Access,
    tokens: BTreeMap<Role, Secret>,
    folder: TempDir,
}

impl Door {
    fn new(config: AccessConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut tokens = BTreeMap::new();
        let mut text = String::new();
        for role in Role::ALL {
            let token = generate().unwrap();
            let hash = TokenHash::of(token.reveal().as_bytes());
            text += &format!(
                "[[principal]]\nname = \"the-{role}\"\nroles = [\"{role}\"]\n\
                 [[principal.token]]\nhash = \"{hash}\"\n"
            );
            tokens.insert(role, token);
        }
        let path = folder.path().join("tokens.toml");
        fs::write(&path, text).unwrap();
        let access = Access::open(&AccessConfig {
            tokens: Some(path),
            audit_file: Some(folder.path().join("audit.log")),
            ..config
        });
        Self {
            access: access.unwrap(),
            tokens,
            folder,
        }
    }

    fn header(&self, role: Role) -> String {
        format!("Bearer {}", self.tokens[&role].reveal())
    }

    fn enter_as(&self, role: Role, rpc: &str) -> Entered {
        self.access.enter(&mut request(rpc, &[&self.header(role)]))
    }

    /// Ends the door, and gives the records of its audit log.
    fn records(self) -> Vec<Value> {
        drop(self.access);
        let text = fs::read_to_string(self.folder.path().join("audit.log")).unwrap();
        for token in self.tokens.values() {
            assert!(!text.contains(token.reveal()), "{text}");
        }
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn request(rpc: &str, authorizations: &[&str]) -> Request<()> {
    let mut request = Request::post(format!("/{rpc}")).header(REQUEST_ID, "run-7");
    for authorization in authorizations {
        request = request.header(AUTHORIZATION, *authorization);
    }
    request.body(()).unwrap()
}

fn refusal(entered: Entered) -> Status {
    entered.pass.unwrap_err()
}

/// Every RPC of every descriptor that this repository can serve.
fn every_rpc() -> Vec<String> {
    let sets = [
        assay_api::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let files = sets
        .into_iter()
        .flat_map(|set| FileDescriptorSet::decode(set).unwrap().file);
    let mut rpcs: Vec<_> = files
        .flat_map(|file| {
            let package = file.package().to_owned();
            file.service.into_iter().flat_map(move |service| {
                let name = format!("{package}.{}", service.name());
                let methods = service.method.into_iter();
                let methods = methods.map(move |method| format!("{name}/{}", method.name()));
                methods.collect::<Vec<_>>()
            })
        })
        .collect();
    rpcs.sort();
    rpcs.dedup();
    rpcs
}

#[test]
fn every_rpc_has_a_row() {
    let rpcs = every_rpc();
    assert!(rpcs.len() > 30, "{rpcs:?}");
    let missing: Vec<_> = rpcs
        .iter()
        .filter(|rpc| table::row(&format!("/{rpc}")).is_none())
        .collect();
    assert!(missing.is_empty(), "no row in the table: {missing:?}");
    let ours = table::TABLE.iter().map(|(rpc, _)| *rpc);
    let gone: Vec<_> = ours
        .filter(|rpc| rpc.starts_with("openassay.") && !rpcs.iter().any(|r| r == rpc))
        .collect();
    assert!(gone.is_empty(), "rows of RPCs that are no more: {gone:?}");
}

#[test]
fn the_page_has_the_rows_of_the_table() {
    let page = include_str!("../../ACCESS.md");
    let rows = page
        .lines()
        .filter(|line| line.contains("/") && line.starts_with("| `"));
    let written: Vec<_> = rows.map(str::to_owned).collect();
    let expected: Vec<_> = table::TABLE
        .iter()
        .map(|(rpc, need)| {
            let roles = role::listed(need.roles().unwrap_or_default(), " or ");
            let words = match need {
                Need::Open => "none".to_owned(),
                Need::Role(_) => roles,
                Need::Audited(_) => format!("{roles}; written down"),
            };
            format!("| `{rpc}` | {words} |")
        })
        .collect();
    assert_eq!(written, expected);
}

#[test]
fn each_role_may_call_what_the_table_says_and_nothing_else() {
    let door = Door::new(AccessConfig::default());
    for (rpc, need) in table::TABLE {
        for role in Role::ALL {
            let entered = door.enter_as(role, rpc);
            let allowed = need
                .roles()
                .is_none_or(|roles| roles.iter().any(|needed| role.holds(*needed)));
            match entered.pass {
                Ok(_) => assert!(allowed, "{role} may call {rpc}"),
                Err(status) => {
                    assert!(!allowed, "{role} may not call {rpc}: {status}");
                    assert_eq!(status.code(), Code::PermissionDenied);
                    for word in [*rpc, role.name()] {
                        assert!(status.message().contains(word), "{status}");
                    }
                }
            }
        }
        let nobody = door.access.enter(&mut request(rpc, &[]));
        assert_eq!(nobody.pass.is_ok(), *need == Need::Open, "{rpc}");
    }
}

#[test]
fn an_rpc_without_a_row_is_refused_to_everyone() {
    let door = Door::new(AccessConfig::default());
    for rpc in ["openassay.gate.v1.GateService/New", "x.Y/Z", ""] {
        let entered = door.enter_as(Role::Operator, rpc);
        assert!(!entered.listed);
        assert_eq!(refusal(entered).code(), Code::PermissionDenied, "{rpc}");
        let nobody = door.access.enter(&mut request(rpc, &[]));
        assert_eq!(refusal(nobody).code(), Code::Unauthenticated);
    }
}

#[test]
fn whoever_is_not_known_is_told_the_same_whatever_is_wrong() {
    let door = Door::new(AccessConfig::default());
    let unknown = generate().unwrap();
    let good = door.header(Role::Operator);
    let unknown = format!("Bearer {}", unknown.reveal());
    let longer = format!("{good}0");
    let basic = good.replace("Bearer", "Basic");
    let cases: [&[&str]; 9] = [
        &[],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["x"],
        &[&basic],
        &[&longer],
        &[&unknown],
        &[&good, &good],
    ];
    let (mut told, mut reasons) = (Vec::new(), Vec::new());
    for shown in cases {
        let entered = door.access.enter(&mut request(IDENTIFY, shown));
        reasons.push(entered.record.as_ref().unwrap().turned_away.unwrap());
        let status = refusal(entered);
        let words = status.message().to_owned();
        told.push((status.code(), words, status.details().to_vec()));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    assert_eq!(told[0].0, Code::Unauthenticated);
    // The log tells them apart.
    assert_eq!(reasons[0], "missing");
    assert_eq!(reasons[7], "unknown");
    let malformed = [&reasons[1..7], &reasons[8..]].concat();
    assert!(malformed.iter().all(|r| *r == "malformed"), "{reasons:?}");
    for scheme in ["bearer", "BEARER"] {
        let shown = good.replace("Bearer", scheme);
        let entered = door.access.enter(&mut request(IDENTIFY, &[&shown]));
        entered.pass.unwrap();
    }
}

#[test]
fn a_handler_sees_the_caller_and_never_the_token() {
    let door = Door::new(AccessConfig::default());
    let mut request = request(IDENTIFY, &[&door.header(Role::Analyst)]);
    door.access.enter(&mut request).pass.unwrap();
    assert!(request.headers().get(AUTHORIZATION).is_none());
    let caller = request.extensions().get::<Caller>().unwrap();
    assert_eq!(caller.principal(), "the-analyst");
    assert!(caller.may(Role::Instrument) && !caller.may(Role::Operator));
}

#[test]
fn without_tokens_everybody_may_do_everything() {
    let access = Access::for_everyone();
    for (rpc, _) in table::TABLE {
        let mut request = request(rpc, &["Bearer nonsense"]);
        access.enter(&mut request).pass.unwrap();
        let caller = request.extensions().get::<Caller>().unwrap();
        assert_eq!(caller.principal(), ANONYMOUS);
        assert!(caller.may(Role::Operator));
        assert!(request.headers().get(AUTHORIZATION).is_none());
    }
    access.enter(&mut request("x.Y/Z", &[])).pass.unwrap();
}

#[test]
fn limits_hold_for_each_principal_alone() {
    let door = Door::new(AccessConfig {
        requests_per_s: 0.001,
        burst: 2,
        max_in_flight: 1,
        ..AccessConfig::default()
    });
    let first = door.enter_as(Role::Operator, IDENTIFY).pass.unwrap();
    let full = refusal(door.enter_as(Role::Operator, IDENTIFY));
    assert_eq!(full.code(), Code::ResourceExhausted);
    let reason = |status: &Status| status.get_details_error_info().unwrap().reason;
    assert_eq!(reason(&full), "TOO_MANY_OF_ONE");
    drop(first);
    door.enter_as(Role::Operator, IDENTIFY).pass.unwrap();
    let often = refusal(door.enter_as(Role::Operator, IDENTIFY));
    assert_eq!(reason(&often), "RATE_LIMITED");
    for status in [&full, &often] {
        let retry = status.get_details_retry_info().unwrap();
        assert!(retry.retry_delay.unwrap() > std::time::Duration::ZERO);
        assert!(status.message().contains("the-operator"), "{status}");
    }
    // Another one is not affected, and whoever watches is not counted.
    door.enter_as(Role::Instrument, IDENTIFY).pass.unwrap();
    for _ in 0..10 {
        let watching = door.enter_as(Role::Operator, "grpc.health.v1.Health/Check");
        watching.pass.unwrap();
    }
}

#[test]
fn what_changes_something_and_who_is_turned_away_is_written_down() {
    let door = Door::new(AccessConfig::default());
    let mut promote = request(PROMOTE, &[&door.header(Role::Operator)]);
    let entered = door.access.enter(&mut promote);
    let caller = promote.extensions().get::<Caller>().unwrap();
    caller.concerns("model pgaa@production");
    entered.record.unwrap().ended(Code::NotFound);
    let refused = door.enter_as(Role::Instrument, PROMOTE);
    refused.record.unwrap().ended(Code::PermissionDenied);
    let nobody = door.access.enter(&mut request(IDENTIFY, &["Bearer x"]));
    nobody.record.unwrap().ended(Code::Unauthenticated);
    assert!(door.enter_as(Role::Instrument, IDENTIFY).record.is_none());

    let records = door.records();
    let [done, refused, nobody] = &records[..] else {
        panic!("three records are expected: {records:?}");
    };
    assert_eq!(done["principal"], "the-operator");
    assert_eq!(done["rpc"], PROMOTE);
    assert_eq!(done["resource"], "model pgaa@production");
    assert_eq!(done["outcome"], "NOT_FOUND");
    assert_eq!(done["reason"], Value::Null);
    assert_eq!(done["request_id"], "run-7");
    assert_eq!(refused["principal"], "the-instrument");
    assert_eq!(refused["reason"], "role");
    assert_eq!(refused["outcome"], "PERMISSION_DENIED");
    assert_eq!(nobody["principal"], "unknown");
    assert_eq!(nobody["reason"], "malformed");
}

#[test]
fn a_flood_of_strangers_fills_no_disk() {
    let door = Door::new(AccessConfig::default());
    let stranger = || {
        let entered = door.access.enter(&mut request(IDENTIFY, &[]));
        entered.record.unwrap().ended(Code::Unauthenticated);
    };
    for _ in 0..10_000 {
        stranger();
    }
    // What operators do is written down all the same.
    let entered = door.enter_as(Role::Operator, PROMOTE);
    entered.record.unwrap().ended(Code::Ok);
    let records = door.records();
    assert!(records.len() < 2_000, "{} records", records.len());
    assert!(records.iter().any(|record| record["rpc"] == PROMOTE));
}
