//! Folders of this checkout and of the user's cache. Nothing is created here.

use anyhow::{Context as _, Result, bail};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The repository that this task was built from.
pub(crate) struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The repository of the running task, as cargo names it.
    pub(crate) fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .context("CARGO_MANIFEST_DIR is not set: start this tool as `cargo xtask …`")?;
        let root = package.ancestors().nth(2).map(Path::to_path_buf);
        match root {
            Some(root) if root.join("deploy/xtask/Cargo.toml").is_file() => Ok(Self { root }),
            _ => bail!(
                "{} is not deploy/xtask of a checkout: start this tool as `cargo xtask …`",
                package.display()
            ),
        }
    }

    /// A checkout at `root`.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// Top folder of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The ignored folder that holds everything set-up makes.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(".openassay")
    }

    /// Converted bases, one safetensors file each.
    pub(crate) fn bases(&self) -> PathBuf {
        self.state().join("bases")
    }

    /// Python packages of the tests.
    pub(crate) fn python(&self) -> PathBuf {
        self.state().join("python")
    }

    /// The libtorch that set-up makes.
    pub(crate) fn libtorch(&self) -> PathBuf {
        self.state().join("libtorch/torch")
    }

    /// A libtorch of the user's own, named by `LIBTORCH` in the environment.
    pub(crate) fn foreign_libtorch(&self) -> Option<PathBuf> {
        foreign(env::var_os("LIBTORCH"), &self.libtorch())
    }

    /// `path` as a user types it at the top of the checkout.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// The folder in which downloads are kept for every checkout of this user.
pub(crate) fn user_cache() -> Result<PathBuf> {
    cache_folder(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")).context(
        "neither XDG_CACHE_HOME nor HOME names an absolute folder: set one of them, \
         downloads are kept in $XDG_CACHE_HOME/openassay",
    )
}

fn cache_folder(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|p| p.is_absolute());
    xdg.and_then(absolute)
        .or_else(|| Some(home.and_then(absolute)?.join(".cache")))
        .map(|base| base.join("openassay"))
}

// Cargo puts the LIBTORCH of .cargo/config.toml into our own environment, spelled in its way.
fn foreign(variable: Option<OsString>, own: &Path) -> Option<PathBuf> {
    let named = PathBuf::from(variable.filter(|v| !v.is_empty())?);
    let same = named == own
        || named
            .canonicalize()
            .is_ok_and(|a| own.canonicalize().is_ok_and(|b| a == b));
    (!same).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_follows_xdg_then_home() {
        let os = |s: &str| Some(OsString::from(s));
        assert_eq!(
            cache_folder(os("/x"), os("/h")),
            Some("/x/openassay".into())
        );
        let below_home = Some(PathBuf::from("/h/.cache/openassay"));
        assert_eq!(cache_folder(os("relative"), os("/h")), below_home);
        assert_eq!(cache_folder(os(""), os("/h")), below_home);
        assert_eq!(cache_folder(None, None), None);
    }

    #[test]
    fn own_libtorch_is_not_foreign() {
        let own = Path::new("/c/.openassay/libtorch/torch");
        assert_eq!(foreign(Some(own.into()), own), None);
        assert_eq!(foreign(None, own), None);
        assert_eq!(foreign(Some("/gpu".into()), own), Some("/gpu".into()));
    }
}
