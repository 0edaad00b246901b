//! A RabbitMQ in Docker, where an engine runs.

use crate::checkout::Checkout;
use anyhow::{Context as _, Result, ensure};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// The servers of the tests, from the top of the checkout.
const FILE: &str = "deploy/compose/test-servers.yaml";

/// A broker that runs in Docker for one run of the tests. Dropped, it and what it kept go.
pub(super) struct Compose {
    file: PathBuf,
    project: String,
}

impl Compose {
    /// Starts it and waits until it answers; `None` where no engine runs.
    ///
    /// # Errors
    /// The engine cannot start it.
    pub(super) fn start(checkout: &Checkout) -> Result<Option<Self>> {
        if !engine_runs() {
            return Ok(None);
        }
        let compose = Self {
            file: checkout.root().join(FILE),
            project: format!("openassay-tests-{}", std::process::id()),
        };
        eprintln!("starting a RabbitMQ for the tests, in Docker");
        let mut start = compose.command();
        start.args(["up", "--detach", "--wait"]);
        let status = start.status().context("docker does not start")?;
        ensure!(
            status.success(),
            "docker compose could not start RabbitMQ ({status}): its words are above"
        );
        Ok(Some(compose))
    }

    /// Where the broker is.
    ///
    /// # Errors
    /// Docker does not tell its port.
    pub(super) fn rabbitmq(&self) -> Result<String> {
        let output = self.command().args(["port", "rabbitmq", "5672"]).output()?;
        let told = String::from_utf8_lossy(&output.stdout);
        let address = told.lines().next().unwrap_or_default().trim();
        ensure!(
            output.status.success() && !address.is_empty(),
            "docker compose does not tell the port of RabbitMQ"
        );
        Ok(format!("amqp://guest:guest@{address}/%2f"))
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
                "a RabbitMQ of the tests is left in Docker: project {}",
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
