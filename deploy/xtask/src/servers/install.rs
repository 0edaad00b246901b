//! Installs servers from Debian's packages, which only root can.

use super::Sort;
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Command, Stdio},
};

/// Whether this is Debian, or a system made of it, and we are root.
pub(super) fn is_possible() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    root && Path::new("/etc/debian_version").is_file()
}

/// Installs them, and says so.
///
/// # Errors
/// The packages cannot be had.
pub(super) fn packages(sorts: &[Sort]) -> Result<()> {
    let packages: Vec<_> = sorts.iter().map(|sort| sort.package).collect();
    eprintln!(
        "installing {} with apt-get: the tests start them in temporary folders",
        packages.join(" and ")
    );
    apt(&["update"])?;
    apt(&[
        &["install", "--yes", "--no-install-recommends"],
        &packages[..],
    ]
    .concat())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .arg("--quiet")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .context("apt-get does not start")?;
    ensure!(
        status.success(),
        "apt-get {} failed ({status}): install redis-server and rabbitmq-server by hand, or pass \
         --offline to go on without them",
        arguments.join(" ")
    );
    Ok(())
}
