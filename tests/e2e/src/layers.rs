//! The direction of dependencies between the crates of this workspace, and who may link what.
//! Pure: it is given the graph.

mod rows;

use crate::graph::{Kind, Package};
use rows::LAYERS;
use std::collections::BTreeMap;

/// Packages of the outside world that a library must not reach.
const NOT_IN_LIBRARIES: [&str; 6] = ["tokio", "tonic", "lapin", "redis", "hyper", "async-std"];

/// A native library's bindings: who may name them, and whose product may contain them.
struct Native {
    binding: &'static str,
    named_by: &'static [&'static str],
    reached_by: &'static [&'static str],
}

const NATIVE: [Native; 2] = [
    Native {
        binding: "tch",
        named_by: &["assay-train"],
        reached_by: &[
            "assay-train",
            "assay-training-report",
            "assay-trainer",
            "openassay",
        ],
    },
    Native {
        binding: "ort",
        named_by: &["assay-infer"],
        reached_by: &[
            "assay-infer",
            "assay-pipeline",
            "assay-explain",
            "assay-training-spec",
            "assay-train",
            "assay-reporting",
            "assay-training-report",
            "assay-answering",
            "assay-api",
            "assay-runtime",
            "assay-console",
            "assay-ingest",
            "assay-inference",
            "assay-gate",
            "assay-explainer",
            "assay-trainer",
            "assay-control",
            "openassay",
            "assay-e2e",
        ],
    },
];

/// Libraries that may wait for others: the ports to the world, their adapters, and what serves.
const ASYNCHRONOUS: [&str; 10] = [
    "assay-jobs",
    "assay-store",
    "assay-embedded",
    "assay-amqp",
    "assay-redis-store",
    "assay-backends",
    "assay-answering",
    "assay-api",
    "assay-runtime",
    "assay-console",
];

/// The feature that brings training to the tool, and the package it brings.
const TRAINING: (&str, &str) = ("train", "assay-train");

/// What breaks a rule when features are at their defaults, one sentence each.
#[must_use]
pub fn violations(packages: &[Package]) -> Vec<String> {
    let mut found = names(packages);
    for package in packages {
        found.extend(direction(package, packages));
        found.extend(asynchrony(package));
        found.extend(native(package));
        if package.name == "openassay" {
            found.extend(training_is_a_choice(package));
        }
    }
    found
}

/// What breaks a rule when no feature is on.
#[must_use]
pub fn violations_without_features(packages: &[Package]) -> Vec<String> {
    packages
        .iter()
        .filter(|p| {
            ![TRAINING.1, "assay-training-report", "assay-trainer"].contains(&p.name.as_str())
        })
        .filter(|p| p.reaches.contains("tch"))
        .map(|p| {
            format!(
                "{}: reaches tch although the feature `train` is off",
                p.name
            )
        })
        .collect()
}

fn names(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders: BTreeMap<&str, &str> = BTreeMap::new();
    for package in packages {
        let folder = package.folder.rsplit('/').next().unwrap_or_default();
        let name = if folder == "openassay" {
            folder.to_owned()
        } else {
            format!("assay-{folder}")
        };
        if package.name != name {
            found.push(format!(
                "{}: lies in {}, so it is `{name}`",
                package.name, package.folder
            ));
        }
        if let Some(other) = folders.insert(folder, &package.folder) {
            found.push(format!("{}: {other} has the same name", package.folder));
        }
    }
    found
}

fn direction(package: &Package, packages: &[Package]) -> Vec<String> {
    let Some(layer) = LAYERS.iter().find(|l| l.package == package.name) else {
        return vec![format!(
            "{}: has no row in layers.rs: add what it may use, and why",
            package.name
        )];
    };
    let mut found = Vec::new();
    for dependency in &package.dependencies {
        let Some(used) = packages.iter().find(|p| p.name == dependency.name) else {
            continue;
        };
        let normal = dependency.kind == Kind::Normal;
        if normal && !layer.may_use.contains(&used.name.as_str()) {
            found.push(format!(
                "{}: may not use {} ({})",
                package.name, used.name, layer.why
            ));
        }
        let upwards = package.folder.starts_with("libs/") && used.folder.starts_with("services/");
        if upwards && !normal {
            found.push(format!(
                "{}: tests of a library may not use a service",
                package.name
            ));
        }
    }
    found
}

fn asynchrony(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    if !package.folder.starts_with("libs/") || ASYNCHRONOUS.contains(&name) {
        return Vec::new();
    }
    NOT_IN_LIBRARIES
        .iter()
        .filter(|name| package.reaches.contains(**name))
        .map(|name| format!("{}: a science library may not reach {name}", package.name))
        .collect()
}

fn native(package: &Package) -> Vec<String> {
    let mut found = Vec::new();
    for native in NATIVE {
        let name = package.name.as_str();
        let named = package
            .dependencies
            .iter()
            .any(|d| d.name == native.binding);
        if named && !native.named_by.contains(&name) {
            let owner = native.named_by.join(", ");
            found.push(format!("{name}: only {owner} may name {}", native.binding));
        }
        if package.reaches.contains(native.binding) && !native.reached_by.contains(&name) {
            found.push(format!(
                "{name}: its product may not contain {}",
                native.binding
            ));
        }
    }
    found
}

