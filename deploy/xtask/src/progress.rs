//! Watches a download through the growth of its folder: a bar on a terminal, a line now and then
//! elsewhere.

use crate::plan::megabytes;
use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs,
    io::IsTerminal as _,
    path::Path,
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What is on its way.
pub(crate) struct Download<'a> {
    pub(crate) name: &'a str,
    pub(crate) size_bytes: u64,
    /// Folder that grows while it arrives.
    pub(crate) folder: &'a Path,
}

/// Waits for `child` and shows how far `download` is.
pub(crate) fn watch(child: &mut Child, download: &Download) -> Result<ExitStatus> {
    let bar = bar(download);
    let terminal = std::io::stderr().is_terminal();
    let started = Instant::now();
    let mut next_line = LINE_EVERY;
    if !terminal {
        eprintln!(
            "  fetching {} ({})",
            download.name,
            megabytes(download.size_bytes)
        );
    }
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for pip")? {
            finish(&bar, download, status, started);
            return Ok(status);
        }
        // pip holds the file twice for a moment at the end.
        let here = folder_bytes(download.folder).min(download.size_bytes);
        bar.set_position(here);
        if !terminal && started.elapsed() >= next_line {
            eprintln!(
                "    {} of {}",
                megabytes(here),
                megabytes(download.size_bytes)
            );
            next_line += LINE_EVERY;
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn bar(download: &Download) -> ProgressBar {
    let bar = ProgressBar::new(download.size_bytes);
    let layout = "  {msg:<38} [{bar:24}] {decimal_bytes:>9} of {decimal_total_bytes:<9} {decimal_bytes_per_sec:<11} {eta}";
    if let Ok(style) = ProgressStyle::with_template(layout) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(download.name.to_owned());
    bar
}

fn finish(bar: &ProgressBar, download: &Download, status: ExitStatus, started: Instant) {
    bar.finish_and_clear();
    if status.success() {
        let seconds = started.elapsed().as_secs_f64();
        let size = megabytes(download.size_bytes);
        eprintln!("  {:<38} {size:>8} in {seconds:.0} s", download.name);
    }
}

/// Bytes below a folder; files that vanish meanwhile count nothing.
fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => folder_bytes(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_at_every_depth() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(folder_bytes(&dir.path().join("absent")), 0);
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/c"), [0; 10]).unwrap();
        fs::write(dir.path().join("d"), [0; 5]).unwrap();
        assert_eq!(folder_bytes(dir.path()), 15);
    }
}
