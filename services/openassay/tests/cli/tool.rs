//! Runs the tool as a user would, in a folder of its own, and makes files to run it on.

#![expect(clippy::panic, reason = "a test that cannot start has failed")]

use assay_formats::write_spe;
use assay_spectrum::{EnergyCalibration, Spectrum};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What the tool answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    /// Demands an exit code and parts of the message.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.err.contains("error: "), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is missing in {self:#?}");
        }
    }

    /// Demands success.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    /// The answer as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.out) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {self:#?}"),
        }
    }
}

/// A folder to work in.
pub(crate) struct Bench {
    folder: PathBuf,
    /// Removes the folder in the end.
    _guard: Option<tempfile::TempDir>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        match tempfile::tempdir() {
            Ok(guard) => Self {
                folder: guard.path().to_path_buf(),
                _guard: Some(guard),
            },
            Err(error) => panic!("no temporary folder: {error}"),
        }
    }

    /// A folder that all tests share. Nothing ends a static, so it lies where the next run finds
    /// and replaces it.
    #[cfg(feature = "train")]
    pub(crate) fn shared(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        let made = fs::create_dir_all(&folder);
        assert!(made.is_ok(), "{}: {made:?}", folder.display());
        Self {
            folder,
            _guard: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file below the folder.
    #[track_caller]
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let written = fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
            .and_then(|()| fs::write(&path, content));
        assert!(written.is_ok(), "{}: {written:?}", path.display());
        path
    }

    /// Names in the folder, hidden ones included.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Runs the tool in the folder.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        let output = Command::new(env!("CARGO_BIN_EXE_openassay"))
            .args(arguments)
            .current_dir(&self.folder)
            .env_remove("OPENASSAY_LOG")
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(output) => Answer {
                code: output.status.code().unwrap_or(-1),
                out: String::from_utf8_lossy(&output.stdout).into_owned(),
                err: String::from_utf8_lossy(&output.stderr).into_owned(),
            },
            Err(error) => panic!("{error}"),
        }
    }
}

/// A spectrum that a model can take: one strong peak on a falling continuum.
#[track_caller]
pub(crate) fn spectrum(peak_channel: usize) -> Spectrum {
    let counts = (0..16_384_usize)
        .map(|channel| {
            let continuum = 2_000_000 / (channel as u64 + 200);
            let distance = channel.abs_diff(peak_channel) as f64;
            continuum + (50_000.0 * (-distance * distance / 50.0).exp()) as u64
        })
        .collect();
    Spectrum {
        calibration: EnergyCalibration::new(-1.5, 0.715, 0.0).ok(),
        live_time_s: Some(1000.0),
        real_time_s: Some(1100.0),
        ..Spectrum::from_counts(counts)
    }
}

/// The text of a good .SPE file.
#[track_caller]
pub(crate) fn spe(spectrum: &Spectrum) -> String {
    String::from_utf8_lossy(&write_spe(spectrum)).into_owned()
}
