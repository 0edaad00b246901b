//! The audit log as a file: one JSON object a line, appended as a whole. It is opened for each
//! record, so that whoever puts it away only has to rename it. A disk that is full or gone costs
//! records, and is told in the log; it never ends the process or holds up a request.

use super::{audit::Line, file::AccessError};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::Duration,
};

/// Records that may wait for the disk.
const WAITING: usize = 4096;
/// Time at the end of the process for those that still wait.
const LAST: Duration = Duration::from_secs(2);

/// The file and the thread that writes it.
#[derive(Debug)]
pub(super) struct AuditFile {
    path: PathBuf,
    /// None only while this is being dropped.
    lines: Option<SyncSender<Vec<u8>>>,
    /// Breaks off when the thread has ended.
    ended: std::sync::Mutex<Receiver<()>>,
}

impl AuditFile {
    /// Makes sure that it can be written, and begins.
    pub(super) fn open(path: &Path) -> Result<Self, AccessError> {
        open(path).map_err(|source| AccessError::Audit {
            path: path.to_path_buf(),
            source,
        })?;
        let (lines, waiting) = mpsc::sync_channel(WAITING);
        let (alive, ended) = mpsc::channel::<()>();
        let mut writer = Writer {
            path: path.to_path_buf(),
            torn: false,
        };
        let write = move || {
            waiting.iter().for_each(|line: Vec<u8>| writer.write(&line));
            drop(alive);
        };
        thread::Builder::new()
            .name("audit-log".to_owned())
            .spawn(write)
            .map_err(AccessError::Thread)?;
        Ok(Self {
            path: path.to_path_buf(),
            lines: Some(lines),
            ended: std::sync::Mutex::new(ended),
        })
    }

    /// Hands a record to the thread.
    pub(super) fn write(&self, line: &Line<'_>) {
        // Plain values can always be written.
        let Ok(mut bytes) = serde_json::to_vec(line) else {
            return;
        };
        bytes.push(b'\n');
        let sent = self.lines.as_ref().map(|lines| lines.try_send(bytes));
        if !matches!(sent, Some(Ok(()))) {
            tracing::error!(
                file = %self.path.display(),
                "a record of the audit log is lost: the disk is too slow"
            );
        }
    }
}

impl Drop for AuditFile {
    fn drop(&mut self) {
        self.lines = None;
        let ended = self.ended.get_mut();
        let waited = ended.map(|ended| ended.recv_timeout(LAST));
        if matches!(waited, Ok(Err(RecvTimeoutError::Timeout))) {
            tracing::error!(file = %self.path.display(), "the audit log was not written to its end");
        }
    }
}

struct Writer {
    path: PathBuf,
    /// The last line was not written to its end.
    torn: bool,
}

impl Writer {
    fn write(&mut self, line: &[u8]) {
        if let Err(error) = self.append(line) {
            tracing::error!(
                file = %self.path.display(),
                %error,
                "a record of the audit log is lost; make room, or name another access.audit_file"
            );
        }
    }

    /// Appends a line by one call to the system, so that lines of several processes stay whole.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let mut file = open(&self.path)?;
        let bytes = match self.torn {
            true => [b"\n", line].concat(),
            false => line.to_vec(),
        };
        let written = file.write(&bytes)?;
        // What follows must not be a part of a line that broke off.
        self.torn = written < bytes.len() && (written > 0 || self.torn);
        if written < bytes.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn writer(path: &Path) -> Writer {
        Writer {
            path: path.to_path_buf(),
            torn: false,
        }
    }

    #[test]
    fn lines_are_appended_and_a_file_that_was_put_away_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut writer = writer(&path);
        writer.append(b"one\n").unwrap();
        writer.append(b"two\n").unwrap();
        fs::rename(&path, folder.path().join("audit.log.1")).unwrap();
        writer.append(b"three\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three\n");
        let put_away = fs::read(folder.path().join("audit.log.1")).unwrap();
        assert_eq!(put_away, b"one\ntwo\n");
    }

    #[test]
    fn after_a_line_that_broke_off_a_new_one_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, "{\"half").unwrap();
        let mut writer = writer(&path);
        writer.torn = true;
        writer.append(b"whole\n").unwrap();
        writer.append(b"next\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"half\nwhole\nnext\n");
    }

    #[test]
    fn a_full_disk_is_an_error_and_no_end() {
        // Whatever is written there finds no room.
        let mut writer = writer(Path::new("/dev/full"));
        let error = writer.append(b"lost\n").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        writer.write(b"lost too\n");
        assert!(!writer.torn);
    }

    #[test]
    fn a_place_where_nothing_can_be_written_is_told_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let error = AuditFile::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("cannot write the audit log"));
    }
}
