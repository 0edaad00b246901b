//! The files of this checkout that git tracks.

use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A file that belongs to the repository.
pub struct RepositoryFile {
    /// Path below the top of the checkout, with `/`.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Content, unless it is not text.
    pub text: Option<String>,
}

/// Top of the checkout that this crate was built in.
///
/// # Errors
/// When this crate does not lie two folders below it.
pub fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("this crate lies in tests/e2e of the checkout")
}

/// Every tracked file; `None` where this is no git checkout.
///
/// # Errors
/// When git fails or a file cannot be read.
pub fn files(root: &Path) -> Result<Option<Vec<RepositoryFile>>> {
    if !root.join(".git").exists() {
        return Ok(None);
    }
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z"])
        .output()
        .context("git does not start: install it to check the files of the repository")?;
    ensure!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut files = Vec::new();
    for path in output
        .stdout
        .split(|&byte| byte == 0)
        .filter(|p| !p.is_empty())
    {
        let path = String::from_utf8_lossy(path).into_owned();
        // A file removed but not yet committed is still listed.
        if let Ok(bytes) = fs::read(root.join(&path)) {
            files.push(RepositoryFile {
                path,
                size_bytes: bytes.len() as u64,
                text: String::from_utf8(bytes).ok(),
            });
        }
    }
    Ok(Some(files))
}
