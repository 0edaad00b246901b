//! Servers in Docker, where an engine runs.

use super::Sort;
use crate::checkout::Checkout;
use anyhow::{Context as _, Result, ensure};
use std::process::{Command, Stdio};

/// The servers of the tests, from the top of the checkout.
const FILE: &str = "deploy/compose/test-servers.yaml";

/// Servers that run in Docker for one run of the tests. Dropped, they and what they kept go.
pub(super) struct Compose {
    file: std::path::PathBuf,
    project: String,
}

impl Compose {
    /// Starts these servers and waits until they answer; `None` where no engine runs.
    ///
    /// # Errors
    /// The engine cannot start them.
    pub(super) fn start(checkout: &Checkout, sorts: &[Sort]) -> Result<Option<Self>> {
        if !engine_runs() {
            return Ok(None);
        }
        let compose = Self {
            file: checkout.root().join(FILE),
            project: format!("openassay-tests-{}", std::process::id()),
        };
        eprintln!("starting the servers of the tests in Docker");
        let mut start = compose.command();
        start.args(["up", "--detach", "--wait"]);
        start.args(sorts.iter().map(|sort| sort.service.0));
        let status = start.status().context("docker does not start")?;
        ensure!(
            status.success(),
            "docker compose could not start the servers ({status}): its words are above"
        );
        Ok(Some(compose))
    }

    /// The variables that name them.
    ///
    /// # Errors
    /// Docker does not tell their ports.
    pub(super) fn environment(&self, sorts: &[Sort]) -> Result<Vec<(&'static str, String)>> {
        let variable = |sort: &Sort| {
            let (service, port) = sort.service;
            let address = self.address(service, port)?;
            let url = match service {
                "rabbitmq" => format!("amqp://guest:guest@{address}/%2f"),
                _ => format!("redis://{address}"),
            };
            Ok((sort.variable, url))
        };
        sorts.iter().map(variable).collect()
    }

    fn address(&self, service: &str, port: u16) -> Result<String> {
        let mut ask = self.command();
        let output = ask.args(["port", service, &port.to_string()]).output()?;
        let told = String::from_utf8_lossy(&output.stdout);
        let address = told.lines().next().unwrap_or_default().trim().to_owned();
        ensure!(
            output.status.success() && !address.is_empty(),
            "docker compose does not tell the port of {service}"
        );
        Ok(address)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command
            .args(["compose", "--project-name", &self.project, "--file"])
            .arg(&self.file)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        let mut end = self.command();
        end.args(["down", "--volumes", "--timeout", "1"]);
        if !end.status().is_ok_and(|status| status.success()) {
            eprintln!(
                "the servers of the tests are left in Docker: project {}",
                self.project
            );
        }
    }
}

/// Whether there is an engine, and compose to talk to it.
fn engine_runs() -> bool {
    let answers = |arguments: &[&str]| {
        Command::new("docker")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    answers(&["info"]) && answers(&["compose", "version"])
}
