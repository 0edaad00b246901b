//! `deploy/compose/compose.yaml`: fits its schema, names what is there, and starts programs as
//! they want to be started.

use crate::{
    FLUSH_S, assert_none,
    containers::Containerfile,
    object::{list, text},
    programs::{self, CONFIGURATION},
    yaml,
};
use assay_e2e::checkout;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

const FILE: &str = "deploy/compose/compose.yaml";
const SCHEMA: &str = "deploy/compose/schema.json";

/// The file's only document.
fn compose(test: &str) -> Option<Value> {
    let mut documents = yaml::documents(test, FILE, Some(SCHEMA))?;
    assert_eq!(documents.len(), 1);
    documents.pop()
}

/// The names that the health checks of services ask for, by program, read without YAML.
pub(crate) fn health_names() -> BTreeMap<String, String> {
    let text = fs::read_to_string(checkout::root().unwrap().join(FILE)).unwrap();
    let checks = text.lines().filter_map(|line| {
        let words = line.trim().strip_prefix("test: [CMD, /usr/bin/")?;
        let mut words = words.trim_end_matches(']').split(", ");
        let program = words.next()?.to_owned();
        let name = words.skip_while(|word| *word != "--check-health").nth(1);
        Some((program, name.unwrap_or_default().to_owned()))
    });
    checks.collect()
}

#[test]
fn compose_is_valid_complete_and_starts_what_there_is() {
    let test = "compose_is_valid_complete_and_starts_what_there_is";
    let Some(compose) = compose(test) else { return };
    let services = compose["services"].as_object().unwrap();
    let mut violations = declarations(&compose);
    for service in crate::SERVICES {
        match services.get(service) {
            None => violations.push(format!("there is no {service}")),
            Some(own) => violations.extend(program(service, own)),
        }
    }
    violations.extend(stores(services));
    assert_none(&violations);
}

/// Names of volumes, networks, services and files.
fn declarations(compose: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let folder = checkout::root().unwrap().join("deploy/compose");
    let mut volumes = BTreeSet::new();
    let mut ports = BTreeSet::new();
    for (name, service) in compose["services"].as_object().unwrap() {
        for volume in list(&service["volumes"]).iter().map(text) {
            let source = volume.split(':').next().unwrap_or_default();
            let file = source.starts_with('.');
            if file && !(folder.join(source).is_file() && volume.ends_with(":ro")) {
                found.push(format!("{name}: {volume} is no file that is only read"));
            }
            if !file {
                volumes.insert(source);
            }
        }
        for network in list(&service["networks"]).iter().map(text) {
            if compose["networks"][network].is_null() {
                found.push(format!("{name}: there is no network {network}"));
            }
        }
        for other in service["depends_on"].as_object().into_iter().flatten() {
            if compose["services"][other.0].is_null() {
                found.push(format!("{name}: there is no {}", other.0));
            }
        }
        for port in list(&service["ports"]).iter().map(text) {
            if !ports.insert(port.rsplit_once(':').map(|(host, _)| host)) {
                found.push(format!("{name}: the port of {port} is taken"));
            }
        }
    }
    let declared = compose["volumes"].as_object().unwrap();
    let declared: BTreeSet<&str> = declared.keys().map(String::as_str).collect();
    if declared != volumes {
        found.push(format!(
            "volumes {volumes:?} are used, {declared:?} are declared"
        ));
    }
    found
}

