//! The interface's files pass the checks that other people's tools make of them.

use assay_e2e::{checkout, foreign};
use std::fs;

#[test]
fn buf_finds_nothing_in_the_interface() {
    let folder = checkout::root().unwrap().join("proto");
    foreign::python("buf lint", "lint_proto.py", [folder]).unwrap();
}

#[test]
fn buf_finds_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let rules = checkout::root().unwrap().join("proto/buf.yaml");
    fs::copy(rules, folder.path().join("buf.yaml")).unwrap();
    let bad = "syntax = \"proto3\";\npackage bad;\nmessage lower {}\n";
    fs::write(folder.path().join("bad.proto"), bad).unwrap();
    let Err(error) = foreign::python("buf lint", "lint_proto.py", [folder.path()]) else {
        // Only where there is no buf at all; the words of the skip are printed.
        assert!(std::env::var_os(foreign::PACKAGES).is_none());
        return;
    };
    assert!(format!("{error:#}").contains("lower"), "{error:#}");
}
