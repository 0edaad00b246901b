//! The programs themselves read the configurations, files and variables that pods and containers
//! give them, and answer under the names that probes ask for.

use crate::{
    FLUSH_S,
    object::{Objects, Pod, labels, list, number, text},
    references::used_in,
};
use anyhow::{Context as _, Result, ensure};
use assay_e2e::{
    checkout,
    cluster::{Cluster, PROGRAMS},
    tool,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where a container's configuration lies.
pub(crate) const CONFIGURATION: &str = "/etc/openassay/config.toml";
/// What stands for a secret here.
const WORD: &str = "hunter2";

/// What is wrong, one sentence each. `folder` is for files.
pub(crate) fn violations(objects: &Objects, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for pod in objects.pods().iter().filter(|pod| pod.is_service()) {
        match configuration(objects, pod, folder) {
            Err(error) => found.push(format!("{pod}: {error:#}")),
            Ok(configuration) => found.extend(disagreements(pod, &configuration)),
        }
    }
    found
}

/// The configuration that a pod's program would run with, as the program says.
fn configuration(objects: &Objects, pod: &Pod<'_>, folder: &Path) -> Result<toml::Table> {
    let volumes = list(&pod.spec["volumes"]).iter();
    let maps = volumes.filter_map(|volume| volume["configMap"]["name"].as_str());
    let maps: Vec<_> = maps
        .filter_map(|name| objects.find("ConfigMap", name))
        .collect();
    let [map] = maps[..] else {
        anyhow::bail!("it has {} configurations", maps.len());
    };
    let text_of = labels(&map["data"]);
    let file = folder.join(format!("{}.toml", pod.name));
    fs::write(&file, text_of.get("config.toml").context("no config.toml")?)?;
    let arguments: Vec<&str> = list(&pod.container()["args"]).iter().map(text).collect();
    ensure!(
        arguments == ["--config", CONFIGURATION],
        "its arguments are {arguments:?}"
    );
    print(pod.name, &file, &variables(pod))
}

/// The variables of a pod, with a word for each secret.
fn variables(pod: &Pod<'_>) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for variable in list(&pod.container()["env"]) {
        let mut value = text(&variable["value"]).to_owned();
        if variable["valueFrom"].is_object() {
            value = WORD.to_owned();
        }
        let parts: Vec<String> = used_in(&value).map(str::to_owned).collect();
        for part in parts {
            let known = variables.get(&part).cloned().unwrap_or_default();
            value = value.replace(&format!("$({part})"), &known);
        }
        variables.insert(text(&variable["name"]).to_owned(), value);
    }
    variables
}

/// What a service's program says that it would run with.
///
/// # Errors
/// With its words, when it refuses the configuration, or shows a secret.
pub(crate) fn print(
    service: &str,
    file: &Path,
    variables: &BTreeMap<String, String>,
) -> Result<toml::Table> {
    let mut command = Command::new(tool::program(&format!("assay-{service}"))?);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OPENASSAY_") {
            command.env_remove(name);
        }
    }
    command.arg("--config").arg(file).arg("--print-config");
    let output = command.envs(variables).output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "it refuses its configuration: {words}"
    );
    let printed = String::from_utf8(output.stdout)?;
    ensure!(!printed.contains(WORD), "it prints a secret: {printed}");
    Ok(printed.parse()?)
}

/// Where pod and configuration do not go together.
fn disagreements(pod: &Pod<'_>, configuration: &toml::Table) -> Vec<String> {
    let mut found = Vec::new();
    let server = &configuration["server"];
    let ports: BTreeMap<&str, u64> = pod.ports().into_iter().collect();
    for (key, port) in [
        ("listen", "grpc"),
        ("metrics_listen", "metrics"),
        ("health_listen", "health"),
    ] {
        let address = server.get(key).and_then(toml::Value::as_str);
        let own = address.and_then(|address| address.rsplit(':').next()?.parse().ok());
        if own != ports.get(port).copied() {
            found.push(format!(
                "{pod}: server.{key} is {address:?}, its port {:?}",
                ports.get(port)
            ));
        }
        if address.is_some_and(|address| !address.starts_with("0.0.0.0:")) {
            found.push(format!(
                "{pod}: server.{key} is {address:?}: nobody reaches it"
            ));
        }
    }
    let grace = server["shutdown_grace_s"].as_integer().unwrap_or_default();
    let given = number(&pod.spec["terminationGracePeriodSeconds"]);
    if u64::try_from(grace).unwrap_or_default() + FLUSH_S != given {
        found.push(format!(
            "{pod}: {grace} s of its own and {FLUSH_S} s are not {given} s"
        ));
    }
    let folder = configuration["storage"]["data_dir"].as_str();
    let mounts = list(&pod.container()["volumeMounts"]).iter();
    let data = mounts.filter(|mount| mount["name"] == "data");
    if !data
        .map(|mount| mount["mountPath"].as_str())
        .any(|path| path == folder)
    {
        found.push(format!("{pod}: storage.data_dir {folder:?} is no volume"));
    }
    found.extend(threads(pod, configuration));
    found.extend(stores(pod, configuration));
    found
}

