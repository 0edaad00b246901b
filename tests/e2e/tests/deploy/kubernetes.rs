//! Every overlay, alone and with each optional component, built as `kubectl apply -k` would build
//! it, and held to the rules.

use crate::{
    assert_none, network,
    object::{Objects, title},
    pods, programs, references, yaml,
};
use assay_e2e::checkout;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// An overlay with components that are switched on.
struct Variant {
    overlay: &'static str,
    components: &'static [&'static str],
}

const fn variant(overlay: &'static str, components: &'static [&'static str]) -> Variant {
    Variant {
        overlay,
        components,
    }
}

const VARIANTS: [Variant; 9] = [
    variant("dev", &[]),
    variant("cpu", &[]),
    variant("gpu", &[]),
    variant("cpu", &["keda"]),
    variant("cpu", &["monitoring"]),
    variant("cpu", &["tracing"]),
    variant("cpu", &["rabbitmq-cluster"]),
    variant("cpu", &["secured"]),
    variant(
        "gpu",
        &[
            "keda",
            "monitoring",
            "tracing",
            "rabbitmq-cluster",
            "secured",
            "keda-secured",
        ],
    ),
];

/// A copy of `deploy/`, with secrets made as an operator makes them.
pub(crate) fn installation() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let deploy = checkout::root().unwrap().join("deploy");
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {output:?}");
    };
    for part in ["kubernetes", "dashboards"] {
        run(Command::new("cp")
            .arg("-r")
            .arg(deploy.join(part))
            .arg(folder.path()));
    }
    for (what, place) in [("kubernetes", "secrets"), ("certificates", "certificates")] {
        let place = folder.path().join("kubernetes").join(place);
        run(Command::new(deploy.join("make-secrets"))
            .arg(what)
            .arg(place));
    }
    folder
}

