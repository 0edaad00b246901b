//! The workspace as a small graph that can also be made up: packages, what each depends on
//! directly, and what it reaches.

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

/// The one platform that set-up supports, so that no crate of another one is asked for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// When a dependency is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the product.
    Normal,
    /// In tests, examples or build scripts only.
    Other,
}

/// One entry of a package's manifest.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Name of the package it names.
    pub name: String,
    /// When it is linked.
    pub kind: Kind,
    /// Whether a feature has to ask for it.
    pub optional: bool,
}

/// A package of this workspace.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder below the top of the checkout.
    pub folder: String,
    /// Its manifest's entries.
    pub dependencies: Vec<Dependency>,
    /// Features and what they turn on.
    pub features: BTreeMap<String, Vec<String>>,
    /// Names of all packages that its product links, however far away.
    pub reaches: BTreeSet<String>,
}

/// Which features of the workspace's packages are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// Those that are on by default.
    Default,
    /// None.
    None,
}

/// Asks cargo for the packages of the workspace at `root`. Needs no network after a build.
///
/// # Errors
/// When cargo cannot tell.
pub fn workspace(root: &Path, features: Features) -> Result<Vec<Package>> {
    let mut options = vec!["--frozen", "--filter-platform", PLATFORM];
    if features == Features::None {
        options.push("--no-default-features");
    }
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(options.into_iter().map(str::to_owned).collect::<Vec<_>>())
        .exec()
        .context("cargo metadata: run `cargo fetch` once and keep Cargo.lock as it then is")?;
    let linked = linked(&metadata)?;
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let manifest = package.manifest_path.as_std_path();
            let folder = manifest
                .parent()
                .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok())
                .with_context(|| format!("{} is outside the workspace", manifest.display()))?;
            Ok(Package {
                name: package.name.to_string(),
                folder: folder.to_string_lossy().into_owned(),
                dependencies: package.dependencies.iter().map(entry).collect(),
                features: package.features.clone().into_iter().collect(),
                reaches: reached(&metadata, &linked, &package.id),
            })
        })
        .collect()
}

fn entry(dependency: &cargo_metadata::Dependency) -> Dependency {
    Dependency {
        name: dependency.name.clone(),
        kind: match dependency.kind {
            DependencyKind::Normal => Kind::Normal,
            _ => Kind::Other,
        },
        optional: dependency.optional,
    }
}

type Linked<'a> = HashMap<&'a PackageId, Vec<&'a PackageId>>;

fn linked(metadata: &Metadata) -> Result<Linked<'_>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo metadata gave no graph")?;
    let normal = |dependency: &&cargo_metadata::NodeDep| {
        let kinds = &dependency.dep_kinds;
        kinds.iter().any(|k| k.kind == DependencyKind::Normal)
    };
    let nodes = resolve.nodes.iter().map(|node| {
        let linked = node.deps.iter().filter(normal).map(|d| &d.pkg).collect();
        (&node.id, linked)
    });
    Ok(nodes.collect())
}

fn reached(metadata: &Metadata, linked: &Linked, from: &PackageId) -> BTreeSet<String> {
    let names: HashMap<_, _> = metadata.packages.iter().map(|p| (&p.id, &p.name)).collect();
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<&PackageId> = linked.get(from).cloned().unwrap_or_default();
    let mut reached = BTreeSet::new();
    while let Some(id) = ahead.pop() {
        if seen.insert(id) {
            reached.extend(names.get(id).map(|name| name.to_string()));
            ahead.extend(linked.get(id).into_iter().flatten());
        }
    }
    reached
}
