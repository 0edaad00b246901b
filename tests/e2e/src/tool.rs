//! The command-line tool as a user starts it: a process with arguments, exit code and output.

use anyhow::{Context as _, Result, ensure};
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The `openassay` that was built together with these tests.
///
/// # Errors
/// When it is not there; `cargo xtask test` builds it first.
pub fn executable() -> Result<PathBuf> {
    program("openassay")
}

/// A program of this workspace that was built together with these tests.
///
/// # Errors
/// When it is not there; `cargo xtask test` builds it first.
pub fn program(name: &str) -> Result<PathBuf> {
    let test = env::current_exe()?;
    let profile = test
        .ancestors()
        .nth(2)
        .context("tests lie in target/<profile>/deps")?;
    let program = profile.join(name);
    ensure!(
        program.is_file(),
        "{} is missing: `cargo xtask test` builds it, or `cargo build -p {name}`",
        program.display()
    );
    Ok(program)
}

/// Runs the tool in a folder and gives its output, whatever its exit code.
///
/// # Errors
/// When it cannot be started.
pub fn start(folder: &Path, arguments: &[&str]) -> Result<Output> {
    Command::new(executable()?)
        .args(arguments.iter().map(OsStr::new))
        .current_dir(folder)
        .output()
        .context("openassay does not start")
}

/// Runs the tool in a folder and gives its standard output.
///
/// # Errors
/// With everything it said when it does not succeed.
pub fn run(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = start(folder, arguments)?;
    ensure!(
        output.status.success(),
        "openassay {} ended with {}:\n{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).context("openassay printed no UTF-8")
}