/// Threads are counted, because a library sees the machine's processors and not the container's.
fn threads(pod: &Pod<'_>, configuration: &toml::Table) -> Option<String> {
    let section = configuration.get(pod.name)?;
    let computes = ["inference", "trainer"].contains(&pod.name);
    let threads = section
        .get("threads")
        .map_or(0, |n| n.as_integer().unwrap_or_default());
    let limit = text(&pod.container()["resources"]["limits"]["cpu"]).to_owned();
    (computes && threads.to_string() != limit)
        .then(|| format!("{pod}: {threads} threads on {limit} processors"))
}

/// Who works on jobs has store and broker, and nobody else has them.
fn stores(pod: &Pod<'_>, configuration: &toml::Table) -> Vec<String> {
    let storage = &configuration["storage"];
    let set = |key: &str| {
        let value = storage.get(key).and_then(toml::Value::as_str);
        value.is_some_and(|value| !value.is_empty())
    };
    let works = ["control", "explainer", "gate", "trainer"].contains(&pod.name);
    let wanted = [
        ("jobs_url", works),
        ("queue_url", works),
        ("cache_url", pod.name == "inference"),
    ];
    let wrong = wanted
        .into_iter()
        .filter(|(key, wanted)| set(key) != *wanted);
    wrong
        .map(|(key, wanted)| format!("{pod}: that storage.{key} is set should be {wanted}"))
        .collect()
}

/// The names that probes of the manifests ask for, by program.
fn probe_names() -> BTreeMap<String, Vec<String>> {
    let base = checkout::root().unwrap().join("deploy/kubernetes/base");
    let names = |service: &&str| {
        let text = fs::read_to_string(base.join(format!("{service}.yaml"))).unwrap();
        let probes = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("grpc: {"));
        let names = probes.map(|probe| {
            let name = probe.split_once("service: ").map_or("", |(_, name)| name);
            name.trim_end_matches('}').to_owned()
        });
        (format!("assay-{service}"), names.collect())
    };
    crate::SERVICES.iter().map(names).collect()
}

fn check_health(program: &str, url: &str, name: &str) -> Option<i32> {
    let address = url.strip_prefix("http://").unwrap();
    let listen = format!("server.listen={address}");
    let mut command = Command::new(tool::program(program).unwrap());
    command.args(["--set", &listen, "--check-health", name]);
    command.output().unwrap().status.code()
}

#[test]
fn programs_answer_under_the_names_that_probes_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(folder.path(), &[]).unwrap();
    let names = probe_names();
    assert_eq!(names.len(), PROGRAMS.len());
    for program in PROGRAMS {
        let url = cluster.url(program);
        let asked = &names[program];
        assert_eq!(
            asked.len(),
            3,
            "{program} has other probes than three over gRPC"
        );
        for name in asked {
            assert_eq!(
                check_health(program, &url, name),
                Some(0),
                "{program} {name:?}"
            );
        }
        let other = check_health(program, &url, "openassay.other.v1.OtherService");
        assert_eq!(other, Some(1), "{program}");
    }
    assert_eq!(crate::compose::health_names(), readiness(&names));
}

/// The names that say whether a service can answer.
fn readiness(names: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    let ready = |names: &Vec<String>| names[1].clone();
    let names = names.iter();
    names
        .map(|(program, names)| (program.clone(), ready(names)))
        .collect()
}

/// A file that every service's configuration lies in.
pub(crate) fn configuration_file(service: &str) -> PathBuf {
    let root = checkout::root().unwrap();
    root.join(format!("deploy/kubernetes/base/config/{service}.toml"))
}

#[test]
fn a_wrong_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    let text = fs::read_to_string(configuration_file("gate")).unwrap();
    fs::write(&file, text.replace("data_dir", "data_dirr")).unwrap();
    let refused = print("gate", &file, &BTreeMap::new()).unwrap_err();
    assert!(refused.to_string().contains("data_dirr"), "{refused}");
    let variables = [("OPENASSAY_GATE__BUNDLEZ".to_owned(), "1".to_owned())].into();
    let refused = print("gate", &configuration_file("gate"), &variables).unwrap_err();
    assert!(refused.to_string().contains("BUNDLEZ"), "{refused}");
}