fn training_is_a_choice(tool: &Package) -> Vec<String> {
    let (feature, training) = TRAINING;
    let mut found = Vec::new();
    if !tool
        .dependencies
        .iter()
        .any(|d| d.name == training && d.optional)
    {
        found.push(format!("{}: {training} must be optional", tool.name));
    }
    let by_default = tool.features.get("default").cloned().unwrap_or_default();
    if !by_default.iter().any(|f| f == feature) {
        found.push(format!(
            "{}: the feature `{feature}` must be on by default",
            tool.name
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Dependency;

    fn package(folder: &str, uses: &[&str], reaches: &[&str]) -> Package {
        let last = folder.rsplit('/').next().unwrap();
        let name = if last == "openassay" {
            last.to_owned()
        } else {
            format!("assay-{last}")
        };
        let dependency = |name: &&str| Dependency {
            name: (*name).to_owned(),
            kind: Kind::Normal,
            optional: *name == TRAINING.1,
        };
        Package {
            name,
            folder: folder.to_owned(),
            dependencies: uses.iter().map(dependency).collect(),
            features: BTreeMap::from([("default".to_owned(), vec!["train".to_owned()])]),
            reaches: reaches.iter().map(|r| (*r).to_owned()).collect(),
        }
    }

    fn good() -> Vec<Package> {
        vec![
            package("libs/core", &[], &["blake3"]),
            package("libs/spectrum", &["assay-core"], &["assay-core"]),
            package("libs/infer", &["assay-core", "ort"], &["assay-core", "ort"]),
            package(
                "libs/train",
                &["assay-infer", "tch"],
                &["assay-infer", "ort", "tch"],
            ),
            package(
                "services/openassay",
                &["assay-train"],
                &["assay-train", "ort", "tch"],
            ),
        ]
    }

    #[track_caller]
    fn breaks_one_rule(packages: &[Package], word: &str) {
        let found = violations(packages);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(word), "{found:?}");
    }

    #[test]
    fn a_good_workspace_breaks_nothing() {
        assert_eq!(violations(&good()), Vec::<String>::new());
    }

    #[test]
    fn a_wrong_direction_is_found() {
        let mut packages = good();
        packages[0] = package("libs/core", &["assay-spectrum"], &[]);
        breaks_one_rule(&packages, "assay-core: may not use assay-spectrum");
    }

    #[test]
    fn tests_may_use_more_but_no_service() {
        let mut packages = good();
        let mut use_in_tests = |name: &str| {
            packages[0].dependencies = vec![Dependency {
                name: name.to_owned(),
                kind: Kind::Other,
                optional: false,
            }];
            violations(&packages)
        };
        assert_eq!(use_in_tests("assay-spectrum"), Vec::<String>::new());
        assert_eq!(use_in_tests("openassay").len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let mut packages = good();
        packages.push(package("libs/novelty", &[], &[]));
        breaks_one_rule(&packages, "assay-novelty: has no row");
    }

    #[test]
    fn wrong_and_double_names_are_found() {
        let mut packages = good();
        packages[1].name = "assay-core".to_owned();
        packages[1].dependencies.clear();
        breaks_one_rule(&packages, "so it is `assay-spectrum`");
        let mut packages = good();
        packages.push(package("services/infer", &[], &[]));
        breaks_one_rule(&packages, "same name");
    }

    #[test]
    fn asynchrony_in_a_library_is_found_however_far_away() {
        for name in NOT_IN_LIBRARIES {
            let mut packages = good();
            packages[1].reaches.insert(name.to_owned());
            breaks_one_rule(&packages, name);
            packages[1].reaches.remove(name);
            packages[4].reaches.insert(name.to_owned());
            assert_eq!(violations(&packages), Vec::<String>::new());
        }
    }

    #[test]
    fn native_libraries_in_the_wrong_place_are_found() {
        let mut packages = good();
        packages[2].reaches.insert("tch".to_owned());
        breaks_one_rule(&packages, "assay-infer: its product may not contain tch");
        let mut packages = good();
        packages[4] = package("services/openassay", &["assay-train", "ort"], &["ort"]);
        breaks_one_rule(&packages, "only assay-infer may name ort");
    }

    #[test]
    fn training_that_cannot_be_left_out_is_found() {
        let mut packages = good();
        packages[4].dependencies[0].optional = false;
        breaks_one_rule(&packages, "must be optional");
        let mut packages = good();
        packages[4].features.clear();
        breaks_one_rule(&packages, "on by default");
        assert_eq!(violations_without_features(&good()).len(), 1);
    }

    #[test]
    fn each_row_names_rows_below_it() {
        for (at, layer) in LAYERS.iter().enumerate() {
            assert!(!layer.why.is_empty());
            for used in layer.may_use {
                let below = LAYERS[..at].iter().any(|l| l.package == *used);
                assert!(
                    below,
                    "{} uses {used}, which has no row above",
                    layer.package
                );
            }
        }
    }
}
