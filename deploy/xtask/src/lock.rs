//! One set-up at a time: an advisory lock on a file, given back when it is dropped or when the
//! process ends in whatever way.

use anyhow::{Context as _, Result};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    path::Path,
};

/// A held lock.
pub(crate) struct Lock {
    _file: File,
}

/// Takes the lock file of `folder`, after saying so when another process holds it.
pub(crate) fn take(folder: &Path) -> Result<Lock> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make {}: is its parent writable?", folder.display()))?;
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        eprintln!(
            "another set-up works in {}; waiting for it",
            folder.display()
        );
        flock(&file, FlockOperation::LockExclusive)
            .with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(Lock { _file: file })
}
