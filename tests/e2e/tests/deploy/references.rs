//! What refers to what: names, keys, ports, labels. Everything that is named is there.

use crate::object::{Objects, Pod, labels, list, number, selects, selects_plainly, text, title};
use serde_json::Value;
use std::collections::BTreeSet;

/// Kinds that belong to no namespace.
const OUTSIDE: [&str; 1] = ["Namespace"];

/// What is wrong, one sentence each.
pub(crate) fn violations(objects: &Objects) -> Vec<String> {
    let mut found = identities(objects);
    let pods = objects.pods();
    for pod in &pods {
        found.extend(volumes(objects, pod));
        found.extend(variables(objects, pod));
    }
    found.extend(selectors(objects, &pods));
    found.extend(scaling(objects));
    found.extend(monitoring(objects));
    found
}

/// No object is there twice, and all are in the one namespace.
fn identities(objects: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    let mut titles = BTreeSet::new();
    let namespaces: Vec<_> = objects.of_kind("Namespace").collect();
    let [namespace] = namespaces[..] else {
        return vec![format!("there are {} namespaces", namespaces.len())];
    };
    for object in &objects.0 {
        if !titles.insert(title(object)) {
            found.push(format!("{} is there twice", title(object)));
        }
        let own = &object["metadata"]["namespace"];
        if !OUTSIDE.contains(&text(&object["kind"])) && *own != namespace["metadata"]["name"] {
            found.push(format!("{} is in namespace {own}", title(object)));
        }
    }
    found
}

/// Mounts and what they mount.
fn volumes(objects: &Objects, pod: &Pod<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let claims = list(&pod.workload["volumeClaimTemplates"]).iter();
    let mut names: BTreeSet<&str> = claims
        .map(|claim| text(&claim["metadata"]["name"]))
        .collect();
    for volume in list(&pod.spec["volumes"]) {
        names.insert(text(&volume["name"]));
        let source = [
            ("ConfigMap", &volume["configMap"]["name"]),
            ("Secret", &volume["secret"]["secretName"]),
            (
                "PersistentVolumeClaim",
                &volume["persistentVolumeClaim"]["claimName"],
            ),
        ];
        for (kind, name) in source {
            if name.is_string() && objects.find(kind, text(name)).is_none() {
                found.push(format!("{pod} mounts {kind} {name}, which is not there"));
            }
        }
    }
    let mounts = list(&pod.container()["volumeMounts"]).iter();
    let mounted: Vec<&str> = mounts.map(|mount| text(&mount["name"])).collect();
    for name in &mounted {
        if !names.contains(name) {
            found.push(format!("{pod} mounts {name}, which is no volume of it"));
        }
    }
    let idle = names.iter().filter(|name| !mounted.contains(*name));
    found.extend(idle.map(|name| format!("{pod} has the volume {name} and does not mount it")));
    found
}

/// Variables: their keys exist, and each is set before another is made of it.
fn variables(objects: &Objects, pod: &Pod<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = BTreeSet::new();
    for variable in list(&pod.container()["env"]) {
        let name = text(&variable["name"]);
        for used in used_in(text(&variable["value"])) {
            if !before.contains(used) {
                found.push(format!(
                    "{pod}: {name} is made of {used}, which is not set before"
                ));
            }
        }
        let from = &variable["valueFrom"];
        let sources = [("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")];
        for (kind, reference) in sources {
            let (named, key) = (
                text(&from[reference]["name"]),
                text(&from[reference]["key"]),
            );
            if from[reference].is_object() && !has_key(objects, kind, named, key) {
                found.push(format!(
                    "{pod}: {name} is {key} of {kind} {named}, which is not there"
                ));
            }
        }
        if !before.insert(name) {
            found.push(format!("{pod}: {name} is set twice"));
        }
    }
    found
}

/// The names in `$(…)`.
pub(crate) fn used_in(value: &str) -> impl Iterator<Item = &str> {
    let parts = value.split("$(").skip(1);
    parts.map(|part| part.split(')').next().unwrap_or(part))
}

/// Whether an object holds a key. The operator of RabbitMQ makes a secret for each cluster.
fn has_key(objects: &Objects, kind: &str, name: &str, key: &str) -> bool {
    let cluster = name.strip_suffix("-default-user");
    if cluster.is_some_and(|cluster| objects.find("RabbitmqCluster", cluster).is_some()) {
        return kind == "Secret" && ["username", "password"].contains(&key);
    }
    let object = objects.find(kind, name);
    object.is_some_and(|object| !object["data"][key].is_null())
}

/// Labels and ports of all pods, those that the operator of RabbitMQ makes among them.
pub(crate) fn targets(objects: &Objects) -> Vec<(crate::object::Labels, Vec<(String, u64)>)> {
    let own = objects.pods();
    let own = own.iter().map(|pod| {
        let ports = pod.ports().into_iter();
        let ports = ports.map(|(name, port)| (name.to_owned(), port));
        (pod.labels.clone(), ports.collect())
    });
    let clusters = objects.of_kind("RabbitmqCluster").map(|cluster| {
        let name = text(&cluster["metadata"]["name"]).to_owned();
        let labels = [("app.kubernetes.io/name".to_owned(), name)];
        let ports = [
            ("amqp", 5672),
            ("prometheus", 15692),
            ("epmd", 4369),
            ("nodes", 25672),
        ];
        let ports = ports.map(|(name, port)| (name.to_owned(), port));
        (labels.into(), ports.into())
    });
    own.chain(clusters).collect()
}