/// One of our services: its image, its configuration, its health, its end.
fn program(service: &str, own: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let image = Containerfile::of(service);
    let file = format!("deploy/containers/{service}/Containerfile");
    if own["build"]["dockerfile"] != file || own["build"]["context"] != "../.." {
        found.push(format!("{service} is built by {}", own["build"]));
    }
    if !text(&own["image"]).starts_with(&format!("openassay/{service}:")) {
        found.push(format!("{service} has the image {}", own["image"]));
    }
    if own["user"] != image.user || own["read_only"] != true {
        found.push(format!("{service} runs as {} and may write", own["user"]));
    }
    let asked: Vec<&str> = list(&own["healthcheck"]["test"]).iter().map(text).collect();
    let begin = [
        "CMD",
        &image.entry,
        "--config",
        CONFIGURATION,
        "--check-health",
    ];
    if !asked.starts_with(&begin) {
        found.push(format!("{service}: its health is asked by {asked:?}"));
    }
    let arguments: Vec<&str> = list(&own["command"]).iter().map(text).collect();
    let source = format!("../kubernetes/base/config/{service}.toml:{CONFIGURATION}:ro");
    let mounts: Vec<&str> = list(&own["volumes"]).iter().map(text).collect();
    if arguments != ["--config", CONFIGURATION] || !mounts.contains(&source.as_str()) {
        found.push(format!(
            "{service}: {arguments:?} with {mounts:?} is not its configuration"
        ));
    }
    let variables = own["environment"].as_object().into_iter().flatten();
    let variables = variables
        .map(|(name, value)| (name.clone(), interpolated(text(value))))
        .collect();
    match programs::print(service, &programs::configuration_file(service), &variables) {
        Err(error) => found.push(format!("{service}: {error:#}")),
        Ok(configuration) => {
            let grace = &configuration["server"]["shutdown_grace_s"];
            let grace = grace.as_integer().unwrap_or_default().unsigned_abs();
            if own["stop_grace_period"] != format!("{}s", grace + FLUSH_S) {
                found.push(format!("{service}: {} to end", own["stop_grace_period"]));
            }
            let data = configuration["storage"]["data_dir"]
                .as_str()
                .unwrap_or_default();
            if !mounts.contains(&format!("data:{data}").as_str()) {
                found.push(format!("{service}: {data} is no volume"));
            }
            let threads = configuration
                .get(service)
                .and_then(|own| own.get("threads"));
            let limit = text(&own["deploy"]["resources"]["limits"]["cpus"]);
            let threads = threads.and_then(toml::Value::as_integer).filter(|&n| n > 0);
            if threads.is_some_and(|threads| threads.to_string() != limit) {
                found.push(format!(
                    "{service}: {threads:?} threads on {limit} processors"
                ));
            }
        }
    }
    found
}

/// `${NAME…}` with a word in its place.
fn interpolated(text: &str) -> String {
    let mut parts = text.split("${");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.push_str("hunter2");
        whole.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    whole
}

/// Images of stores and broker are those of Kubernetes, and passwords come from outside.
fn stores(services: &serde_json::Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    let base = checkout::root()
        .unwrap()
        .join("deploy/kubernetes/base/kustomization.yaml");
    let base = fs::read_to_string(base).unwrap();
    for (name, service) in services {
        let image = text(&service["image"]);
        if !crate::SERVICES.contains(&name.as_str()) {
            let (repository, tag) = image.rsplit_once(':').unwrap_or((image, ""));
            if !base.contains(&format!("newName: {repository}, newTag: {tag}}}")) {
                found.push(format!("{name}: {image} is not the image of Kubernetes"));
            }
        }
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let secret =
                variable.contains("PASS") || variable.contains("AUTH") || variable.contains("URL");
            if secret && !text(value).contains(":?") {
                found.push(format!("{name}: {variable} is not asked for"));
            }
        }
    }
    found
}

#[test]
fn compose_itself_takes_the_file() {
    let test = "compose_itself_takes_the_file";
    let version = Command::new("docker").args(["compose", "version"]).output();
    if !version.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED {test}: `docker compose` is not there; the schema of ours holds it");
        return;
    }
    let root = checkout::root().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = |environment: &str| {
        let mut command = Command::new("docker");
        command.args(["compose", "--env-file", environment, "--file", FILE]);
        command.args(["config", "--quiet"]).current_dir(&root);
        command.output().unwrap()
    };
    let refused = config("/dev/null");
    assert!(!refused.status.success(), "passwords are not asked for");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("make-secrets"), "{words}");
    let made = Command::new(root.join("deploy/make-secrets"))
        .arg("compose")
        .arg(folder.path())
        .status();
    assert!(made.unwrap().success());
    let taken = config(folder.path().join(".env").to_str().unwrap());
    assert!(taken.status.success(), "{taken:?}");
}
