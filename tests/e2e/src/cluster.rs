//! The services as programs of their own, wired by nothing but their configuration: each at its
//! own address, one data folder for all.

use crate::tool;
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

/// Jobs, data sets, the registry.
pub const CONTROL: &str = "assay-control";
/// Spectra in.
pub const INGEST: &str = "assay-ingest";
/// Runs models.
pub const INFERENCE: &str = "assay-inference";
/// Answers.
pub const GATE: &str = "assay-gate";
/// Explains answers.
pub const EXPLAINER: &str = "assay-explainer";
/// Trains.
pub const TRAINER: &str = "assay-trainer";

/// All of them, those first whose addresses others must know.
pub const PROGRAMS: [&str; 6] = [CONTROL, INFERENCE, INGEST, GATE, EXPLAINER, TRAINER];

/// Stands for all of them where something is set.
pub const EVERY: &str = "every program";

/// One running program. Dropped, it is killed.
struct Running {
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// The services of one data folder. Dropped, they are killed; when the test failed, their logs are
/// shown.
pub struct Cluster {
    folder: PathBuf,
    settings: Vec<(&'static str, String)>,
    /// Variables of every program.
    environment: Vec<(&'static str, String)>,
    /// Variables of the tool.
    of_tool: Vec<(&'static str, String)>,
    /// Where all of them listen.
    host: Ipv4Addr,
    /// Where each is or was: started again, it comes back there.
    urls: BTreeMap<&'static str, String>,
    running: BTreeMap<&'static str, Running>,
}

impl Cluster {
    /// Starts every service in a folder, with the data below it, and waits until each is ready.
    /// `settings` are for single programs, such as `storage.lease_s=5` for [`CONTROL`], or for
    /// [`EVERY`] one.
    ///
    /// # Errors
    /// With the log of the one that ends before.
    pub fn start(folder: &Path, settings: &[(&'static str, &str)]) -> Result<Self> {
        Self::start_in(folder, settings, Vec::new())
    }

    /// The same with variables of the environment for every program, such as the addresses of
    /// servers, which may hold a password.
    ///
    /// # Errors
    /// With the log of the one that ends before.
    pub fn start_in(
        folder: &Path,
        settings: &[(&'static str, &str)],
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self> {
        Self::begin_all(own_address(), folder, settings, environment)
    }

    /// The same as [`Cluster::start`] at an address that was asked for before, so that
    /// certificates can name it.
    ///
    /// # Errors
    /// With the log of the one that ends before.
    pub fn start_at(
        host: Ipv4Addr,
        folder: &Path,
        settings: &[(&'static str, &str)],
    ) -> Result<Self> {
        Self::begin_all(host, folder, settings, Vec::new())
    }

    fn begin_all(
        host: Ipv4Addr,
        folder: &Path,
        settings: &[(&'static str, &str)],
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let own = settings
            .iter()
            .map(|(program, setting)| (*program, (*setting).to_owned()));
        let mut cluster = Self {
            folder: folder.to_path_buf(),
            settings: own.collect(),
            environment,
            of_tool: Vec::new(),
            host,
            urls: BTreeMap::new(),
            running: BTreeMap::new(),
        };
        for program in PROGRAMS {
            cluster.begin(program)?;
        }
        Ok(cluster)
    }

    /// Starts one service, at the address that it had before, and waits until it is ready.
    ///
    /// # Errors
    /// With its log when it ends before.
    pub fn begin(&mut self, program: &'static str) -> Result<()> {
        let before = self
            .urls
            .get(program)
            .and_then(|url| url.split("://").last());
        let listen = before.map_or_else(|| format!("{}:0", self.host), str::to_owned);
        let mut process = Command::new(tool::program(program)?)
            .args(["--set", &format!("server.listen={listen}")])
            .args(["--set", "storage.data_dir=server"])
            .args(self.wiring(program))
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .current_dir(&self.folder)
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{program} does not start"))?;
        let lines = process.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(lines).lines();
        let log = Arc::default();
        let running = Running {
            process,
            log: Arc::clone(&log),
        };
        let ready = format!("{program} answers at ");
        for line in lines.by_ref() {
            let line = line?;
            let url = line.strip_prefix(&ready).map(str::to_owned);
            keep(&log, line);
            if let Some(url) = url {
                self.urls.insert(program, url);
                self.running.insert(program, running);
                // A full pipe would stop the service.
                thread::spawn(move || lines.map_while(Result::ok).for_each(|l| keep(&log, l)));
                return Ok(());
            }
        }
        let log = log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .join("\n");
        bail!("{program} ended before it was ready:\n{log}")
    }

    /// What tells a program where the others are, and what was set for it.
    fn wiring(&self, program: &str) -> Vec<String> {
        let others: &[&str] = match program {
            GATE | EXPLAINER => &[CONTROL, INFERENCE],
            TRAINER => &[CONTROL],
            _ => &[],
        };
        let addresses = others.iter().map(|other| {
            let key = other.trim_start_matches("assay-");
            format!("{key}_url={}", self.url(other))
        });
        let meant = |whose: &str| whose == program || whose == EVERY;
        let own = self.settings.iter().filter(|(whose, _)| meant(whose));
        addresses
            .chain(own.map(|(_, setting)| setting.clone()))
            .flat_map(|setting| ["--set".to_owned(), setting])
            .collect()
    }

    /// Sets a variable of the tool.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.of_tool.push((name, value.to_owned()));
    }

    /// What a service has logged so far.
    #[must_use]
    pub fn log(&self, program: &str) -> String {
        let running = self.running.get(program);
        running.map_or_else(String::new, |running| {
            let log = running.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.join("\n")
        })
    }

    /// Address of a service, such as `http://127.1.2.3:40123`; it is kept over a new start.
    #[must_use]
    pub fn url(&self, program: &str) -> String {
        self.urls.get(program).cloned().unwrap_or_default()
    }

    /// The tool with the addresses of this cluster.
    ///
    /// # Errors
    /// When it was not built.
    pub fn tool(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(tool::executable()?);
        command
            .args(arguments)
            .env("OPENASSAY_SERVER", self.url(CONTROL))
            .env("OPENASSAY_INGEST_SERVER", self.url(INGEST))
            .envs(self.of_tool.iter().map(|(name, value)| (*name, value)))
            .current_dir(&self.folder);
        Ok(command)
    }

    /// Runs the tool and gives its output, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn output(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.tool(arguments)?;
        command.output().context("openassay does not start")
    }

    /// Runs the tool and gives its standard output.
    ///
    /// # Errors
    /// With everything it said when it does not succeed.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.output(arguments)?;
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
    /// When it does not run.
    pub fn kill(&mut self, program: &str) -> Result<()> {
        let mut running = self.take(program)?;
        running.process.kill()?;
        running.process.wait()?;
        Ok(())
    }

    /// SIGTERM, and the exit status that follows.
    ///
    /// # Errors
    /// When it does not run, or the signal cannot be sent.
    pub fn terminate(&mut self, program: &str) -> Result<ExitStatus> {
        let mut running = self.take(program)?;
        let id = running.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "the signal was not sent");
        Ok(running.process.wait()?)
    }

    fn take(&mut self, program: &str) -> Result<Running> {
        let running = self.running.remove(program);
        running.with_context(|| format!("{program} does not run"))
    }
}

/// An address of this machine that no one else uses, so that the port of a killed service stays
/// free until it is started again.
#[must_use]
pub fn own_address() -> Ipv4Addr {
    static CLUSTERS: AtomicU32 = AtomicU32::new(0);
    let number = CLUSTERS.fetch_add(1, Ordering::Relaxed);
    // Room for sixteen clusters in each test process.
    let number = std::process::id().wrapping_mul(16).wrapping_add(number);
    let [_, high, middle, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1 + high % 254, middle, low)
}

fn keep(log: &Mutex<Vec<String>>, line: String) {
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(line);
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("{}", log.join("\n"));
        }
    }
}
