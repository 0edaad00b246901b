//! The pages' own client in Node.js against a real server, where there is a Node.js.

use assay_e2e::{checkout, collection, server::Server};
use std::{fs, process::Command};

#[test]
fn the_client_of_the_pages_understands_the_server() {
    let version = Command::new("node").arg("--version").output();
    let Ok(version) = version else {
        eprintln!("SKIPPED the client of the pages: there is no Node.js");
        return;
    };
    let version = String::from_utf8(version.stdout).unwrap();
    let number = version.trim().trim_start_matches('v').split('.').next();
    if number
        .and_then(|number| number.parse::<u32>().ok())
        .unwrap_or_default()
        < 20
    {
        eprintln!("SKIPPED the client of the pages: {version} is older than Node.js 20");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let spectra = collection::simulate(folder, 3, 1).unwrap().spectra;
    collection::train(folder).unwrap();
    let server = Server::start(folder, &[]).unwrap();
    let push = [
        "models",
        "push",
        "--bundle",
        collection::BUNDLE,
        "--promote",
    ];
    server.run(folder, &push).unwrap();
    let root = checkout::root().unwrap();
    let scripts = folder.join("scripts");
    fs::create_dir(&scripts).unwrap();
    fs::write(scripts.join("package.json"), r#"{"type": "module"}"#).unwrap();
    for entry in fs::read_dir(root.join("libs/console/assets")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), scripts.join(entry.file_name())).unwrap();
    }
    let script = root.join("tests/e2e/tests/console/client.mjs");
    fs::copy(script, scripts.join("client.mjs")).unwrap();
    let ended = Command::new("node")
        .arg("client.mjs")
        .arg(&server.url)
        .arg(folder.join("data").join(&spectra[0].name))
        .current_dir(&scripts)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    let told: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(told["serving"], "SERVING");
    assert!(told["labels"].as_u64().unwrap() > 1, "{told}");
    assert_eq!(told["importances"], told["bins"]);
    let shap = &told["shap"];
    assert!(shap["progress"].as_u64().unwrap() >= 1, "{told}");
    assert_eq!(shap["ranges"], 16);
    assert_eq!(shap["edges"], 17);
    assert!(shap["difference"].as_f64().unwrap() < 1e-4, "{told}");
    assert!(shap["most"].as_f64().unwrap() > 1e-3, "{told}");
    // The model works on the spectrum itself.
    assert_eq!(told["image"], "FAILED_PRECONDITION");
    assert_eq!(told["missing"], "NOT_FOUND");
    assert_eq!(told["fields"], serde_json::json!(["content"]));
    assert_eq!(told["events"], serde_json::json!(["QUEUED", "CANCELLED"]));
}
