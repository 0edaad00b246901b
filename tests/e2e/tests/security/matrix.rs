//! Every role against every RPC of the interface, by the rules as people say them.

use crate::{Guarded, ROLES};
use assay_api::DESCRIPTORS;
use assay_e2e::{
    client::connect,
    raw::{self, Call},
    tokens::bearer,
};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::{Code, transport::Channel};

/// Every RPC of the interface and of health, such as `openassay.gate.v1.GateService/Identify`.
fn every_rpc() -> Vec<String> {
    let health = tonic_health::pb::FILE_DESCRIPTOR_SET;
    let sets = [DESCRIPTORS, health].into_iter();
    let files = sets.flat_map(|set| FileDescriptorSet::decode(set).unwrap().file);
    let mut rpcs = Vec::new();
    for file in files {
        for service in &file.service {
            let methods = service.method.iter();
            let (package, service) = (file.package(), service.name());
            rpcs.extend(methods.map(|m| format!("{package}.{service}/{}", m.name())));
        }
    }
    rpcs
}

/// Whether anybody at all may call it.
fn is_open(rpc: &str) -> bool {
    rpc.starts_with("grpc.health.") || rpc.ends_with("/ServerLive") || rpc.ends_with("/ServerReady")
}

/// The rules of roles in words: an instrument sends spectra and asks; an analyst works with jobs,
/// data sets and explanations and reads the registry too; an operator does everything; a worker is
/// one service towards the others.
fn may(role: &str, rpc: &str) -> bool {
    let (service, method) = rpc.split_once('/').unwrap();
    let changes = ["PutBundle", "Promote", "RollBack"].contains(&method)
        || method.starts_with("RepositoryModel")
        || ["TraceSetting", "LogSettings"].contains(&method);
    let asks = ["Ingest", "Inference", "Gate", "GRPCInference"]
        .iter()
        .any(|name| service.ends_with(&format!(".{name}Service")));
    let works = service.ends_with(".WorkerService") || service == "externalscaler.ExternalScaler";
    let between = ["Features", "Importances", "DescribeModel"].contains(&method);
    match role {
        "operator" => true,
        "worker" => works || between,
        "analyst" => !works && !changes,
        "instrument" => asks && !changes,
        other => unreachable!("{other}"),
    }
}

async fn code(channel: &Channel, rpc: &str, token: Option<&str>) -> Code {
    // What would last for ever is asked for a moment.
    let call = Call::of(&format!("/{rpc}"), &()).header("grpc-timeout", "500m");
    let call = match token {
        Some(token) => call.header("authorization", bearer(token)),
        None => call,
    };
    raw::send(channel, &call).await.unwrap().status.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_call_what_is_its_business_and_nothing_else() {
    let guarded = Guarded::start(&[]);
    let channel = connect(&guarded.server.url).unwrap();
    let rpcs = every_rpc();
    assert!(rpcs.len() > 30, "{rpcs:?}");
    let mut wrong = Vec::new();
    for rpc in &rpcs {
        let nobody = code(&channel, rpc, None).await;
        if (nobody == Code::Unauthenticated) == is_open(rpc) {
            wrong.push(format!("nobody at {rpc}: {nobody:?}"));
        }
        for role in ROLES {
            let answer = code(&channel, rpc, Some(&guarded.tokens[role])).await;
            let allowed = is_open(rpc) || may(role, rpc);
            let refused = answer == Code::PermissionDenied;
            if refused == allowed || answer == Code::Unauthenticated {
                wrong.push(format!("{role} at {rpc}: {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for rpc in ["openassay.gate.v1.GateService/NotThere", "no.Such/Thing"] {
        let operator = code(&channel, rpc, Some(&guarded.tokens["operator"])).await;
        assert_eq!(operator, Code::PermissionDenied, "{rpc}");
    }
    guarded.end();
}
