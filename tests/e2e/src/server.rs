//! A server as an operator starts it: `openassay serve` on a free port with its data in a folder.

use crate::tool;
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// What the server says when it takes requests.
const READY: &str = "openassay answers at ";

/// How the log names the address of the metrics.
const METRICS: &str = "metrics.address";

/// A running server. Dropped, it is killed.
pub struct Server {
    process: Child,
    /// Its address, such as `http://127.0.0.1:40123`.
    pub url: String,
    /// What it logged until it was ready.
    beginning: Vec<String>,
    /// What it logs from then on; comes when it has ended.
    rest: Receiver<Vec<String>>,
}

/// The end of a server.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything that it logged.
    pub log: Vec<String>,
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
                let (sender, rest) = mpsc::channel();
                // A full pipe would stop the server.
                thread::spawn(move || sender.send(lines.map_while(Result::ok).collect()));
                return Ok(Self {
                    process,
                    url,
                    beginning: said,
                    rest,
                });
            }
            said.push(line);
        }
        let status = process.wait()?;
        bail!("the server ended with {status}:\n{}", said.join("\n"))
    }

    /// The number of its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Where its metrics are, such as `127.0.0.1:40124`, if it was told to show them.
    #[must_use]
    pub fn metrics_address(&self) -> Option<String> {
        self.beginning
            .iter()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|line| Some(line.get(METRICS)?.as_str()?.to_owned()))
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
        self.ask_to_end()?;
        Ok(self.process.wait()?)
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn ask_to_end(&self) -> Result<()> {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "the signal was not sent");
        Ok(())
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it has not within this time; it is killed then.
    pub fn ended(mut self, within: Duration) -> Result<Ended> {
        let rest = self
            .rest
            .recv_timeout(within)
            .with_context(|| format!("the server has not ended within {within:?}"))?;
        let mut log = std::mem::take(&mut self.beginning);
        log.extend(rest);
        let status = self.process.wait()?;
        Ok(Ended { status, log })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
