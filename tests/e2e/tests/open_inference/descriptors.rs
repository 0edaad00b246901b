//! The interface itself, against what lies inside other people's clients.

use assay_api::DESCRIPTORS;
use assay_e2e::foreign;
use serde_json::Value;
use std::{ffi::OsStr, fs};

/// Compares with one client; gives the numbers of fields and methods that were compared.
fn compared(client: &str) -> Option<[u64; 2]> {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours");
    fs::write(&ours, DESCRIPTORS).unwrap();
    let arguments = [OsStr::new(client), ours.as_os_str()];
    let script = "open_inference_descriptors.py";
    let printed = foreign::python(script, script, arguments).unwrap()?;
    let told: Value = serde_json::from_str(&printed).unwrap();
    Some([&told["fields"], &told["methods"]].map(|count| count.as_u64().unwrap()))
}

#[test]
fn names_numbers_and_types_are_those_of_triton() {
    let Some([fields, methods]) = compared("triton") else {
        return;
    };
    assert!(fields > 150, "{fields}");
    assert_eq!(methods, 20);
}

#[test]
fn names_numbers_and_types_are_those_of_the_protocols_working_group() {
    let Some([fields, methods]) = compared("open-inference") else {
        return;
    };
    assert!(fields > 50, "{fields}");
    assert_eq!(methods, 6);
}
