//! What the machine must have: platform, tools, disk. Each lack is told with its remedy.

use crate::plan::megabytes;
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    env::consts,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const INSTALL_PIP: &str = "On Debian or Ubuntu: sudo apt-get install -y python3 python3-pip";
const INSTALL_COMPILER: &str = "On Debian or Ubuntu: sudo apt-get install -y g++";

/// Refuses platforms that the pinned wheels are not for.
pub(crate) fn check_platform() -> Result<()> {
    let libc = if cfg!(target_env = "gnu") {
        "gnu"
    } else {
        "another"
    };
    supported(consts::OS, consts::ARCH, libc)
}

fn supported(system: &str, processor: &str, libc: &str) -> Result<()> {
    ensure!(
        (system, processor, libc) == ("linux", "x86_64", "gnu"),
        "OpenAssay is set up for Linux on x86-64 with the GNU C library; this is {system} on \
         {processor} with {libc} C library. Use such a machine or a container (for example \
         Debian 12), or bring a libtorch 2.11 and an ONNX Runtime 1.31 of your own (LIBTORCH, \
         OPENASSAY_ONNXRUNTIME) and build with plain `cargo build`"
    );
    Ok(())
}

/// Refuses a machine whose python3 has no pip.
pub(crate) fn check_pip() -> Result<()> {
    ensure!(
        answers("python3", &["--version"]),
        "python3 was not found; it fetches the pinned files. {INSTALL_PIP}"
    );
    ensure!(
        answers("python3", &["-m", "pip", "--version"]),
        "python3 has no pip; it fetches the pinned files. {INSTALL_PIP}"
    );
    Ok(())
}

/// Refuses a machine without a C++ compiler.
pub(crate) fn check_compiler() -> Result<()> {
    // The same variable that the build of the torch bindings reads.
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let program = compiler.split_whitespace().next().unwrap_or("c++");
    ensure!(
        answers(program, &["--version"]),
        "no C++ compiler ({program}) was found; the torch bindings are built with it. \
         {INSTALL_COMPILER}"
    );
    Ok(())
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// `major.minor` of python3.
pub(crate) fn python_version() -> Result<String> {
    let output = Command::new("python3")
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => bail!("python3 was not found or does not run; the tests need it. {INSTALL_PIP}"),
    }
}

/// Refuses to begin what the disks cannot hold. Needs on the same file system are added up.
pub(crate) fn check_disk(needs: &[(&Path, u64)]) -> Result<()> {
    let mut totals: Vec<(u64, PathBuf, u64)> = Vec::new();
    for (folder, bytes) in needs.iter().filter(|(_, bytes)| *bytes > 0) {
        let existing = existing_ancestor(folder)?;
        let device = existing
            .metadata()
            .with_context(|| format!("cannot look at {}", existing.display()))?
            .dev();
        match totals.iter_mut().find(|(d, ..)| *d == device) {
            Some((_, _, total)) => *total += bytes,
            None => totals.push((device, existing, *bytes)),
        }
    }
    for (_, folder, needed) in totals {
        enough(&folder, needed, free_bytes(&folder)?)?;
    }
    Ok(())
}

fn enough(folder: &Path, needed: u64, free: u64) -> Result<()> {
    ensure!(
        needed <= free,
        "{} needs {} free on its disk, which has {}: make room, or name another disk for the \
         downloads with XDG_CACHE_HOME",
        folder.display(),
        megabytes(needed),
        megabytes(free)
    );
    Ok(())
}

fn free_bytes(folder: &Path) -> Result<u64> {
    let disk = rustix::fs::statvfs(folder)
        .with_context(|| format!("cannot ask for the free space of {}", folder.display()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn existing_ancestor(folder: &Path) -> Result<PathBuf> {
    folder
        .ancestors()
        .find(|a| a.is_dir())
        .map(Path::to_path_buf)
        .with_context(|| format!("no part of {} exists", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_platforms_are_told_what_to_do() {
        supported("linux", "x86_64", "gnu").unwrap();
        for (system, processor, libc) in [
            ("macos", "aarch64", "another"),
            ("linux", "aarch64", "gnu"),
            ("linux", "x86_64", "another"),
        ] {
            let message = supported(system, processor, libc).unwrap_err().to_string();
            assert!(
                message.contains(system) && message.contains("container"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_full_disk_is_told_in_figures() {
        enough(Path::new("/c"), 10, 10).unwrap();
        let message = enough(Path::new("/c"), 2_000_000, 1_000_000)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("needs 2 MB") && message.contains("has 1 MB"),
            "{message}"
        );
    }

    #[test]
    fn needs_of_one_disk_are_added_up() {
        let dir = tempfile::tempdir().unwrap();
        let free = free_bytes(dir.path()).unwrap();
        let (a, b) = (dir.path().join("a/not/there"), dir.path().join("b"));
        check_disk(&[(&a, 1), (&b, 1)]).unwrap();
        assert!(check_disk(&[(&a, free / 4 * 3), (&b, free / 4 * 3)]).is_err());
    }

    #[test]
    fn a_missing_program_does_not_answer() {
        assert!(!answers("no-such-program-here", &[]));
    }
}
