//! Files of YAML as values, read by Python with the tests' packages.

use assay_e2e::{checkout, foreign};
use serde_json::Value;
use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

/// The documents of a file below the top of the checkout, checked by a schema where one is named;
/// `None` after saying that there is no Python to read it with.
pub(crate) fn documents(test: &str, file: &str, schema: Option<&str>) -> Option<Vec<Value>> {
    let root = checkout::root().unwrap();
    let schema = schema.map(|schema| [OsString::from("--schema"), root.join(schema).into()]);
    let file = [root.join(file).into_os_string()];
    let arguments = schema.into_iter().flatten().chain(file);
    let printed = foreign::python(test, "yaml_documents.py", arguments).unwrap()?;
    Some(serde_json::from_str(&printed).unwrap())
}

/// Kubernetes objects of each file, checked strictly.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn objects(
    test: &str,
    files: &[impl AsRef<Path>],
) -> anyhow::Result<Option<Vec<Vec<Value>>>> {
    let schemas = checkout::root()?.join("deploy/kubernetes/schemas");
    let files = files.iter().map(|file| file.as_ref().as_os_str());
    let arguments: Vec<&OsStr> = [schemas.as_os_str()].into_iter().chain(files).collect();
    let printed = foreign::python(test, "kubernetes_objects.py", arguments)?;
    Ok(printed
        .map(|text| serde_json::from_str(&text))
        .transpose()?)
}
