//! Folders of checkpoints. Each claim of a job has one of its own, named by its fencing token, so
//! that a worker that lost the job cannot write into its successor's; the successor begins with a
//! copy of the newest. A folder that is named by a number is whole and on the disk; a copy that is
//! not yet finished has a dot before the number.

use crate::TrainerError;
use assay_jobs::{FencingToken, JobId};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// After this time without a change a folder belongs to no job that could come back.
const ABANDONED_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// The checkpoints of all jobs on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoints {
    root: PathBuf,
}

impl Checkpoints {
    /// Makes the folder, and removes what was abandoned in it.
    pub(crate) fn open(root: PathBuf) -> Result<Self, TrainerError> {
        fs::create_dir_all(&root).map_err(io_error(&root))?;
        for folder in folders(&root)? {
            let age = fs::metadata(&folder)
                .and_then(|metadata| metadata.modified())
                .ok()
                .and_then(|changed| SystemTime::now().duration_since(changed).ok());
            if age.is_some_and(|age| age > ABANDONED_AFTER) {
                fs::remove_dir_all(&folder).map_err(io_error(&folder))?;
            }
        }
        Ok(Self { root })
    }

    /// The folder of one claim, with what the claim before it left. Blocks.
    pub(crate) fn begin(&self, job: JobId, token: FencingToken) -> Result<PathBuf, TrainerError> {
        let of_job = self.root.join(job.to_string());
        let own = of_job.join(token.0.to_string());
        if own.is_dir() {
            return Ok(own);
        }
        let unfinished = of_job.join(format!(".{}", token.0));
        remove(&unfinished)?;
        fs::create_dir_all(&unfinished).map_err(io_error(&unfinished))?;
        let before = folders(&of_job)?;
        let newest = before
            .iter()
            .filter_map(|folder| Some((number(folder)?, folder)))
            .filter(|(earlier, _)| *earlier < token.0)
            .max();
        if let Some((_, earlier)) = newest {
            copy_files(earlier, &unfinished)?;
        }
        flush(&unfinished)?;
        fs::rename(&unfinished, &own).map_err(io_error(&own))?;
        flush(&of_job)?;
        for old in before.iter().filter(|old| is_before(old, token)) {
            // The worker before may still write there; a folder that stays does no harm.
            if let Err(error) = remove(old) {
                tracing::debug!(%error, "old checkpoints stay behind");
            }
        }
        Ok(own)
    }

    /// Removes everything of a job that is over. Blocks.
    pub(crate) fn end(&self, job: JobId) -> Result<(), TrainerError> {
        remove(&self.root.join(job.to_string()))
    }
}

/// Removes what lies in a claim's folder.
pub(crate) fn clear(folder: &Path) -> Result<(), TrainerError> {
    fs::remove_dir_all(folder)
        .and_then(|()| fs::create_dir(folder))
        .map_err(io_error(folder))
}

/// Copies files and folders of files onto the disk; the target's own entry is for the caller to
/// flush.
fn copy_files(from: &Path, to: &Path) -> Result<(), TrainerError> {
    for entry in fs::read_dir(from).map_err(io_error(from))? {
        let path = entry.map_err(io_error(from))?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let target = to.join(name);
        if path.is_dir() {
            fs::create_dir(&target).map_err(io_error(&target))?;
            copy_files(&path, &target)?;
            flush(&target)?;
            continue;
        }
        match fs::copy(&path, &target) {
            // The worker before may still be replacing its files.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            copied => copied.map_err(io_error(&path))?,
        };
        flush(&target)?;
    }
    Ok(())
}

/// Waits until a file or the entries of a folder are on the disk.
fn flush(path: &Path) -> Result<(), TrainerError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(io_error(path))
}

fn remove(folder: &Path) -> Result<(), TrainerError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(folder)(error)),
        _ => Ok(()),
    }
}

/// Whether a folder, finished or not, is that of an earlier claim.
fn is_before(folder: &Path, token: FencingToken) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    let digits = name.map(|name| name.strip_prefix('.').unwrap_or(name));
    let number = digits.and_then(|digits| digits.parse::<u64>().ok());
    number.is_some_and(|number| number < token.0)
}

fn folders(of: &Path) -> Result<Vec<PathBuf>, TrainerError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(of).map_err(io_error(of))? {
        let path = entry.map_err(io_error(of))?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    Ok(found)
}

fn number(folder: &Path) -> Option<u64> {
    folder.file_name()?.to_str()?.parse().ok()
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> TrainerError {
    let path = path.to_path_buf();
    move |source| TrainerError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_goes_on_from_the_newest_before_it_and_shares_nothing() {
        let root = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(root.path().join("train")).unwrap();
        let job = JobId::new();
        let read = |folder: &Path| fs::read_to_string(folder.join("fit/state")).ok();
        let first = checkpoints.begin(job, FencingToken(2)).unwrap();
        assert_eq!(read(&first), None);
        fs::create_dir(first.join("fit")).unwrap();
        fs::write(first.join("fit/state"), "step 50").unwrap();
        let second = checkpoints.begin(job, FencingToken(10)).unwrap();
        assert_eq!(read(&second).as_deref(), Some("step 50"));
        fs::write(second.join("fit/state"), "step 100").unwrap();
        // The one that lost goes on writing all the same.
        assert!(!first.exists(), "what was copied is not kept twice");
        fs::create_dir_all(first.join("fit")).unwrap();
        fs::write(first.join("fit/state"), "written by one that lost").unwrap();
        let third = checkpoints.begin(job, FencingToken(11)).unwrap();
        assert_eq!(read(&third).as_deref(), Some("step 100"));
        let other = checkpoints.begin(JobId::new(), FencingToken(12)).unwrap();
        assert_eq!(read(&other), None);
        checkpoints.end(job).unwrap();
        checkpoints.end(job).unwrap();
        assert!(!first.exists() && other.exists());
    }

    #[test]
    #[cfg(unix)]
    fn a_copy_that_breaks_off_does_not_stand_for_the_whole() {
        let root = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(root.path().join("train")).unwrap();
        let job = JobId::new();
        let first = checkpoints.begin(job, FencingToken(1)).unwrap();
        fs::write(first.join("state"), "step 50").unwrap();
        let endless = first.join("endless");
        std::os::unix::fs::symlink(&endless, &endless).unwrap();
        checkpoints.begin(job, FencingToken(2)).unwrap_err();
        let second = first.with_file_name("2");
        assert!(!second.exists(), "half a copy is taken for checkpoints");
        assert_eq!(
            fs::read_to_string(first.join("state")).unwrap(),
            "step 50",
            "what could not be copied is still needed"
        );
        fs::remove_file(&endless).unwrap();
        let third = checkpoints.begin(job, FencingToken(3)).unwrap();
        assert_eq!(fs::read_to_string(third.join("state")).unwrap(), "step 50");
        let left = folders(third.parent().unwrap()).unwrap();
        assert_eq!(left, [third], "halves of copies and old folders are gone");
    }
}
