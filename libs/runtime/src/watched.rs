//! Files whose content may change while the process runs: certificates and tokens. Looked at by
//! content and not by time, because Kubernetes swaps a secret by moving a symbolic link.

use assay_core::Digest;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

/// Time between two looks.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Longest file that is taken.
const LONGEST_FILE_BYTES: u64 = 16 << 20;

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", .path.display())]
pub struct UnreadableFile {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The content of each file, in their order.
pub(crate) type Contents = Vec<Vec<u8>>;

/// Some files, and what they held at the last look.
#[derive(Debug)]
pub(crate) struct WatchedFiles {
    paths: Vec<PathBuf>,
    /// None for a file that could not be read.
    seen: Vec<Option<Digest>>,
}

impl WatchedFiles {
    /// Files that nobody has looked at yet.
    pub(crate) const fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            seen: Vec::new(),
        }
    }

    /// Looks at them: the content of all when anything is different from the last look.
    pub(crate) fn look(&mut self) -> Option<Result<Contents, UnreadableFile>> {
        let read: Vec<_> = self.paths.iter().map(|path| read(path)).collect();
        let seen: Vec<_> = read
            .iter()
            .map(|content| content.as_ref().ok().map(|bytes| Digest::of(bytes)))
            .collect();
        if seen == self.seen {
            return None;
        }
        self.seen = seen;
        Some(read.into_iter().collect())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, UnreadableFile> {
    let fail = |source| UnreadableFile {
        path: path.to_path_buf(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
    let most = LONGEST_FILE_BYTES + 1;
    file.take(most).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 == most {
        let reason = format!("it is longer than {LONGEST_FILE_BYTES} bytes");
        return Err(fail(io::Error::new(io::ErrorKind::FileTooLarge, reason)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn a_change_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let mut files = WatchedFiles::new(vec![path.clone()]);
        assert_eq!(files.look().unwrap().unwrap(), [b"one"]);
        assert!(files.look().is_none());
        fs::write(&path, "two").unwrap();
        assert_eq!(files.look().unwrap().unwrap(), [b"two"]);
        assert!(files.look().is_none());
        fs::remove_file(&path).unwrap();
        assert_eq!(files.look().unwrap().unwrap_err().path, path);
        assert!(files.look().is_none());
        fs::write(&path, "two").unwrap();
        assert!(files.look().unwrap().is_ok());
    }

    #[test]
    fn a_link_that_is_moved_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("key"), version).unwrap();
        }
        symlink("v1", at("data")).unwrap();
        symlink("data/key", at("key")).unwrap();
        let mut files = WatchedFiles::new(vec![at("key")]);
        assert_eq!(files.look().unwrap().unwrap(), [b"v1"]);
        symlink("v2", at("new")).unwrap();
        fs::rename(at("new"), at("data")).unwrap();
        assert_eq!(files.look().unwrap().unwrap(), [b"v2"]);
    }
}
