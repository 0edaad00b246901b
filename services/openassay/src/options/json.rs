//! Where an answer goes as JSON.

use clap::Args;
use std::path::PathBuf;

/// A file, or standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonTarget {
    StandardOutput,
    File(PathBuf),
}

impl From<&str> for JsonTarget {
    fn from(text: &str) -> Self {
        match text {
            "-" => Self::StandardOutput,
            path => Self::File(path.into()),
        }
    }
}

impl JsonTarget {
    /// Refuses early what cannot be written in the end.
    pub(crate) fn check(&self) -> crate::failure::Result {
        match self {
            Self::StandardOutput => Ok(()),
            Self::File(path) => crate::file::check_writable(path),
        }
    }
}

/// `--json FILE`, for commands without positional arguments.
#[derive(Debug, Args)]
pub(crate) struct JsonFile {
    /// Write the result as JSON to FILE; without FILE, or with "-", to standard output instead
    /// of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-",
          value_parser = parse)]
    pub(crate) json: Option<JsonTarget>,
}

/// `--json[=FILE]`, for commands whose positional arguments would be taken for the file.
#[derive(Debug, Args)]
pub(crate) struct JsonFlag {
    /// Write the result as JSON to standard output instead of the table, or to FILE as
    /// --json=FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true,
          default_missing_value = "-", value_parser = parse)]
    pub(crate) json: Option<JsonTarget>,
}

#[expect(clippy::unnecessary_wraps, reason = "clap wants a fallible parser")]
fn parse(text: &str) -> Result<JsonTarget, std::convert::Infallible> {
    Ok(text.into())
}
