//! A service as a process of its own: exit codes, what it prints, signals. This program is both
//! the test and, started again by it, the service.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and this one prints its own results"
)]

use assay_runtime::{
    AccessConfig, Check, Component, Readiness, ServerConfig, ServiceSettings, TelemetryConfig,
    TlsConfig,
    config::{ConfigFaults, Secret, within},
    run_service,
};
use serde::{Deserialize, Serialize};
use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, ExitCode, Output, Stdio},
};
use tokio::sync::watch;

/// Set for the process that is to be the service.
const SERVICE: &str = "ASSAY_RUNTIME_TEST_SERVICE";
const WORD: &str = "hunter2";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    server: ServerConfig,
    telemetry: TelemetryConfig,
    tls: TlsConfig,
    access: AccessConfig,
    store: Store,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Store {
    password: Secret,
    folder: String,
}

impl Check for Settings {
    fn faults(&self) -> Vec<String> {
        within("server", self.server.faults())
    }
}

impl ServiceSettings for Settings {
    fn server(&self) -> &ServerConfig {
        &self.server
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }

    fn tls(&self) -> &TlsConfig {
        &self.tls
    }

    fn access(&self) -> &AccessConfig {
        &self.access
    }
}

fn service() -> ExitCode {
    run_service(
        "house",
        "Keeps a door",
        async |settings: Settings, shutdown| {
            tracing::info!(?settings, "settings");
            match settings.store.folder.as_str() {
                "closed" => Err(ConfigFaults::one("store.folder: closed is no folder").into()),
                "missing" => anyhow::bail!("the folder is missing"),
                "damaged" => Ok(vec![
                    Component::new("keeper", vec![], |_| {})
                        .with_task("door", async { anyhow::bail!("the door is damaged") }),
                ]),
                "loading" => Ok(vec![
                    Component::new("keeper", vec!["house.v1.Door"], |_| {}).ready_when(loading()),
                ]),
                "slow" => Ok(vec![Component::new("keeper", vec![], |_| {}).with_task(
                    "door",
                    async move {
                        shutdown.begun().await;
                        std::future::pending().await
                    },
                )]),
                _ => Ok(Vec::new()),
            }
        },
    )
}

/// Never ready.
fn loading() -> watch::Receiver<Readiness> {
    watch::channel(Readiness::NotReady("the door is being painted".to_owned())).1
}

fn command(arguments: &[&str]) -> Command {
    prepared(Command::new(env::current_exe().unwrap()), arguments)
}

fn prepared(mut command: Command, arguments: &[&str]) -> Command {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OPENASSAY_") {
            command.env_remove(name);
        }
    }
    command.env(SERVICE, "1");
    command.args(["--set", "server.listen=127.0.0.1:0"]);
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A service that runs, and the lines of its log.
struct Running {
    process: Child,
    log: BufReader<std::process::ChildStderr>,
    told: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::of(command(arguments))
    }

    fn of(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let mut running = Self {
            process,
            log,
            told: String::new(),
        };
        running.told("\"listening\"");
        running
    }

    /// Waits until the log tells this.
    fn told(&mut self, word: &str) {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).unwrap();
            assert!(read > 0, "{word} was not told: {}", self.told);
            self.told.push_str(&line);
            if line.contains(word) {
                return;
            }
        }
    }

    /// Where it listens, as its log tells.
    fn address(&self) -> String {
        self.address_of("server.address")
    }

    /// An address of which the log tells under this name.
    fn address_of(&self, name: &str) -> String {
        let (_, rest) = self.told.split_once(&format!("\"{name}\":\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    fn code(mut self) -> Option<i32> {
        let code = self.process.wait().unwrap().code();
        assert!(!self.told.contains(WORD), "{}", self.told);
        code
    }
}

fn faults_of_the_configuration_end_it_with_64_and_no_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("house.toml");
    let file = format!("[store]\npasword = '{WORD}'\n[server]\nmax_in_flight = 0\n");
    std::fs::write(&path, file).unwrap();
    let path = path.display().to_string();
    let password = format!("store.password:{WORD}");
    let (code, printed, told) = output(
        command(&["--config", &path, "--set", &password])
            .env("OPENASSAY_STORE__PASSWORT", WORD)
            .env("OPENASSAY_SERVER__LISTEN", "here"),
    );
    assert_eq!(code, Some(64), "{told}");
    assert_eq!(printed, "");
    let expected = [
        "error: the configuration has 5 faults:".to_owned(),
        format!("store.pasword: no key pasword here; there are folder, password ({path} line 2)"),
        format!("server.max_in_flight: 0 is outside 1 to 65536 ({path} line 4)"),
        "server.listen: \"here\" is no address; write numbers for host and port, such as \
         127.0.0.1:50051 (environment variable OPENASSAY_SERVER__LISTEN)"
            .to_owned(),
        "(environment variable OPENASSAY_STORE__PASSWORT)".to_owned(),
        "--set number 2 has no `=`".to_owned(),
    ];
    for words in expected {
        assert!(told.contains(&words), "{words} is missing: {told}");
    }
    assert!(!told.contains(WORD), "{told}");
}

