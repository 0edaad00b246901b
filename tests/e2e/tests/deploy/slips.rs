//! The rules find what they are for: each slip below, made in the objects of the overlay `cpu`.

use crate::{
    kubernetes::{installation, overlay},
    network,
    object::{Objects, title},
    pods, programs, references,
};
use serde_json::Value;
use std::path::Path;

const LABEL: &str = "matchLabels/app.kubernetes.io~1name";
const POD: &str = "/spec/template/spec";
const CONTAINER: &str = "/spec/template/spec/containers/0";

/// Which object, where in it, what is put there, and the words that tell it.
const SLIPS: [(&str, [&str; 2], &str, &str); 27] = [
    (
        "Deployment gate",
        [CONTAINER, "/volumeMounts/0/name"],
        r#""x""#,
        "is no volume of it",
    ),
    (
        "Deployment gate",
        [POD, "/volumes/0/configMap/name"],
        r#""x""#,
        "which is not there",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/env/0/valueFrom/secretKeyRef/key"],
        r#""x""#,
        "which is not there",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/env/0/name"],
        r#""X""#,
        "is not set before",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/env/1/name"],
        r#""RABBITMQ_PASSWORD""#,
        "is set twice",
    ),
    (
        "Deployment gate",
        ["/metadata", "/namespace"],
        r#""x""#,
        "is in namespace",
    ),
    (
        "Service gate",
        ["/metadata", "/name"],
        r#""control""#,
        "is there twice",
    ),
    (
        "Service gate",
        ["/spec", "/selector/app.kubernetes.io~1name"],
        r#""x""#,
        "selects no pod",
    ),
    (
        "Service gate",
        ["/spec", "/ports/0/port"],
        "1",
        "is no port grpc",
    ),
    (
        "PodDisruptionBudget gate",
        ["/spec/selector/", LABEL],
        r#""x""#,
        "has no disruption budget",
    ),
    (
        "PodDisruptionBudget gate",
        ["/spec", "/minAvailable"],
        "2",
        "can never be drained",
    ),
    (
        "NetworkPolicy default-deny",
        ["/spec", "/policyTypes"],
        r#"["Ingress"]"#,
        "no policy denies",
    ),
    (
        "NetworkPolicy gate",
        ["/spec", "/egress"],
        "[]",
        "may not go to inference:50051",
    ),
    (
        "NetworkPolicy gate",
        ["/spec", "/policyTypes"],
        r#"["Ingress"]"#,
        "that do not count",
    ),
    (
        "NetworkPolicy gate",
        ["/spec", "/ingress/0/from"],
        "[]",
        "lets everybody in",
    ),
    (
        "NetworkPolicy redis-jobs",
        ["/spec", "/ingress"],
        "[]",
        "redis-jobs:6379 does not let",
    ),
    (
        "NetworkPolicy redis-cache",
        ["/spec/ingress/0/from/0/podSelector/", LABEL],
        r#""gate""#,
        "lets in Deployment gate",
    ),
    (
        "Deployment gate",
        [POD, "/securityContext/runAsNonRoot"],
        "false",
        "may run as root",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/securityContext/readOnlyRootFilesystem"],
        "false",
        "may write to its image",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/image"],
        r#""a/gate:latest""#,
        "has no tag",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/resources/limits/memory"],
        "null",
        "has no limits of memory",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/livenessProbe/grpc/service"],
        r#""a""#,
        "livenessProbe asks",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/livenessProbe/failureThreshold"],
        "1",
        "is restarted after",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/startupProbe/grpc/port"],
        "1",
        "startupProbe asks port 1",
    ),
    (
        "Deployment gate",
        [CONTAINER, "/ports/1/containerPort"],
        "1",
        "server.metrics_listen is",
    ),
    (
        "Deployment gate",
        [POD, "/terminationGracePeriodSeconds"],
        "60",
        "are not 60 s",
    ),
    (
        "Deployment inference",
        [CONTAINER, "/resources/limits/cpu"],
        r#""7""#,
        "2 threads on 7 processors",
    ),
];

fn violations(objects: &Objects, folder: &Path) -> Vec<String> {
    [
        references::violations(objects),
        network::violations(objects),
        pods::violations(objects),
        programs::violations(objects, folder),
    ]
    .concat()
}

#[test]
fn every_slip_is_found() {
    let folder = installation();
    let Some(objects) = overlay("every_slip_is_found", folder.path(), "cpu") else {
        return;
    };
    for (name, [above, below], value, words) in SLIPS {
        let mut broken = Objects(objects.clone());
        let object = broken.0.iter_mut().find(|object| title(object) == name);
        let object = object.unwrap_or_else(|| panic!("there is no {name}"));
        let place = format!("{above}{below}");
        let Some(place) = object.pointer_mut(&place) else {
            panic!("{name} has no {place}");
        };
        let value: Value = serde_json::from_str(value).unwrap();
        assert_ne!(*place, value, "{name}: {words}");
        *place = value;
        let found = violations(&broken, folder.path());
        assert!(
            found.iter().any(|violation| violation.contains(words)),
            "{name}: {words} was not found: {found:?}"
        );
    }
}
