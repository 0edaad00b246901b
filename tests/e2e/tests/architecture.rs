//! The repository keeps the rules of its architecture. The rules, and proof that each of them can
//! be broken, are in this crate's library.

use assay_e2e::{
    checkout,
    graph::{self, Features},
    layers, tree,
};

#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n  {}\n", violations.join("\n  "));
}

#[test]
fn dependencies_point_one_way() {
    let root = checkout::root().unwrap();
    let packages = graph::workspace(&root, Features::Default).unwrap();
    assert!(
        packages.iter().any(|p| p.name == "assay-core"),
        "this is not the workspace"
    );
    assert_none(&layers::violations(&packages));
}

#[test]
fn without_training_nothing_needs_libtorch() {
    let root = checkout::root().unwrap();
    let packages = graph::workspace(&root, Features::None).unwrap();
    assert_none(&layers::violations_without_features(&packages));
}

#[test]
fn files_are_where_and_as_they_should_be() {
    let root = checkout::root().unwrap();
    let Some(files) = checkout::files(&root).unwrap() else {
        eprintln!("SKIPPED files_are_where_and_as_they_should_be: this is no git checkout");
        return;
    };
    assert!(
        files.iter().any(|f| f.path == "Cargo.toml"),
        "git lists no Cargo.toml"
    );
    assert_none(&tree::violations(&files, &root));
}
