//! Fetches through pip, so that the user's own index, proxy and certificate settings hold.

use crate::{
    progress::{Download, watch},
    wheel_cache::WheelCache,
    wheels::Wheel,
};
use anyhow::{Context as _, Result, bail};
use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

/// `python3 -m pip TASK` without questions, bars, notices or a second cache.
pub(crate) fn pip(task: &str) -> Command {
    let mut command = Command::new("python3");
    command
        .args(["-m", "pip", task, "--no-input", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--progress-bar", "off"])
        // These two settings of a user would make pip refuse what is asked here.
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .env("PIP_USER", "0")
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .stdin(Stdio::null());
    command
}

/// Downloads one wheel into the cache.
pub(crate) fn fetch(cache: &WheelCache, wheel: &Wheel) -> Result<()> {
    let partial = cache.fresh_partial(wheel.project())?;
    let mut command = pip("download");
    command
        .args(["--no-deps", "--only-binary=:all:", "--implementation", "cp"])
        .args(["--python-version", "311", "--abi", "cp311"]);
    for platform in wheel.platforms() {
        command.args(["--platform", platform]);
    }
    command.arg(format!("{}=={}", wheel.project(), wheel.version()));
    let name = format!("{} {}", wheel.project(), wheel.version());
    download(command, &name, wheel.size_bytes, &partial)?;
    let arrived = partial.join("done").join(wheel.file);
    if !arrived.is_file() {
        bail!(
            "pip did not bring {} but something else: look at the package index that pip is set \
             to (`python3 -m pip config list`)",
            wheel.file
        );
    }
    cache.admit(wheel, &arrived)
}

/// Runs a pip download into `partial/done`, all its scratch files below `partial`.
pub(crate) fn download(
    mut command: Command,
    name: &str,
    size_bytes: u64,
    partial: &Path,
) -> Result<()> {
    let scratch = partial.join("scratch");
    let log = partial.join("pip.log");
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let err = out.try_clone().context("cannot write pip's messages")?;
    let mut child = command
        .arg("--dest")
        .arg(partial.join("done"))
        .env("TMPDIR", &scratch)
        .stdout(out)
        .stderr(err)
        .spawn()
        .context("python3 does not start")?;
    let on_its_way = Download {
        name,
        size_bytes,
        folder: partial,
    };
    let status = watch(&mut child, &on_its_way)?;
    if !status.success() {
        let words = fs::read_to_string(&log).unwrap_or_default();
        bail!(
            "pip could not fetch {name} ({status}). Its last words:\n{}\nlook at the network, the \
             proxy and pip's settings (`python3 -m pip config list`), then run the same command \
             again: what was finished is kept",
            last_lines(&words, 8)
        );
    }
    Ok(())
}

/// The last `n` lines that say something, indented.
pub(crate) fn last_lines(text: &str, n: usize) -> String {
    let lines: Vec<_> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(n);
    let shown: Vec<_> = lines[from..].iter().map(|l| format!("    {l}")).collect();
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_log_is_shown() {
        assert_eq!(last_lines("a\n\nb\nc\n", 2), "    b\n    c");
        assert_eq!(last_lines("", 2), "");
    }
}
