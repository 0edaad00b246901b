//! Logs for those who ask for them, on standard error, never through a progress bar.

use super::Progress;
use std::io::{self, Write};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Environment variable with the log filter, such as `info` or `assay_train=debug`.
pub(crate) const VARIABLE: &str = "OPENASSAY_LOG";

/// Sends logs to standard error; without a filter in the environment only warnings.
pub(crate) fn start_logging(progress: &Progress, quiet: bool) {
    let default = if quiet { "error" } else { "warn" };
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let result = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(progress.is_terminal())
        .with_writer(BesideBars(progress.clone()))
        .try_init();
    // A second start, as in tests, keeps the first.
    drop(result);
}

struct BesideBars(Progress);

impl<'a> MakeWriter<'a> for BesideBars {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(&self.0)
    }
}

struct Line<'a>(&'a Progress);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.beside(|| io::stderr().lock().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