/// The first of these that there is.
fn builder() -> Option<(&'static str, &'static [&'static str])> {
    let known = [("kubectl", &["kustomize"][..]), ("kustomize", &["build"])];
    known.into_iter().find(|(program, _)| {
        let help = Command::new(program).arg("--help").output();
        help.is_ok_and(|output| output.status.success())
    })
}

/// Builds a variant into a file beside the overlays; its components go where the overlay says.
fn build(folder: &Path, at: usize, variant: &Variant) -> Option<PathBuf> {
    let (program, arguments) = builder()?;
    let overlays = folder.join("kubernetes/overlays");
    let own = overlays.join(format!("variant-{at}"));
    let copied = Command::new("cp")
        .arg("-r")
        .arg(overlays.join(variant.overlay))
        .arg(&own)
        .status();
    assert!(copied.unwrap().success());
    let file = own.join("kustomization.yaml");
    let mut text = fs::read_to_string(&file).unwrap();
    for component in variant.components {
        let offered = format!("# - ../../components/{component}\n");
        assert!(text.contains(&offered), "{file:?} offers no {component}");
        text = text.replace("components: []\n", "components:\n");
        text = text.replace(&offered, &offered[2..]);
    }
    fs::write(&file, text).unwrap();
    let built = Command::new(program).args(arguments).arg(&own).output();
    let built = built.unwrap();
    let words = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{}: {words}", variant.overlay);
    assert!(!words.contains("deprecated"), "{words}");
    let out = folder.join(format!("{at}.yaml"));
    fs::write(&out, built.stdout).unwrap();
    Some(out)
}

/// The objects of an overlay as it is; `None` after saying what is missing.
pub(crate) fn overlay(test: &str, folder: &Path, name: &'static str) -> Option<Vec<Value>> {
    let Some(file) = build(folder, VARIANTS.len(), &variant(name, &[])) else {
        eprintln!("SKIPPED {test}: neither kubectl nor kustomize is there");
        return None;
    };
    yaml::objects(test, &[file]).unwrap()?.pop()
}

#[test]
fn every_overlay_is_valid_complete_and_safe() {
    let test = "every_overlay_is_valid_complete_and_safe";
    let folder = installation();
    let built: Option<Vec<PathBuf>> = VARIANTS
        .iter()
        .enumerate()
        .map(|(at, variant)| build(folder.path(), at, variant))
        .collect();
    let Some(files) = built else {
        eprintln!(
            "SKIPPED {test}: neither kubectl nor kustomize is there; the files are checked one by \
             one instead, and what refers to what is not"
        );
        return;
    };
    let Some(objects) = yaml::objects(test, &files).unwrap() else {
        return;
    };
    let mut violations = Vec::new();
    for (variant, objects) in VARIANTS.iter().zip(objects) {
        let objects = Objects(objects);
        let found = [
            references::violations(&objects),
            network::violations(&objects),
            pods::violations(&objects),
            programs::violations(&objects, folder.path()),
        ];
        let place = format!("{} with {:?}", variant.overlay, variant.components);
        let found = found.concat().into_iter();
        violations.extend(found.map(|violation| format!("{place}: {violation}")));
        match variant.overlay {
            "gpu" => violations.extend(pods::gpu_violations(&objects)),
            _ => assert!(!format!("{:?}", objects.0).contains("nvidia.com")),
        }
    }
    assert_none(&violations);
}

#[test]
fn every_file_of_objects_is_valid_by_itself() {
    let test = "every_file_of_objects_is_valid_by_itself";
    let kubernetes = checkout::root().unwrap().join("deploy/kubernetes");
    let mut files = Vec::new();
    for part in ["base", "components"] {
        for place in walk(&kubernetes.join(part)) {
            let Some(text) = objects_of(&place) else {
                continue;
            };
            files.extend(text);
        }
    }
    assert!(files.len() > 15, "{files:?}");
    let Some(objects) = yaml::objects(test, &files).unwrap() else {
        return;
    };
    assert!(objects.iter().all(|objects| !objects.is_empty()));
    let titles = objects.iter().flatten().map(title);
    assert!(titles.clone().any(|title| title == "Deployment gate"));
    assert!(titles.clone().any(|title| title == "ScaledObject trainer"));
}

/// The files that a kustomization takes as they are.
fn objects_of(kustomization: &Path) -> Option<Vec<PathBuf>> {
    let folder = kustomization.parent()?;
    let text = fs::read_to_string(kustomization).ok()?;
    let mut files = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line.strip_prefix("- ") {
            Some(file) if inside && file.ends_with(".yaml") => files.push(folder.join(file)),
            Some(_) => {}
            None => inside = line == "resources:",
        }
    }
    Some(files)
}

/// The kustomizations in a folder and those below it.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let own = folder.join("kustomization.yaml");
    let mut found: Vec<_> = own.is_file().then_some(own).into_iter().collect();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        }
    }
    found
}

#[test]
fn a_slip_of_the_pen_is_found() {
    let test = "a_slip_of_the_pen_is_found";
    let base = checkout::root().unwrap().join("deploy/kubernetes");
    let folder = tempfile::tempdir().unwrap();
    for (file, right, wrong, words) in [
        ("base/gate.yaml", "replicas:", "replicaz:", "replicaz"),
        (
            "base/gate.yaml",
            "runAsUser: 65532",
            "runAsUser: x",
            "runAsUser",
        ),
        (
            "base/data.yaml",
            "metadata:",
            "kind: Pod\nmetadata:",
            "kind stands twice",
        ),
        (
            "components/keda/scaled-objects.yaml",
            "lane: train",
            "lane: trian",
            "trian",
        ),
        (
            "components/keda/scaled-objects.yaml",
            "triggers:",
            "triggerz:",
            "triggerz",
        ),
    ] {
        let text = fs::read_to_string(base.join(file)).unwrap();
        assert!(text.contains(right), "{file} has no {right}");
        let broken = folder.path().join("broken.yaml");
        fs::write(&broken, text.replace(right, wrong)).unwrap();
        match yaml::objects(test, &[&broken]) {
            Ok(None) => return,
            Ok(Some(_)) => panic!("{wrong} was not found"),
            Err(error) => assert!(format!("{error:#}").contains(words), "{error:#}"),
        }
    }
}
