//! A broker of one's own in a temporary folder, on free ports.

use super::{
    guard::Guard,
    programs::{Programs, skipped},
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    ffi::OsString,
    fs::{self, File},
    hash::{BuildHasher, Hasher, RandomState},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longest wait for a broker to start: it takes a quarter of a minute on a machine at rest.
const START_WITHIN: Duration = Duration::from_secs(300);
/// Between two looks at whether it answers.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Below the ports that systems give to those who call out, so that nobody takes one meanwhile.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// What a client says first, and the first byte of the answer.
const GREETING: &[u8; 8] = b"AMQP\x00\x00\x09\x01";
const METHOD_FRAME: u8 = 1;

/// Kills what is left of a broker, waits for its end and removes its folder.
const CLEAN_UP: &str = r#"kill -s KILL -- "-$1"
while kill -s 0 -- "-$1"; do sleep 0.1; done
rm -rf -- "$2""#;

/// A broker that belongs to one test. It ends with this, or with the process, killed or not, and
/// leaves nothing behind.
pub struct Broker {
    programs: Programs,
    folder: TempDir,
    node: String,
    port: u16,
    distribution_port: u16,
    server: Option<Server>,
}

struct Server {
    process: Child,
    guard: Guard,
}

impl Broker {
    /// Starts a broker and waits until it answers; `None` after saying that there is none to
    /// start.
    ///
    /// # Errors
    /// It does not start; its own words are in the message.
    pub fn start(test: &str) -> Result<Option<Self>> {
        let Some(programs) = Programs::find() else {
            skipped(test);
            return Ok(None);
        };
        Self::with(programs).map(Some)
    }

    pub(super) fn with(programs: Programs) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("openassay-rabbitmq-")
            .tempdir()
            .context("no temporary folder")?;
        let mut broker = Self {
            programs,
            folder,
            node: format!("test-{:016x}@localhost", random()),
            port: free_port()?,
            distribution_port: free_port()?,
            server: None,
        };
        fs::write(broker.path("enabled_plugins"), "[].\n")?;
        fs::write(broker.path("environment"), "")?;
        // A test is no reason to fill a disk, nor a full disk one to stop a test.
        fs::write(
            broker.path("rabbitmq.conf"),
            "disk_free_limit.absolute = 1MB\n",
        )?;
        broker.start_again()?;
        Ok(broker)
    }

    /// Where it is, for the user that every broker has.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Its port for AMQP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs `rabbitmqctl` on it and gives what that printed.
    ///
    /// # Errors
    /// It failed; its own words are in the message.
    pub fn control(&self, arguments: &[&str]) -> Result<String> {
        let output = self
            .command(&self.programs.control)
            .arg("--quiet")
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("rabbitmqctl does not start")?;
        ensure!(
            output.status.success(),
            "rabbitmqctl {} failed ({}):\n{}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).context("rabbitmqctl printed no UTF-8")
    }

    /// Ends it as a failing machine would, at once and with everything that it started; waits
    /// until it is gone. What it had on its disk stays.
    ///
    /// # Errors
    /// It cannot be killed.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let group = format!("-{}", server.process.id());
        let killed = Command::new("kill")
            .args(["-s", "KILL", "--", &group])
            .status()
            .context("kill does not start")?;
        ensure!(
            killed.success(),
            "kill -s KILL -- {group} failed ({killed})"
        );
        server.process.wait()?;
        // The script is our child; the broker itself is only its child, and may take a moment.
        while Command::new("kill")
            .args(["-s", "0", "--", &group])
            .stderr(Stdio::null())
            .status()?
            .success()
        {
            thread::sleep(LOOK_EVERY);
        }
        server.guard.dismiss();
        Ok(())
    }

    /// Starts it again in the same folder and on the same ports; waits until it answers.
    ///
    /// # Errors
    /// It does not start; its own words are in the message.
    pub fn start_again(&mut self) -> Result<()> {
        self.kill()?;
        let output = File::options()
            .create(true)
            .append(true)
            .open(self.path("output"))?;
        let process = self
            .command(&self.programs.server)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .context("rabbitmq-server does not start")?;
        let group = OsString::from(process.id().to_string());
        let guard = Guard::new(CLEAN_UP, [group, self.folder.path().into()])?;
        self.server = Some(Server { process, guard });
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let until = Instant::now() + START_WITHIN;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while !answers(address) {
            if let Some(server) = &mut self.server
                && let Some(status) = server.process.try_wait()?
            {
                bail!("RabbitMQ ended ({status}):\n{}", self.output());
            }
            if Instant::now() > until {
                bail!(
                    "RabbitMQ did not answer within {} s:\n{}",
                    START_WITHIN.as_secs(),
                    self.output()
                );
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn output(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program of RabbitMQ that knows nothing of any other broker on this machine.
    fn command(&self, program: &PathBuf) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        for inherited in ["PATH", "LANG", "LC_ALL", "TMPDIR"] {
            if let Some(value) = std::env::var_os(inherited) {
                command.env(inherited, value);
            }
        }
        for (key, name) in [
            // The cookie with which rabbitmqctl and broker know each other is kept at home.
            ("HOME", ""),
            ("RABBITMQ_CONF_ENV_FILE", "environment"),
            ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", "advanced.config"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
            ("RABBITMQ_MNESIA_BASE", "mnesia"),
            ("RABBITMQ_LOG_BASE", "log"),
            ("RABBITMQ_PID_FILE", "pid"),
        ] {
            command.env(key, self.path(name));
        }
        command
            .env("RABBITMQ_NODENAME", &self.node)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_FLAGS", "-kernel inet_dist_use_interface {127,0,0,1}");
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("a broker of a test is left: {error:#}");
        }
    }
}

/// Whether somebody there speaks AMQP.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let limit = Duration::from_secs(5);
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.write_all(GREETING)?;
        let mut first = [0];
        stream.read_exact(&mut first)?;
        Ok(first == [METHOD_FRAME])
    };
    ask().unwrap_or(false)
}

fn free_port() -> Result<u16> {
    for _ in 0..1_000 {
        let step = random() % u64::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(step)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port of {PORTS:?} is free")
}

/// A number that is another one at each call and in each process.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
