//! Redis for tests: private servers in a temporary folder on a free port, which end with the
//! process that started them however that ends.

use anyhow::{Context as _, Result, bail, ensure};
use std::{
    env, fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Names the program of private servers; `redis-server` on the path when not set.
pub const PROGRAM: &str = "OPENASSAY_TEST_REDIS_SERVER";

/// Until a server answers; it reads what a killed one left first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(5);

/// Ports that are tried, for another process may take one between its choice and the start.
const PORTS: usize = 5;

/// Kills the server and removes its folder as soon as the process that holds the other end of its
/// input has ended. The arguments: the server's process, the folder.
const GUARD: &str = r#"cat >/dev/null; kill -9 "$0"; rm -rf "$1""#;

/// A private server, or `None` after saying that there is no program for it.
///
/// # Errors
/// When there is a program and it does not start.
pub fn private(test: &str, settings: &Settings) -> Result<Option<Redis>> {
    let named = env::var(PROGRAM).ok().filter(|program| !program.is_empty());
    let program = named.as_deref().unwrap_or("redis-server");
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match found {
        Ok(_) => Redis::start(program, settings).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {
            eprintln!("SKIPPED {test}: redis-server is not installed, and {PROGRAM} names none");
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("{program} ({PROGRAM}) does not start")),
    }
}

/// Whether there is a program to start a server with.
#[must_use]
pub fn is_installed() -> bool {
    let named = env::var(PROGRAM).ok().filter(|program| !program.is_empty());
    Command::new(named.as_deref().unwrap_or("redis-server"))
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// How a server keeps what it is given.
#[derive(Debug, Clone)]
pub struct Settings {
    values: Vec<(String, String)>,
    password: Option<String>,
}

impl Settings {
    /// Everything acknowledged is on the disk, and nothing is evicted.
    #[must_use]
    pub fn durable() -> Self {
        Self::volatile()
            .with("appendonly", "yes")
            .with("appendfsync", "always")
            .with("maxmemory-policy", "noeviction")
    }

    /// Everything is gone with the process.
    #[must_use]
    pub const fn volatile() -> Self {
        Self {
            values: Vec::new(),
            password: None,
        }
    }

    /// With one more setting, or another value of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.values.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a password of letters and digits, which [`Redis::url`] then holds.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }
}

/// A private server. Dropped, it is killed, and its folder removed.
#[derive(Debug)]
pub struct Redis {
    program: String,
    settings: Settings,
    port: u16,
    folder: TempDir,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    server: Child,
    guard: Child,
}

impl Redis {
    fn start(program: &str, settings: &Settings) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let server = Self {
                program: program.to_owned(),
                settings: settings.clone(),
                port: free_port()?,
                folder: tempfile::Builder::new().prefix("redis-").tempdir()?,
                running: Mutex::new(None),
            };
            match server.start_again() {
                Ok(()) => return Ok(server),
                Err(error) if attempt < PORTS && error.to_string().contains("in use") => {}
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Starts it on its port and folder, and returns when it answers; at once when it runs.
    ///
    /// # Errors
    /// When it does not answer; the last lines of its log are in the message.
    pub fn start_again(&self) -> Result<()> {
        let mut running = self.running();
        if running.is_some() {
            return Ok(());
        }
        let mut server = self
            .command()
            .spawn()
            .with_context(|| format!("{} does not start", self.program))?;
        let guard = Command::new("sh")
            .args(["-c", GUARD, &server.id().to_string()])
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let guard = match guard {
            Ok(guard) => guard,
            Err(error) => {
                end(&mut server);
                return Err(error).context("no guard for redis-server starts");
            }
        };
        let mut begun = Running { server, guard };
        if let Err(error) = self.answers(&mut begun.server) {
            begun.end();
            return Err(error);
        }
        *running = Some(begun);
        Ok(())
    }

    /// Kills it as `kill -9` does: without any chance to write or to say goodbye.
    pub fn kill(&self) {
        if let Some(mut running) = self.running().take() {
            running.end();
        }
    }

    /// Where it answers, with its password if it has one.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.settings.password.as_deref();
        let login = password.map_or_else(String::new, |word| format!(":{word}@"));
        format!("redis://{login}127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self) -> Command {
        let port = self.port.to_string();
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.folder.path())
            .args(["--bind", "127.0.0.1", "--port", &port, "--daemonize", "no"])
            .args(["--save", "", "--logfile", "server.log", "--dir", "."])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(password) = &self.settings.password {
            command.args(["--requirepass", password]);
        }
        for (name, value) in &self.settings.values {
            command.arg(format!("--{name}")).arg(value);
        }
        command
    }

    /// Waits until it answers a PING, or has ended.
    fn answers(&self, server: &mut Child) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = server.try_wait()? {
                bail!("redis-server ended ({status}):\n{}", self.log());
            }
            let answer = self.ping();
            if answer.as_deref().is_ok_and(|text| text.contains("+PONG")) {
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "redis-server does not answer ({answer:?}):\n{}",
                self.log()
            );
            thread::sleep(PAUSE);
        }
    }

    fn ping(&self) -> Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        if let Some(password) = &self.settings.password {
            stream.write_all(format!("AUTH {password}\r\n").as_bytes())?;
        }
        stream.write_all(b"PING\r\nQUIT\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        // A test that failed in between leaves a server that runs or none.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    fn end(&mut self) {
        // The guard first: it would kill whoever has the number of the process then.
        end(&mut self.guard);
        end(&mut self.server);
    }
}

fn end(child: &mut Child) {
    // It may have ended already, and then there is nothing to do.
    let _ = child.kill();
    let _ = child.wait();
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}
