//! What is measured, as an operator starts it: `openassay serve`, or the services as programs of
//! their own on RabbitMQ and Redis; and the tool beside it.

use anyhow::{Context as _, Result, bail, ensure};
use assay_servers::{
    rabbitmq::Broker,
    redis::{self, Redis, Settings},
};
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

/// A program that was built with the profile of this bench.
fn program(name: &str, package: &str) -> Result<PathBuf> {
    let bench = env::current_exe()?;
    let profile = bench
        .ancestors()
        .nth(2)
        .context("benches lie in target/<profile>/deps")?;
    let program = profile.join(name);
    let option = if cfg!(debug_assertions) {
        ""
    } else {
        "--release "
    };
    ensure!(
        program.is_file(),
        "{} is missing; build it: cargo build {option}{package}",
        program.display()
    );
    Ok(program)
}

/// The tool.
pub(crate) fn tool() -> Result<PathBuf> {
    program("openassay", "-p openassay")
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

/// Broker and stores of the separate programs.
struct Servers {
    broker: Broker,
    jobs: Redis,
    cache: Redis,
}

/// Running services. Dropped, they are killed.
pub(crate) struct Server {
    running: Vec<Running>,
    /// Where jobs and models are, such as `http://127.0.0.1:40123`.
    pub(crate) url: String,
    /// Where spectra go.
    pub(crate) ingest: String,
    /// Where spectra are identified.
    pub(crate) gate: String,
    /// Ended after those that use them.
    _servers: Option<Servers>,
}

impl Server {
    /// Starts one process with its data in a folder, and waits until it is ready.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        fs::create_dir_all(data)?;
        let mut serve = Command::new(tool()?);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        serve.arg(data);
        let (running, url) = Running::start(serve)?;
        Ok(Self {
            running: vec![running],
            ingest: url.clone(),
            gate: url.clone(),
            url,
            _servers: None,
        })
    }

    /// Starts every service as a program of its own, on a RabbitMQ and two Redis that are started
    /// for it: one that keeps jobs on the disk, one for features.
    pub(crate) fn separate(data: &Path) -> Result<Self> {
        fs::create_dir_all(data)?;
        let absent = "install rabbitmq-server and redis-server to measure separate programs";
        let servers = Servers {
            broker: Broker::start("load")?.context(absent)?,
            jobs: redis::private("load", &Settings::durable())?.context(absent)?,
            cache: redis::private("load", &Settings::volatile())?.context(absent)?,
        };
        let mut running = Vec::new();
        let mut start = |name: &str, peers: &[(&str, &str)]| -> Result<String> {
            let mut service = Command::new(program(name, "--workspace --bins")?);
            service
                .args(["--set", "server.listen=127.0.0.1:0"])
                .env("OPENASSAY_STORAGE__DATA_DIR", data)
                .env("OPENASSAY_STORAGE__JOBS_URL", servers.jobs.url())
                .env("OPENASSAY_STORAGE__QUEUE_URL", servers.broker.url())
                .env("OPENASSAY_STORAGE__CACHE_URL", servers.cache.url());
            for (key, url) in peers {
                service.args(["--set", &format!("{key}={url}")]);
            }
            let (started, url) = Running::start(service)?;
            running.push(started);
            Ok(url)
        };
        let url = start("assay-control", &[])?;
        let inference = start("assay-inference", &[])?;
        let ingest = start("assay-ingest", &[])?;
        let gate = start("assay-gate", &[("inference_url", &inference)])?;
        Ok(Self {
            running,
            url,
            ingest,
            gate,
            _servers: Some(servers),
        })
    }

    /// Ends everything as an operator does.
    pub(crate) fn end(mut self) -> Result<()> {
        for running in self.running.iter_mut().rev() {
            running.end()?;
        }
        Ok(())
    }
}

/// One process. Dropped, it is killed.
struct Running(Child);

impl Running {
    /// Starts it and waits until it tells its address.
    fn start(mut command: Command) -> Result<(Self, String)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let process = command
            .args(["--set", "telemetry.filter=warn"])
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        let mut running = Self(process);
        let log = running.0.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(log).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line?;
            if let Some((_, url)) = line.split_once(" answers at ") {
                let url = url.to_owned();
                // A full pipe would stop the process.
                thread::spawn(move || lines.for_each(drop));
                return Ok((running, url));
            }
            said.push(line);
        }
        let status = running.0.wait()?;
        bail!("{name} ended with {status}:\n{}", said.join("\n"))
    }

    fn end(&mut self) -> Result<()> {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "the signal was not sent");
        let status = self.0.wait()?;
        ensure!(status.success(), "a service ended with {status}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
