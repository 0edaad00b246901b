//! Folders of checkpoints. Each claim of a job has one of its own, named by its fencing token, so
//! that a worker that lost the job cannot write into its successor's; the successor begins with a
//! copy of the newest.

use crate::TrainerError;
use assay_jobs::{FencingToken, JobId};
use std::{
    fs, io,
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

    /// The folder of one claim, with what the claim before it left.
    pub(crate) fn begin(&self, job: JobId, token: FencingToken) -> Result<PathBuf, TrainerError> {
        let of_job = self.root.join(job.to_string());
        let own = of_job.join(token.0.to_string());
        fs::create_dir_all(&own).map_err(io_error(&own))?;
        let newest = folders(&of_job)?
            .into_iter()
            .filter_map(|folder| Some((number(&folder)?, folder)))
            .filter(|(earlier, _)| *earlier < token.0)
            .max();
        if let Some((_, earlier)) = newest {
            copy_files(&earlier, &own)?;
        }
        Ok(own)
    }

    /// Removes everything of a job that is over.
    pub(crate) fn end(&self, job: JobId) -> Result<(), TrainerError> {
        let of_job = self.root.join(job.to_string());
        match fs::remove_dir_all(&of_job) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&of_job)(error)),
            _ => Ok(()),
        }
    }
}

/// Removes what lies in a claim's folder.
pub(crate) fn clear(folder: &Path) -> Result<(), TrainerError> {
    fs::remove_dir_all(folder)
        .and_then(|()| fs::create_dir(folder))
        .map_err(io_error(folder))
}

/// Copies files and folders of files. Each appears as a whole: a checkpoint that is half copied
/// when the machine stops must not be taken for one.
fn copy_files(from: &Path, to: &Path) -> Result<(), TrainerError> {
    for entry in fs::read_dir(from).map_err(io_error(from))? {
        let path = entry.map_err(io_error(from))?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let target = to.join(name);
        if path.is_dir() {
            fs::create_dir_all(&target).map_err(io_error(&target))?;
            copy_files(&path, &target)?;
            continue;
        }
        let partial = to.join(".copying");
        match fs::copy(&path, &partial) {
            // The worker before may still be replacing its files.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            copied => copied.map_err(io_error(&path))?,
        };
        fs::rename(&partial, &target).map_err(io_error(&target))?;
    }
    Ok(())
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
        fs::write(first.join("fit/state"), "written by one that lost").unwrap();
        let third = checkpoints.begin(job, FencingToken(11)).unwrap();
        assert_eq!(read(&third).as_deref(), Some("step 100"));
        let other = checkpoints.begin(JobId::new(), FencingToken(12)).unwrap();
        assert_eq!(read(&other), None);
        checkpoints.end(job).unwrap();
        checkpoints.end(job).unwrap();
        assert!(!first.exists() && other.exists());
    }
}
