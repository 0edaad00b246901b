//! Policies of the network: nothing is open that is not named, and what the pods need is open.

use crate::{
    object::{Labels, Objects, Pod, labels, list, number, selects, selects_plainly, text, title},
    references::{targets, used_in},
};
use serde_json::Value;

/// What is wrong, one sentence each.
pub(crate) fn violations(objects: &Objects) -> Vec<String> {
    let mut found = Vec::new();
    let policies: Vec<&Value> = objects.of_kind("NetworkPolicy").collect();
    let denies = |policy: &&&Value| {
        let spec = &policy["spec"];
        let types = list(&spec["policyTypes"]);
        spec["podSelector"]
            .as_object()
            .is_some_and(|all| all.is_empty())
            && types.len() == 2
            && spec["ingress"].is_null()
            && spec["egress"].is_null()
    };
    if !policies.iter().any(|policy| denies(&policy)) {
        found.push("no policy denies everything".to_owned());
    }
    let targets = targets(objects);
    for policy in &policies {
        let spec = &policy["spec"];
        let types: Vec<&str> = list(&spec["policyTypes"]).iter().map(text).collect();
        for (rules, kind) in [("ingress", "Ingress"), ("egress", "Egress")] {
            if spec[rules].is_array() && !types.contains(&kind) {
                found.push(format!(
                    "{} has rules of {kind} that do not count",
                    title(policy)
                ));
            }
        }
        if !targets
            .iter()
            .any(|(labels, _)| selects(&spec["podSelector"], labels))
        {
            found.push(format!("{} selects no pod", title(policy)));
        }
    }
    for pod in objects.pods() {
        for (from, url) in urls(objects, &pod) {
            found.extend(reaches(objects, &policies, &pod, &from, &url));
        }
    }
    found.extend(strangers(objects, &policies));
    found
}

/// Every address of another service or store, with where it stands.
fn urls(objects: &Objects, pod: &Pod<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for variable in list(&pod.container()["env"]) {
        let value = text(&variable["value"]);
        if value.contains("://") {
            found.push((text(&variable["name"]).to_owned(), value.to_owned()));
        }
    }
    for volume in list(&pod.spec["volumes"]) {
        let map = objects.find("ConfigMap", text(&volume["configMap"]["name"]));
        let files = map
            .into_iter()
            .flat_map(|map| labels(&map["data"]).into_values());
        for file in files {
            let addresses = file
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            let addresses = addresses.filter(|line| line.contains("://"));
            found.extend(addresses.filter_map(|line| {
                let (key, value) = line.split_once('=')?;
                Some((
                    key.trim().to_owned(),
                    value.trim().trim_matches('"').to_owned(),
                ))
            }));
        }
    }
    found
}

/// Whether an address is that of a service, and lets this pod in.
fn reaches(
    objects: &Objects,
    policies: &[&Value],
    pod: &Pod<'_>,
    from: &str,
    url: &str,
) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let place = rest.split('/').next()?;
    let place = place.rsplit('@').next()?;
    let (host, port) = place.split_once(':')?;
    let port: u64 = port.parse().ok()?;
    let mut words = host.split('.');
    let (name, namespace) = (words.next()?, words.next());
    if namespace.is_some_and(|namespace| namespace != "openassay") {
        let away = |rule: &Value| {
            let spaces = list(&rule["to"]).iter();
            let mut spaces = spaces.map(|to| &to["namespaceSelector"]["matchLabels"]);
            spaces
                .any(|space| space["kubernetes.io/metadata.name"] == *namespace.unwrap_or_default())
                && opens(rule, port)
        };
        let open = rules(policies, &pod.labels, "egress").any(away);
        return (!open).then(|| format!("{pod}: {from} leads to {host}, which no policy opens"));
    }
    let named = used_in(url).count();
    if url.contains('@') && named == 0 {
        return Some(format!("{pod}: {from} holds a password"));
    }
    let cluster = objects.find("RabbitmqCluster", name);
    let target: Labels = match (objects.find("Service", name), cluster) {
        (Some(service), _) => {
            let ports = list(&service["spec"]["ports"]);
            if !ports.iter().any(|own| number(&own["port"]) == port) {
                return Some(format!(
                    "{pod}: {from} names port {port}, which {name} has not"
                ));
            }
            labels(&service["spec"]["selector"])
        }
        (None, Some(_)) => [("app.kubernetes.io/name".to_owned(), name.to_owned())].into(),
        (None, None) => return Some(format!("{pod}: {from} names {host}, which is no service")),
    };
    let takes = |rule: &Value, side: &str, other: &Labels| {
        let peers = list(&rule[side]).iter();
        let mut peers = peers.filter(|peer| peer["namespaceSelector"].is_null());
        peers.any(|peer| selects(&peer["podSelector"], other)) && opens(rule, port)
    };
    let out = rules(policies, &pod.labels, "egress").any(|rule| takes(rule, "to", &target));
    let into = rules(policies, &target, "ingress").any(|rule| takes(rule, "from", &pod.labels));
    match (out, into) {
        (true, true) => None,
        (false, _) => Some(format!(
            "{pod} may not go to {name}:{port}, which {from} names"
        )),
        (_, false) => Some(format!(
            "{name}:{port} does not let {pod} in, which {from} names"
        )),
    }
}

/// The rules of one direction that hold for a pod.
fn rules<'a>(
    policies: &'a [&Value],
    labels: &'a Labels,
    direction: &'static str,
) -> impl Iterator<Item = &'a Value> {
    let policies = policies.iter();
    let own = policies.filter(move |policy| selects(&policy["spec"]["podSelector"], labels));
    own.flat_map(move |policy| list(&policy["spec"][direction]))
}

fn opens(rule: &Value, port: u64) -> bool {
    list(&rule["ports"])
        .iter()
        .any(|own| number(&own["port"]) == port)
}

/// Stores and broker let in nobody but those whose addresses name them; a rule without peers or
/// without ports would let in everybody.
fn strangers(objects: &Objects, policies: &[&Value]) -> Vec<String> {
    let mut found = Vec::new();
    for policy in policies {
        for rule in list(&policy["spec"]["ingress"]) {
            if list(&rule["from"]).is_empty() || list(&rule["ports"]).is_empty() {
                found.push(format!("{} lets everybody in", title(policy)));
            }
        }
    }
    for store in ["redis-jobs", "redis-cache", "rabbitmq"] {
        let own: Labels = [("app.kubernetes.io/name".to_owned(), store.to_owned())].into();
        for rule in rules(policies, &own, "ingress") {
            for peer in list(&rule["from"]) {
                let wanted = &peer["podSelector"]["matchLabels"];
                let pods = objects.pods();
                let mut allowed = pods
                    .iter()
                    .filter(|pod| selects_plainly(wanted, &pod.labels));
                let needless = |pod: &&Pod<'_>| {
                    let named = |url: &str| url.contains(&format!("@{store}:"));
                    !urls(objects, pod).iter().any(|(_, url)| named(url))
                };
                if wanted.is_null() || peer["namespaceSelector"].is_object() {
                    let outside = &peer["namespaceSelector"]["matchLabels"];
                    if outside["kubernetes.io/metadata.name"] != "monitoring" {
                        found.push(format!("{store} lets in {peer}"));
                    }
                } else if let Some(pod) = allowed.find(needless) {
                    found.push(format!("{store} lets in {pod}, which does not ask it"));
                }
            }
        }
    }
    found
}