fn a_wrong_command_line_ends_it_with_64_and_help_with_0() {
    let (code, printed, told) = output(&mut command(&["--listen", "here"]));
    assert_eq!((code, printed.as_str()), (Some(64), ""));
    assert!(told.contains("--listen"), "{told}");
    let (code, printed, told) = output(&mut command(&["--help"]));
    assert_eq!((code, told.as_str()), (Some(0), ""));
    assert!(printed.contains("OPENASSAY_SERVER__LISTEN"), "{printed}");
    let (code, printed, _) = output(&mut command(&["--version"]));
    assert_eq!(code, Some(0));
    assert!(printed.starts_with("house "), "{printed}");
}

fn the_configuration_is_printed_without_its_secrets() {
    let mut command = command(&["--print-config"]);
    let (code, printed, told) = output(command.env("OPENASSAY_STORE__PASSWORD", WORD));
    assert_eq!((code, told.as_str()), (Some(0), ""));
    assert!(printed.contains("password = \"<hidden>\""), "{printed}");
    assert!(printed.contains("listen = \"127.0.0.1:0\""), "{printed}");
}

fn what_is_found_while_it_is_built_has_its_code() {
    for (folder, code, words) in [
        ("closed", 64, "store.folder: closed is no folder"),
        ("missing", 69, "the folder is missing"),
        (
            "damaged",
            70,
            "task keeper door failed: the door is damaged",
        ),
    ] {
        let folder = format!("store.folder={folder}");
        let (ended, _, told) = output(&mut command(&["--set", &folder]));
        assert_eq!(ended, Some(code), "{told}");
        assert!(told.contains(words), "{told}");
    }
}

fn a_port_that_is_taken_ends_it_with_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listen = format!("server.listen={address}");
    let (code, _, told) = output(&mut command(&["--set", &listen]));
    assert_eq!(code, Some(69), "{told}");
    assert!(
        told.contains(&format!("cannot listen on {address}")),
        "{told}"
    );
}

fn the_first_signal_ends_it_in_order_and_the_log_shows_no_secret() {
    for name in ["TERM", "INT"] {
        let password = format!("store.password={WORD}");
        let mut running = Running::start(&["--set", &password]);
        running.signal(name);
        running.told("ended in order");
        assert!(running.told.contains("<hidden>"), "{}", running.told);
        assert_eq!(running.code(), Some(0));
    }
}

fn the_second_signal_ends_it_at_once() {
    let folder = "store.folder=slow";
    let grace = "server.shutdown_grace_s=3600";
    let mut running = Running::start(&["--set", folder, "--set", grace]);
    running.signal("TERM");
    running.told("no more requests are taken");
    running.signal("TERM");
    assert_eq!(running.code(), Some(130));
}

