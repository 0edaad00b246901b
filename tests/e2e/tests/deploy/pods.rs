//! What every pod must be: without privileges, with limits and probes, ended in its own time.

use crate::object::{Objects, Pod, list, number, text};
use serde_json::Value;

/// The name under which a process answers for as long as it lives.
const LIVENESS: &str = "openassay.liveness";
const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];

/// What is wrong, one sentence each.
pub(crate) fn violations(objects: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    let pods = objects.pods();
    for name in crate::SERVICES {
        if !pods.iter().any(|pod| pod.name == name) {
            found.push(format!("there is no {name}"));
        }
        if objects.find("Service", name).is_none() {
            found.push(format!("there is no service {name}"));
        }
    }
    for pod in &pods {
        let container = pod.container();
        found.extend(unsafe_pod(pod));
        found.extend(unsafe_container(pod, container));
        found.extend(sizes(pod, container));
        found.extend(probes(pod, container));
        let budget = objects
            .of_kind("PodDisruptionBudget")
            .any(|budget| crate::object::selects(&budget["spec"]["selector"], &pod.labels));
        let alone = objects.of_kind("PodDisruptionBudget").next().is_none();
        if !budget && !alone && pod.name != "redis-cache" {
            found.push(format!("{pod} has no disruption budget"));
        }
    }
    found.extend(budgets(objects));
    found
}

/// What the namespace's rule of restricted pods asks of a pod, and what it does not need.
fn unsafe_pod(pod: &Pod<'_>) -> Vec<String> {
    let context = &pod.spec["securityContext"];
    let rules = [
        (
            &pod.spec["automountServiceAccountToken"],
            Value::from(false),
            "has a token",
        ),
        (
            &pod.spec["enableServiceLinks"],
            Value::from(false),
            "gets variables of services",
        ),
        (
            &context["runAsNonRoot"],
            Value::from(true),
            "may run as root",
        ),
        (
            &context["seccompProfile"]["type"],
            Value::from("RuntimeDefault"),
            "has no seccomp",
        ),
    ];
    let broken = rules.into_iter().filter(|(is, ought, _)| *is != ought);
    let mut found: Vec<_> = broken.map(|(_, _, what)| format!("{pod} {what}")).collect();
    for id in ["runAsUser", "runAsGroup", "fsGroup"] {
        if number(&context[id]) == 0 {
            found.push(format!("{pod}: {id} is no number above 0"));
        }
    }
    for open in ["hostNetwork", "hostPID", "hostIPC"] {
        if !pod.spec[open].is_null() {
            found.push(format!("{pod} has {open}"));
        }
    }
    found
}

fn unsafe_container(pod: &Pod<'_>, container: &Value) -> Vec<String> {
    let context = &container["securityContext"];
    let rules = [
        (
            &context["allowPrivilegeEscalation"],
            Value::from(false),
            "may gain privileges",
        ),
        (
            &context["readOnlyRootFilesystem"],
            Value::from(true),
            "may write to its image",
        ),
        (
            &context["capabilities"]["drop"],
            serde_json::json!(["ALL"]),
            "keeps capabilities",
        ),
    ];
    let broken = rules.into_iter().filter(|(is, ought, _)| *is != ought);
    let mut found: Vec<_> = broken.map(|(_, _, what)| format!("{pod} {what}")).collect();
    if !context["privileged"].is_null() || !context["capabilities"]["add"].is_null() {
        found.push(format!("{pod} has privileges"));
    }
    let image = text(&container["image"]);
    let tag = image.rsplit_once(':').map(|(_, tag)| tag);
    if tag.is_none_or(|tag| tag.contains('/') || tag.starts_with("latest")) {
        found.push(format!(
            "{pod}: the image {image} has no tag that stays what it is"
        ));
    }
    let mounts = list(&container["volumeMounts"]);
    if !mounts.iter().any(|mount| mount["mountPath"] == "/tmp") {
        found.push(format!("{pod} has no /tmp to write to"));
    }
    for mount in mounts {
        let volumes = list(&pod.spec["volumes"]);
        let volume = volumes
            .iter()
            .find(|volume| volume["name"] == mount["name"]);
        let fixed = volume.is_some_and(|v| v["configMap"].is_object() || v["secret"].is_object());
        if fixed && mount["readOnly"] != true {
            found.push(format!("{pod} may write to {}", mount["mountPath"]));
        }
        let scratch = volume.map_or(&Value::Null, |volume| &volume["emptyDir"]);
        if scratch.is_object() && scratch["sizeLimit"].is_null() {
            found.push(format!("{pod}: {} has no limit", mount["mountPath"]));
        }
    }
    found
}

