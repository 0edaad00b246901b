//! A broker of one's own does what tests of restarts need, and never outlives them.

use assay_servers::rabbitmq::Broker;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Tells a process, which is this test begun again, to wait for its end.
const VICTIM: &str = "OPENASSAY_TEST_RABBITMQ_VICTIM";
const NAME: &str = "a_killed_process_leaves_no_broker";
/// Only a guard against hanging.
const PATIENCE: Duration = Duration::from_secs(120);

fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn a_broker_is_killed_and_started_again_with_what_it_had() {
    let Some(mut broker) = Broker::start("a broker that is started again").unwrap() else {
        return;
    };
    let (url, port) = (broker.url(), broker.port());
    broker.control(&["add_vhost", "kept"]).unwrap();
    let refused = broker.control(&["add_vhost"]).unwrap_err().to_string();
    assert!(
        refused.contains("rabbitmqctl add_vhost failed"),
        "{refused}"
    );
    broker.kill().unwrap();
    assert!(!is_open(port));
    broker.start_again().unwrap();
    assert_eq!(broker.url(), url);
    let hosts = broker.control(&["list_vhosts"]).unwrap();
    assert!(hosts.lines().any(|host| host == "kept"), "{hosts}");
    drop(broker);
    assert!(!is_open(port));
}

#[test]
fn a_killed_process_leaves_no_broker() {
    if std::env::var_os(VICTIM).is_some() {
        if let Some(broker) = Broker::start("the broker of a victim").unwrap() {
            println!("\nport {}", broker.port());
            thread::sleep(PATIENCE);
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(VICTIM, "yes")
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        let port = line.strip_prefix("port ")?;
        port.parse().ok()
    });
    victim.kill().unwrap();
    victim.wait().unwrap();
    // Without RabbitMQ it has said that it was skipped.
    let Some(port) = port else {
        return;
    };
    let until = Instant::now() + PATIENCE;
    while is_open(port) || fs::read_dir(folder.path()).unwrap().next().is_some() {
        assert!(Instant::now() < until, "the broker outlives its process");
        thread::yield_now();
    }
}
