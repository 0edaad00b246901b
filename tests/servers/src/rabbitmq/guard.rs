//! A shell that waits for the end of this process, however it ends, and then cleans up.

use anyhow::{Context as _, Result};
use std::{
    ffi::OsStr,
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// Runs a piece of shell when this process ends, killed or not; unless it is dismissed before.
pub(super) struct Guard {
    shell: Child,
}

impl Guard {
    /// Begins to wait. The piece of shell finds the arguments as `$1`, `$2` and so on.
    pub(super) fn new(
        shell: &str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Self> {
        // Only this process holds the other end of its input, which the system closes at our end.
        let shell = Command::new("sh")
            .args(["-c", &format!("read -r _ && exit\n{shell}"), "sh"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What ends a whole group, as Ctrl-C does, is not meant for this.
            .process_group(0)
            .spawn()
            .context("sh does not start")?;
        Ok(Self { shell })
    }

    /// There is nothing left to clean up.
    pub(super) fn dismiss(mut self) {
        if let Some(mut input) = self.shell.stdin.take() {
            // If it is gone already, it does nothing any more either.
            let _ = input.write_all(b"dismissed\n");
        }
        let _ = self.shell.wait();
    }
}