/// Requests and limits of processors and memory.
fn sizes(pod: &Pod<'_>, container: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for what in ["requests", "limits"] {
        for unit in ["cpu", "memory"] {
            if container["resources"][what][unit].is_null() {
                found.push(format!("{pod} has no {what} of {unit}"));
            }
        }
    }
    found
}

/// Three probes; those of services are gRPC, and what restarts a process depends on it alone.
fn probes(pod: &Pod<'_>, container: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let ports = pod.ports();
    for name in PROBES {
        let probe = &container[name];
        if !probe.is_object() {
            found.push(format!("{pod} has no {name}"));
            continue;
        }
        if !pod.is_service() {
            continue;
        }
        let port = number(&probe["grpc"]["port"]);
        if !ports.iter().any(|(_, own)| *own == port) {
            found.push(format!("{pod}: {name} asks port {port}, which it has not"));
        }
        let asks_liveness = probe["grpc"]["service"] == LIVENESS;
        if asks_liveness == (name == "readinessProbe") {
            found.push(format!("{pod}: {name} asks {}", probe["grpc"]["service"]));
        }
        let patience = number(&probe["periodSeconds"]) * number(&probe["failureThreshold"]);
        if name == "livenessProbe" && patience < 60 {
            found.push(format!("{pod} is restarted after {patience} s of silence"));
        }
    }
    found
}

/// A budget never forbids every drain.
fn budgets(objects: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    for budget in objects.of_kind("PodDisruptionBudget") {
        let least = number(&budget["spec"]["minAvailable"]);
        for pod in objects.pods() {
            if !crate::object::selects(&budget["spec"]["selector"], &pod.labels) {
                continue;
            }
            let scaled = objects.find("ScaledObject", pod.name);
            let pods = scaled.map_or(
                &pod.workload["replicas"],
                |scaled| &scaled["spec"]["minReplicaCount"],
            );
            if least > 0 && number(pods) <= least {
                found.push(format!(
                    "{pod}: with {pods} pods its node can never be drained"
                ));
            }
        }
    }
    found
}

/// In the overlay for GPUs, the trainer has one, and holds on to it.
pub(crate) fn gpu_violations(objects: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    for pod in objects.pods() {
        let limits = &pod.container()["resources"]["limits"];
        let gpus = text(&limits["nvidia.com/gpu"]);
        let expected = if pod.name == "trainer" { "1" } else { "" };
        if gpus != expected {
            found.push(format!("{pod} has {gpus:?} GPUs"));
        }
        if pod.name != "trainer" {
            continue;
        }
        if pod.workload["strategy"] != serde_json::json!({"type": "Recreate"}) {
            found.push(format!(
                "{pod}: two would want one GPU: {}",
                pod.workload["strategy"]
            ));
        }
        if !text(&pod.container()["image"]).ends_with("-cuda") {
            found.push(format!("{pod} has an image without CUDA"));
        }
        let device = list(&pod.container()["env"]).iter();
        let mut device = device.filter(|variable| variable["name"] == "OPENASSAY_TRAINER__DEVICE");
        if device
            .next()
            .is_none_or(|variable| variable["value"] != "cuda")
        {
            found.push(format!("{pod} may train on processors in silence"));
        }
    }
    found
}
