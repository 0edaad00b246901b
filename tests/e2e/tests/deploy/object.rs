//! Kubernetes objects, as far as the rules look at them.

use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// Labels of an object or a pod.
pub(crate) type Labels = BTreeMap<String, String>;

/// Everything that is applied at once.
pub(crate) struct Objects(pub(crate) Vec<Value>);

/// A pod as a workload makes it.
pub(crate) struct Pod<'a> {
    /// The workload's kind.
    pub(crate) kind: &'a str,
    /// The workload's name.
    pub(crate) name: &'a str,
    pub(crate) labels: Labels,
    /// `spec` of the pod.
    pub(crate) spec: &'a Value,
    /// `spec` of the workload.
    pub(crate) workload: &'a Value,
}

impl fmt::Display for Pod<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Objects {
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    pub(crate) fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.of_kind(kind)
            .find(|object| object["metadata"]["name"] == name)
    }

    /// The pods of deployments and stateful sets.
    pub(crate) fn pods(&self) -> Vec<Pod<'_>> {
        let workloads = ["Deployment", "StatefulSet"];
        let workloads = workloads.into_iter().flat_map(|kind| self.of_kind(kind));
        workloads.map(Pod::of).collect()
    }
}

impl<'a> Pod<'a> {
    fn of(object: &'a Value) -> Self {
        let workload = &object["spec"];
        let template = &workload["template"];
        Self {
            kind: text(&object["kind"]),
            name: text(&object["metadata"]["name"]),
            labels: labels(&template["metadata"]["labels"]),
            spec: &template["spec"],
            workload,
        }
    }
}

impl Pod<'_> {
    /// Its only container.
    pub(crate) fn container(&self) -> &Value {
        match self.spec["containers"].as_array().map(Vec::as_slice) {
            Some([container]) => container,
            _ => panic!("{self} has not exactly one container"),
        }
    }

    /// Names and numbers of the ports of its containers.
    pub(crate) fn ports(&self) -> Vec<(&str, u64)> {
        let ports = list(&self.container()["ports"]).iter();
        ports
            .map(|port| (text(&port["name"]), number(&port["containerPort"])))
            .collect()
    }

    /// Whether it is one of our services, and not a store or the broker.
    pub(crate) fn is_service(&self) -> bool {
        crate::SERVICES.contains(&self.name)
    }
}

/// The name of an object, with its kind.
pub(crate) fn title(object: &Value) -> String {
    let name = text(&object["metadata"]["name"]);
    format!("{} {name}", text(&object["kind"]))
}

/// Text; empty where there is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A whole number; 0 where there is none.
pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// A list; empty where there is none.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Keys with texts.
pub(crate) fn labels(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .map(|(key, value)| (key.clone(), text(value).to_owned()))
        .collect()
}

/// Whether a selector with `matchLabels` takes these labels; one without takes all.
pub(crate) fn selects(selector: &Value, labels: &Labels) -> bool {
    selects_plainly(&selector["matchLabels"], labels)
}

/// The same for the plain selector of a service.
pub(crate) fn selects_plainly(wanted: &Value, labels: &Labels) -> bool {
    self::labels(wanted)
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}
