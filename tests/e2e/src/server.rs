//! A server as an operator starts it: `openassay serve` on a free port with its data in a folder.

use crate::tool;
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
};

/// What the server says when it takes requests.
const READY: &str = "openassay answers at ";

/// A running server. Dropped, it is killed.
pub struct Server {
    process: Child,
    /// Its address, such as `http://127.0.0.1:40123`.
    pub url: String,
}

impl Server {
    /// Starts a server in a folder, with its data below it, and waits until it is ready.
    ///
    /// # Errors
    /// With its log when it ends before.
    pub fn start(folder: &Path, arguments: &[&str]) -> Result<Self> {
        let mut process = Command::new(tool::executable()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "server"])
            .args(arguments)
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .context("openassay does not start")?;
        let log = process.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(log).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line?;
            if let Some(url) = line.strip_prefix(READY) {
                let url = url.to_owned();
                // A full pipe would stop the server.
                thread::spawn(move || lines.for_each(drop));
                return Ok(Self { process, url });
            }
            said.push(line);
        }
        let status = process.wait()?;
        bail!("the server ended with {status}:\n{}", said.join("\n"))
    }

    /// Runs the tool against this server and gives its output, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn output(&self, folder: &Path, arguments: &[&str]) -> Result<Output> {
        Command::new(tool::executable()?)
            .args(arguments)
            .env("OPENASSAY_SERVER", &self.url)
            .current_dir(folder)
            .output()
            .context("openassay does not start")
    }

    /// Runs the tool against this server and gives its standard output.
    ///
    /// # Errors
    /// With everything it said when it does not succeed.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Result<String> {
        let output = self.output(folder, arguments)?;
        ensure!(
            output.status.success(),
            "openassay {} ended with {}:\n{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).context("openassay printed no UTF-8")
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// SIGTERM, and the exit status that follows.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn terminate(mut self) -> Result<ExitStatus> {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "the signal was not sent");
        Ok(self.process.wait()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
