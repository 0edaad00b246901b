//! The certificates and the file of tokens that `make-secrets` makes are taken by the programs,
//! name who they should, and leave probes a way in.

use crate::kubernetes::installation;
use assay_e2e::tool;
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

/// A running service. Dropped, it is killed.
struct Service {
    process: Child,
    /// Addresses of requests and of health.
    addresses: [String; 2],
}

impl Service {
    /// Starts one with its certificate and waits until it is ready.
    fn start(program: &str, settings: &[String], folder: &Path) -> Self {
        let mut process = Command::new(tool::program(program).unwrap())
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut log: Vec<String> = Vec::new();
        // The log has a thread of its own: its lines come before or after what the program prints.
        let wanted = [
            " answers at https://",
            "\"server.address\":",
            "\"health.address\":",
        ];
        while !wanted
            .iter()
            .all(|part| log.iter().any(|line| line.contains(part)))
        {
            let line = lines.next();
            log.push(line.unwrap_or_else(|| panic!("{log:?}")).unwrap());
        }
        // A full pipe would stop it.
        thread::spawn(move || lines.for_each(drop));
        let address = |name: &str| {
            let start = format!("\"{name}\":\"");
            let found = log.iter().find_map(|line| line.split_once(&start));
            let (_, rest) = found.unwrap_or_else(|| panic!("no {name} in {log:?}"));
            rest.split('"').next().unwrap().to_owned()
        };
        Self {
            addresses: ["server.address", "health.address"].map(address),
            process,
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn services_take_the_certificates_and_probes_ask_without_them() {
    let folder = installation();
    let place = |file: &str| folder.path().join("kubernetes/certificates").join(file);
    let path = |file: &str| place(file).to_string_lossy().into_owned();
    let settings = [
        "server.listen=127.0.0.1:0".to_owned(),
        "server.health_listen=127.0.0.1:0".to_owned(),
        format!("tls.certificate={}", path("control.crt")),
        format!("tls.key={}", path("control.key")),
        format!("tls.client_ca={}", path("ca.crt")),
        "tls.client_certificates=optional".to_owned(),
        format!("access.tokens={}", path("tokens.toml")),
    ];
    let service = Service::start("assay-control", &settings, folder.path());
    let [requests, health] = &service.addresses;
    let ask = |key: &str, address: &str| {
        let mut command = Command::new(tool::program("assay-control").unwrap());
        command.args([
            "--set",
            &format!("server.{key}={address}"),
            "--check-health",
        ]);
        let output = command.output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), words)
    };
    assert_eq!(ask("health_listen", health), (Some(0), String::new()));
    let (code, words) = ask("listen", requests);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("server.health_listen"), "{words}");
}

#[test]
fn certificates_hold_the_names_by_which_services_are_asked() {
    let folder = installation();
    let place = |file: String| folder.path().join("kubernetes/certificates").join(file);
    let verify = |name: &str, host: &str| {
        let mut command = Command::new("openssl");
        command.args(["verify", "-verify_hostname", host, "-CAfile"]);
        command
            .arg(place("ca.crt".to_owned()))
            .arg(place(format!("{name}.crt")));
        command.output().unwrap().status.success()
    };
    for name in crate::SERVICES {
        for host in [name.to_owned(), format!("{name}.openassay.svc")] {
            assert!(verify(name, &host), "{name} is not {host}");
        }
        assert!(!verify(name, "elsewhere"), "{name} is everything");
    }
}
