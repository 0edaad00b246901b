//! Private Redis servers keep what they promise, and never outlive the tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_servers::redis::{Redis, Settings, private};
use std::{
    env,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Tells the process that is to be aborted, which is this test begun again.
const ABORTED: &str = "OPENASSAY_TEST_ABORTED";
const NAME: &str = "a_server_ends_with_a_process_that_is_aborted";

fn ask(port: u16, command: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let asked = format!("{command}\r\nQUIT\r\n");
    stream.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn started(test: &str, settings: &Settings) -> Option<Redis> {
    private(test, settings).unwrap()
}

#[test]
fn a_durable_server_has_everything_after_a_kill_and_a_volatile_one_nothing() {
    let test = "keeping over a kill";
    for (settings, kept) in [(Settings::durable(), true), (Settings::volatile(), false)] {
        let Some(server) = started(test, &settings) else {
            return;
        };
        assert!(ask(server.port(), "SET word kept").starts_with("+OK"));
        server.kill();
        let gone = TcpStream::connect(("127.0.0.1", server.port()));
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        server.start_again().unwrap();
        server.start_again().unwrap();
        assert_eq!(ask(server.port(), "GET word").contains("kept"), kept);
    }
}

#[test]
fn a_server_with_a_password_wants_it_and_is_gone_when_dropped() {
    let settings = Settings::volatile().password("wombat");
    let Some(server) = started("a password", &settings) else {
        return;
    };
    assert!(server.url().starts_with("redis://:wombat@127.0.0.1:"));
    assert!(ask(server.port(), "PING").contains("NOAUTH"));
    let (port, folder) = (server.port(), server.folder().to_owned());
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!folder.exists());
}

#[test]
fn a_wrong_setting_is_told_in_the_words_of_the_server() {
    let settings = Settings::volatile().with("appendfsync", "sometimes");
    if let Err(error) = private("a wrong setting", &settings) {
        assert!(error.to_string().contains("ended"), "{error}");
    } else {
        assert!(started("a wrong setting", &Settings::volatile()).is_none());
    }
}

#[test]
fn a_server_ends_with_a_process_that_is_aborted() {
    if env::var_os(ABORTED).is_some() {
        start_and_abort();
    }
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(ABORTED, "yes")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(!child.wait().unwrap().success());
    let server = said.iter().find_map(|line| line.strip_prefix("server "));
    let Some((port, folder)) = server.and_then(|server| server.split_once(' ')) else {
        assert!(said.iter().any(|line| line == "no server"), "{said:?}");
        return;
    };
    // The guard needs a moment: it is another process.
    let until = Instant::now() + Duration::from_secs(60);
    let port: u16 = port.parse().unwrap();
    while TcpStream::connect(("127.0.0.1", port)).is_ok() || Path::new(folder).exists() {
        assert!(Instant::now() < until, "it runs on");
        std::thread::yield_now();
    }
}

/// Says where the server is and ends without any destructor.
fn start_and_abort() -> ! {
    let server = started("ending with a process", &Settings::durable());
    let said = match &server {
        Some(server) => format!("server {} {}", server.port(), server.folder().display()),
        None => "no server".to_owned(),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{said}\n").as_bytes()).unwrap();
    out.flush().unwrap();
    std::process::abort()
}