/// Every selector selects something, and ports of services are ports of what they select.
fn selectors(objects: &Objects, pods: &[Pod<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    let targets = targets(objects);
    for pod in pods {
        if !selects(&pod.workload["selector"], &pod.labels) {
            found.push(format!("{pod} does not select its own pods"));
        }
        for spread in list(&pod.spec["topologySpreadConstraints"]) {
            if !selects(&spread["labelSelector"], &pod.labels) {
                found.push(format!("{pod} spreads other pods than its own"));
            }
        }
        let service = text(&pod.workload["serviceName"]);
        if pod.kind == "StatefulSet" && objects.find("Service", service).is_none() {
            found.push(format!(
                "{pod} names the service {service}, which is not there"
            ));
        }
    }
    for service in objects.of_kind("Service") {
        let chosen = targets.iter();
        let chosen =
            chosen.filter(|(labels, _)| selects_plainly(&service["spec"]["selector"], labels));
        let chosen: Vec<_> = chosen.collect();
        if chosen.is_empty() {
            found.push(format!("{} selects no pod", title(service)));
        }
        for port in list(&service["spec"]["ports"]) {
            let (name, wanted) = (text(&port["targetPort"]), number(&port["port"]));
            let there = |(_, ports): &&(_, Vec<(String, u64)>)| {
                ports
                    .iter()
                    .any(|(own, number)| own == name && *number == wanted)
            };
            if !chosen.iter().all(there) {
                found.push(format!(
                    "{}: port {wanted} is no port {name} of its pods",
                    title(service)
                ));
            }
        }
    }
    for budget in objects.of_kind("PodDisruptionBudget") {
        let any = |(labels, _): &(_, _)| selects(&budget["spec"]["selector"], labels);
        if !targets.iter().any(any) {
            found.push(format!("{} selects no pod", title(budget)));
        }
    }
    found
}

/// What KEDA scales, and whom it asks.
fn scaling(objects: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    let mut lanes = BTreeSet::new();
    for scaled in objects.of_kind("ScaledObject") {
        let spec = &scaled["spec"];
        let name = text(&spec["scaleTargetRef"]["name"]);
        match objects.find("Deployment", name) {
            None => found.push(format!(
                "{} scales {name}, which is not there",
                title(scaled)
            )),
            Some(deployment) if !deployment["spec"]["replicas"].is_null() => {
                found.push(format!("Deployment {name} sets replicas, and so does KEDA"));
            }
            Some(_) => {}
        }
        let (low, high) = (
            number(&spec["minReplicaCount"]),
            number(&spec["maxReplicaCount"]),
        );
        if low > high {
            found.push(format!("{}: {low} to {high} pods", title(scaled)));
        }
        for trigger in list(&spec["triggers"]) {
            let asked = text(&trigger["metadata"]["scalerAddress"]);
            if asked != "control.openassay.svc:50051" {
                found.push(format!("{} asks {asked}, not control", title(scaled)));
            }
            lanes.insert(text(&trigger["metadata"]["lane"]));
            let reference = text(&trigger["authenticationRef"]["name"]);
            if !reference.is_empty() && objects.find("TriggerAuthentication", reference).is_none() {
                found.push(format!("{}: {reference} is not there", title(scaled)));
            }
        }
    }
    let all = BTreeSet::from(["explain", "identify", "train"]);
    if !lanes.is_empty() && lanes != all {
        found.push(format!("KEDA knows the lanes {lanes:?} and not {all:?}"));
    }
    for authentication in objects.of_kind("TriggerAuthentication") {
        for target in list(&authentication["spec"]["secretTargetRef"]) {
            let (name, key) = (text(&target["name"]), text(&target["key"]));
            if !has_key(objects, "Secret", name, key) {
                found.push(format!(
                    "{}: {key} of {name} is not there",
                    title(authentication)
                ));
            }
        }
    }
    found
}

/// What Prometheus looks at: a page of every service.
fn monitoring(objects: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    for monitor in objects.of_kind("ServiceMonitor") {
        let spec = &monitor["spec"];
        let services = objects.of_kind("Service");
        let services: Vec<&Value> = services
            .filter(|service| selects(&spec["selector"], &labels(&service["metadata"]["labels"])))
            .collect();
        let wanted: Vec<&str> = list(&spec["endpoints"])
            .iter()
            .map(|e| text(&e["port"]))
            .collect();
        for service in &services {
            let ports = list(&service["spec"]["ports"])
                .iter()
                .map(|port| text(&port["name"]));
            let read = ports.filter(|port| wanted.contains(port)).count();
            let name = text(&service["metadata"]["name"]);
            if crate::SERVICES.contains(&name) && read != 1 {
                found.push(format!("{} reads {read} pages of {name}", title(monitor)));
            }
        }
        for name in crate::SERVICES {
            let read = services
                .iter()
                .any(|service| service["metadata"]["name"] == name);
            if !read {
                found.push(format!("{} does not read {name}", title(monitor)));
            }
        }
        let label = text(&spec["jobLabel"]);
        if services
            .iter()
            .any(|s| !labels(&s["metadata"]["labels"]).contains_key(label))
        {
            found.push(format!(
                "{}: a service has no label {label}",
                title(monitor)
            ));
        }
    }
    found
}
