//! The scripts and packages that people and other programs start are fit to be started.

use assay_e2e::{checkout, foreign};
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, process::Command};

#[test]
fn the_check_script_is_executable_bash_and_runs_the_one_test_task() {
    let script = checkout::root().unwrap().join(".ci/run");
    let mode = fs::metadata(&script).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "chmod +x .ci/run");
    let syntax = Command::new("bash")
        .arg("-n")
        .arg(&script)
        .status()
        .unwrap();
    assert!(syntax.success());
    let text = fs::read_to_string(&script).unwrap();
    let tests: Vec<_> = text.lines().filter(|l| l.contains(" test")).collect();
    assert!(
        tests.iter().any(|l| l.starts_with("cargo xtask test")),
        "{tests:?}"
    );
}

#[test]
fn the_pinned_python_packages_can_be_used() {
    let root = checkout::root().unwrap();
    let pinned = fs::read_to_string(root.join("tests/python/requirements.txt")).unwrap();
    let Some(printed) = foreign::python("python packages", "versions.py", [""; 0]).unwrap() else {
        return;
    };
    let asked = fs::read_to_string(root.join("tests/python/requirements.in")).unwrap();
    let asked = asked.lines().filter_map(|line| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '-'))
            .next()
    });
    let asked: BTreeSet<&str> = asked.collect();
    let names = printed.lines().filter_map(|line| line.split(' ').next());
    assert_eq!(names.collect::<BTreeSet<_>>(), asked);
    for line in printed.lines() {
        let (name, version) = line.split_once(' ').unwrap();
        let pin = format!("{name}=={version}");
        assert!(
            pinned.lines().any(|l| l.starts_with(&pin)),
            "{pin} is not the pinned one"
        );
    }
}
