//! The tests of the pages' own scripts, where there is a Node.js to run them; pages need none.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Copies the files of a folder, and those of the folders in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn scripts_encode_decode_and_call_as_they_should() {
    let version = Command::new("node").arg("--version").output();
    let version = version.map(|output| String::from_utf8(output.stdout).unwrap());
    let number = |version: &str| -> Option<u32> {
        let version = version.trim().strip_prefix('v')?;
        version.split('.').next()?.parse().ok()
    };
    if version.as_deref().ok().and_then(number).unwrap_or_default() < 20 {
        eprintln!("SKIPPED scripts of the console: there is no Node.js 20 or newer ({version:?})");
        return;
    }
    // Beside a description that says that scripts are modules, as a browser takes them.
    let folder = tempfile::tempdir().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["assets", "tests"] {
        copy(&here.join(part), &folder.path().join(part));
    }
    fs::write(folder.path().join("package.json"), r#"{"type": "module"}"#).unwrap();
    let ended = Command::new("node")
        .args(["--test", "tests/messages.test.mjs", "tests/rpc.test.mjs"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stdout)
    );
}
