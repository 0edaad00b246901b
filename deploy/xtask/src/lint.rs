//! Formatting, clippy and cargo-deny, each as anyone would call it.

use crate::{
    checkout::Checkout,
    command::{self, cargo},
    lock, machine, setup,
    wheel_cache::remove_folder,
};
use anyhow::{Result, bail};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const DENY_VERSION: &str = "0.20.2";
const COMPONENTS: &str =
    "Where cargo does not know the command: rustup component add rustfmt clippy";

/// Runs every check; the first that fails ends the task.
pub(crate) fn run(checkout: &Checkout, offline: bool) -> Result<()> {
    machine::check_compiler()?;
    setup::run(checkout, setup::Wanted::default(), offline)?;
    let mut format = cargo(checkout);
    format.args(["fmt", "--all", "--check"]);
    command::run(
        checkout,
        &mut format,
        &format!("`cargo fmt --all` mends it. {COMPONENTS}"),
    )?;
    clippy(checkout, &["--workspace"], offline)?;
    clippy(
        checkout,
        &["--package", "openassay", "--no-default-features"],
        offline,
    )?;
    deny(checkout, offline)
}

fn clippy(checkout: &Checkout, what: &[&str], offline: bool) -> Result<()> {
    let mut command = cargo(checkout);
    command.arg("clippy").args(what).arg("--all-targets");
    if offline {
        command.arg("--offline");
    }
    command.args(["--", "--deny", "warnings"]);
    command::run(checkout, &mut command, COMPONENTS)
}

fn deny(checkout: &Checkout, offline: bool) -> Result<()> {
    let deny = installed_deny(checkout, offline)?;
    let check = |what: &[&str]| {
        let mut command = Command::new(&deny);
        command.current_dir(checkout.root()).stdin(Stdio::null());
        // Its warnings, of crates that are there in two versions, would hide the rest.
        command
            .args(["--log-level", "error", "check", "--hide-inclusion-graph"])
            .args(what);
        command
    };
    let rules = "The rules and their reasons are in .deny.toml";
    command::run(
        checkout,
        &mut check(&["bans", "licenses", "sources"]),
        rules,
    )?;
    if offline || !advisories_reached(checkout, &deny) {
        eprintln!(
            "NOT CHECKED: known vulnerabilities (advisories), because their database could not be \
             reached from here; everything else was checked"
        );
        return Ok(());
    }
    command::run(
        checkout,
        &mut check(&["--disable-fetch", "advisories"]),
        rules,
    )
}

fn advisories_reached(checkout: &Checkout, deny: &Path) -> bool {
    eprintln!("\nfetching the database of advisories");
    let output = Command::new(deny)
        .current_dir(checkout.root())
        .stdin(Stdio::null())
        .args(["fetch", "db"])
        .output();
    output.is_ok_and(|o| o.status.success())
}

fn installed_deny(checkout: &Checkout, offline: bool) -> Result<PathBuf> {
    let tools = checkout.state().join("tools");
    let _lock = lock::take(&tools)?;
    let deny = tools.join("bin/cargo-deny");
    if version_of(&deny).as_deref() == Some(DENY_VERSION) {
        return Ok(deny);
    }
    if offline {
        bail!(
            "cargo-deny {DENY_VERSION} is not in .openassay/tools, and --offline forbids fetching \
             it: run `cargo xtask lint` once where there is a network"
        );
    }
    eprintln!("\ncargo-deny {DENY_VERSION} is built once, in about 3 minutes");
    let target = tools.join("target");
    let mut install = cargo(checkout);
    install
        .args([
            "install",
            "--locked",
            "--force",
            "--debug",
            "--version",
            DENY_VERSION,
        ])
        .arg("--root")
        .arg(&tools)
        .arg("--target-dir")
        .arg(&target)
        .arg("cargo-deny")
        // It runs for seconds: building it fast matters more than running it fast.
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    command::run(
        checkout,
        &mut install,
        "Look at the network, then run `cargo xtask lint` again",
    )?;
    remove_folder(&target)?;
    Ok(deny)
}

fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).map(str::to_owned)
}
