//! Files in a folder whose writing was cut off. The object store writes `name#1` beside `name` and
//! then moves it; a writer that is killed in between leaves it there, where no listing shows it.

use crate::{StoreError, objects::Objects};
use std::{fs, io, path::Path, time::SystemTime};

impl Objects {
    /// Removes unfinished files that were last written before `moment`; gives their number. A
    /// store that is no folder keeps none.
    pub(crate) async fn remove_unfinished(&self, moment: SystemTime) -> Result<u64, StoreError> {
        let Some(root) = self.folder().map(Path::to_path_buf) else {
            return Ok(0);
        };
        let shown = root.display().to_string();
        let removed = tokio::task::spawn_blocking(move || sweep(&root, moment));
        removed
            .await
            .map_err(io::Error::other)
            .and_then(|removed| removed)
            .map_err(|error| StoreError::Unavailable {
                reason: format!("unfinished files below {shown} cannot be removed: {error}"),
            })
    }
}

fn sweep(folder: &Path, moment: SystemTime) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            removed += sweep(&entry.path(), moment)?;
        } else if kind.is_file() && is_unfinished(&entry.file_name().to_string_lossy()) {
            removed += u64::from(remove_if_older(&entry.path(), moment)?);
        }
    }
    Ok(removed)
}

/// Its writer may end it, or another process remove it, at any moment.
fn remove_if_older(file: &Path, moment: SystemTime) -> io::Result<bool> {
    let removed = fs::metadata(file).and_then(|metadata| {
        let old = metadata.modified()? < moment;
        if old {
            fs::remove_file(file)?;
        }
        Ok(old)
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed,
    }
}

/// As the object store tells them: a name, `#`, and digits.
fn is_unfinished(name: &str) -> bool {
    name.split_once('#').is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbered_names_are_unfinished() {
        for (name, expected) in [
            ("abc#1", true),
            ("abc#207", true),
            ("abc", false),
            ("abc#", false),
            ("abc#1x", false),
            ("notes#1.md", false),
        ] {
            assert_eq!(is_unfinished(name), expected, "{name}");
        }
    }
}
