//! The user's folder of finished wheels. A wheel is there under its own name only when its
//! digest was right; work in progress lies below `partial/`.

use crate::wheels::Wheel;
use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

/// Folder of finished wheels.
pub(crate) struct WheelCache {
    folder: PathBuf,
}

impl WheelCache {
    /// The wheels below the user's cache folder `cache`.
    pub(crate) fn below(cache: &Path) -> Self {
        Self {
            folder: cache.join("wheels"),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, wheel: &Wheel) -> PathBuf {
        self.folder.join(wheel.file)
    }

    /// Whether the finished wheel is there and unharmed. A harmed one is taken away.
    pub(crate) fn holds(&self, wheel: &Wheel) -> Result<bool> {
        let path = self.path(wheel);
        if !path.is_file() {
            return Ok(false);
        }
        match verify(&path, wheel) {
            Ok(()) => Ok(true),
            Err(fault) => {
                eprintln!("{fault:#}; it is taken out of the cache");
                fs::remove_file(&path)
                    .with_context(|| format!("cannot remove {}: do it by hand", path.display()))?;
                Ok(false)
            }
        }
    }

    /// An empty folder for work in progress, on the same file system as the wheels.
    pub(crate) fn fresh_partial(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join("partial").join(name);
        remove_folder(&folder)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// Takes what interrupted downloads have left.
    pub(crate) fn sweep(&self) -> Result<()> {
        remove_folder(&self.folder.join("partial"))
    }

    /// Moves a downloaded file to its place once its digest is right.
    pub(crate) fn admit(&self, wheel: &Wheel, downloaded: &Path) -> Result<()> {
        verify(downloaded, wheel).context(
            "the download differs from the pinned file and was not kept: try again, and if it \
             stays so, look at the package index or proxy that pip is set to",
        )?;
        let path = self.path(wheel);
        fs::rename(downloaded, &path)
            .with_context(|| format!("cannot move the wheel to {}", path.display()))
    }
}

/// Removes a folder that may not exist.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot remove {}: do it by hand", folder.display()))
        }
        _ => Ok(()),
    }
}

fn verify(path: &Path, wheel: &Wheel) -> Result<()> {
    let size_bytes = path
        .metadata()
        .with_context(|| format!("cannot read {}", path.display()))?
        .len();
    ensure!(
        size_bytes == wheel.size_bytes,
        "{} has {size_bytes} bytes instead of {}",
        path.display(),
        wheel.size_bytes
    );
    let found = sha256(path)?;
    ensure!(
        found == wheel.sha256,
        "{} has sha256 {found} instead of {}",
        path.display(),
        wheel.sha256
    );
    Ok(())
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut block = vec![0_u8; 1 << 20];
        loop {
            let n = file.read(&mut block)?;
            if n == 0 {
                return Ok(format!("{:x}", hasher.finalize()));
            }
            hasher.update(&block[..n]);
        }
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // sha256("abc"), FIPS 180-2 example.
    const ABC: Wheel = Wheel {
        file: "abc-1-py3-none-any.whl",
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        size_bytes: 3,
    };

    #[test]
    fn a_right_download_is_admitted_and_held() {
        let dir = tempfile::tempdir().unwrap();
        let cache = WheelCache::below(dir.path());
        let partial = cache.fresh_partial(ABC.file).unwrap();
        fs::write(partial.join("x"), "abc").unwrap();
        assert!(!cache.holds(&ABC).unwrap());
        cache.admit(&ABC, &partial.join("x")).unwrap();
        assert!(cache.holds(&ABC).unwrap());
        cache.sweep().unwrap();
        assert!(!partial.exists() && cache.holds(&ABC).unwrap());
    }

    #[test]
    fn a_wrong_download_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let cache = WheelCache::below(dir.path());
        let partial = cache.fresh_partial(ABC.file).unwrap();
        for wrong in ["abd", "ab"] {
            fs::write(partial.join("x"), wrong).unwrap();
            assert!(cache.admit(&ABC, &partial.join("x")).is_err());
            assert!(!cache.path(&ABC).exists());
        }
    }

    #[test]
    fn a_harmed_wheel_is_taken_out() {
        let dir = tempfile::tempdir().unwrap();
        let cache = WheelCache::below(dir.path());
        fs::create_dir_all(cache.folder()).unwrap();
        fs::write(cache.path(&ABC), "abd").unwrap();
        assert!(!cache.holds(&ABC).unwrap());
        assert!(!cache.path(&ABC).exists());
    }
}
