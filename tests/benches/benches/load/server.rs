//! `openassay serve` as an operator starts it, and the tool beside it.

use anyhow::{Context as _, Result, bail, ensure};
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

/// What the server says when it takes requests.
const READY: &str = "openassay answers at ";

/// The tool that was built with the profile of this bench.
pub(crate) fn tool() -> Result<PathBuf> {
    let bench = env::current_exe()?;
    let profile = bench
        .ancestors()
        .nth(2)
        .context("benches lie in target/<profile>/deps")?;
    let tool = profile.join("openassay");
    let option = if cfg!(debug_assertions) {
        ""
    } else {
        "--release "
    };
    ensure!(
        tool.is_file(),
        "{} is missing; build it: cargo build {option}-p openassay",
        tool.display()
    );
    Ok(tool)
}

/// Runs the tool to its end.
pub(crate) fn run_tool(folder: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new(tool()?)
        .args(arguments)
        .current_dir(folder)
        .output()
        .context("openassay does not start")?;
    ensure!(
        output.status.success(),
        "openassay {} ended with {}:\n{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    process: Child,
    /// Its address, such as `http://127.0.0.1:40123`.
    pub(crate) url: String,
}

impl Server {
    /// Starts a server with its data in a folder, and waits until it is ready.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        fs::create_dir_all(data)?;
        let mut process = Command::new(tool()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--set"])
            .arg("telemetry.filter=warn")
            .arg("--data-dir")
            .arg(data)
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

    /// Ends it as an operator does.
    pub(crate) fn end(mut self) -> Result<()> {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "the signal was not sent");
        let status = self.process.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
