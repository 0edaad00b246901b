//! Other people's programs that read what we write: Python with the pinned packages of
//! `tests/python/requirements.txt`.

use crate::checkout;
use anyhow::{Context as _, Result, ensure};
use std::{env, ffi::OsStr, process::Command};

/// Names the folder into which `cargo xtask test` puts the packages.
pub const PACKAGES: &str = "OPENASSAY_TEST_PYTHONPATH";

/// Runs `tests/python/<script>` and gives what it printed, or `None` after saying that there are
/// no packages to run it with.
///
/// # Errors
/// When the script fails; its own words are in the message.
pub fn python(
    test: &str,
    script: &str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<Option<String>> {
    let Some(packages) = env::var_os(PACKAGES) else {
        eprintln!("SKIPPED {test}: {PACKAGES} is not set; `cargo xtask test` sets it");
        return Ok(None);
    };
    let script = checkout::root()?.join("tests/python").join(script);
    let output = Command::new("python3")
        .arg(&script)
        .args(arguments)
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .context("python3 does not start: install it to run the tests")?;
    ensure!(
        output.status.success(),
        "{} failed ({}):\n{}",
        script.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8(output.stdout).context("the script printed no UTF-8")?;
    Ok(Some(printed))
}