fn more_connections_than_files_do_not_stop_it() {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 32; exec \"$0\" \"$@\""]);
    limited.arg(env::current_exe().unwrap());
    let mut running = Running::of(prepared(limited, &[]));
    let address = running.address();
    let connect = || TcpStream::connect(&address).unwrap();
    let many: Vec<_> = (0..64).map(|_| connect()).collect();
    running.told("a connection could not be accepted");
    drop(many);
    let mut connection = connect();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    connection.write_all(preface).unwrap();
    // It answers: the first frame of a server says what it can do.
    let mut frame = [0; 9];
    connection.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4);
    running.signal("TERM");
    assert_eq!(running.code(), Some(0));
}

fn health_is_asked_by_the_configuration_that_it_runs_with() {
    let health = ["--set", "server.health_listen=127.0.0.1:0"];
    let folder = ["--set", "store.folder=loading"];
    let mut running = Running::start(&[health, folder].concat());
    for (address, key) in [
        ("server.address", "listen"),
        ("health.address", "health_listen"),
    ] {
        let asked = format!("server.{key}={}", running.address_of(address));
        let ask = |what: &[&str]| {
            let arguments = [&["--set", &asked, "--check-health"], what].concat();
            let (code, printed, told) = output(&mut command(&arguments));
            assert_eq!(printed, "");
            (code, told)
        };
        assert_eq!(ask(&["openassay.liveness"]), (Some(0), String::new()));
        for what in [&[][..], &["house.v1.Door"]] {
            let (code, told) = ask(what);
            assert_eq!(code, Some(1), "{told}");
            assert!(told.contains("NOT_SERVING"), "{told}");
        }
        assert_eq!(ask(&["house.v1.Window"]).0, Some(1));
    }
    let address = running.address_of("server.address");
    running.signal("TERM");
    running.told("ended in order");
    assert_eq!(running.code(), Some(0));

    let listen = format!("server.listen={address}");
    let (code, _, told) = output(&mut command(&["--check-health", "--set", &listen]));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(&address), "{told}");
    let (code, _, told) = output(&mut command(&["--check-health"]));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("another port each time"), "{told}");
}

/// Every test by its name.
const TESTS: [(&str, fn()); 9] = [
    (
        "health_is_asked_by_the_configuration_that_it_runs_with",
        health_is_asked_by_the_configuration_that_it_runs_with,
    ),
    (
        "faults_of_the_configuration_end_it_with_64_and_no_secret_is_shown",
        faults_of_the_configuration_end_it_with_64_and_no_secret_is_shown,
    ),
    (
        "a_wrong_command_line_ends_it_with_64_and_help_with_0",
        a_wrong_command_line_ends_it_with_64_and_help_with_0,
    ),
    (
        "the_configuration_is_printed_without_its_secrets",
        the_configuration_is_printed_without_its_secrets,
    ),
    (
        "what_is_found_while_it_is_built_has_its_code",
        what_is_found_while_it_is_built_has_its_code,
    ),
    (
        "a_port_that_is_taken_ends_it_with_69",
        a_port_that_is_taken_ends_it_with_69,
    ),
    (
        "the_first_signal_ends_it_in_order_and_the_log_shows_no_secret",
        the_first_signal_ends_it_in_order_and_the_log_shows_no_secret,
    ),
    (
        "more_connections_than_files_do_not_stop_it",
        more_connections_than_files_do_not_stop_it,
    ),
    (
        "the_second_signal_ends_it_at_once",
        the_second_signal_ends_it_at_once,
    ),
];

fn main() -> ExitCode {
    if env::var_os(SERVICE).is_some() {
        return service();
    }
    // Runs all, or those whose names hold a word of the command line, as other tests do.
    let words: Vec<_> = env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    for (name, test) in TESTS {
        if words.is_empty() || words.iter().any(|word| name.contains(word)) {
            test();
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}
