//! RabbitMQ and Redis for the tests: those that somebody names, else those that are installed,
//! else Docker's where an engine runs, else, on Debian as root, installed now. Without any the
//! tests that need them are passed over, and the end of the run says so.

mod docker;
mod install;

use crate::checkout::Checkout;
use anyhow::Result;
use assay_servers::{
    rabbitmq::{self, Broker},
    redis,
};
use docker::Compose;
use std::env;

/// Everything that a run of the tests needs to find the servers. Dropped, it ends what it started.
#[derive(Default)]
pub(crate) struct Servers {
    environment: Vec<(&'static str, String)>,
    notes: Vec<String>,
    _broker: Option<Broker>,
    _compose: Option<Compose>,
}

/// One sort of server.
#[derive(Clone, Copy)]
pub(crate) struct Sort {
    pub(crate) name: &'static str,
    /// Debian's package.
    pub(crate) package: &'static str,
    /// The variable that names one.
    pub(crate) variable: &'static str,
    /// Its service in the file for Docker, and its port there.
    pub(crate) service: (&'static str, u16),
    installed: fn() -> bool,
}

/// The broker of hints.
pub(crate) const RABBITMQ: Sort = Sort {
    name: "RabbitMQ",
    package: "rabbitmq-server",
    variable: rabbitmq::URL,
    service: ("rabbitmq", 5672),
    installed: rabbitmq::is_installed,
};
/// The store of jobs and of features.
pub(crate) const REDIS: Sort = Sort {
    name: "Redis",
    package: "redis-server",
    variable: redis::SHARED,
    service: ("redis", 6379),
    installed: redis::is_installed,
};
const SORTS: [Sort; 2] = [RABBITMQ, REDIS];

impl Servers {
    /// Finds, starts or installs them.
    ///
    /// # Errors
    /// One that is there does not start.
    pub(crate) fn prepare(checkout: &Checkout, offline: bool) -> Result<Self> {
        let mut servers = Self::default();
        let missing = servers.missing();
        if !missing.is_empty() && !offline {
            if let Some(compose) = Compose::start(checkout, &missing)? {
                servers.environment.extend(compose.environment(&missing)?);
                servers._compose = Some(compose);
            } else if install::is_possible() {
                install::packages(&missing)?;
            }
        }
        let named = |variable| env::var_os(variable).is_some();
        if !named(RABBITMQ.variable) && (RABBITMQ.installed)() {
            // A start takes a quarter of a minute: once for all tests.
            eprintln!("starting a RabbitMQ for the tests, in a temporary folder");
            if let Some(broker) = Broker::start("all tests")? {
                servers.environment.push((RABBITMQ.variable, broker.url()));
                servers._broker = Some(broker);
            }
        }
        servers.notes = notes(&servers.missing(), servers._compose.is_some());
        Ok(servers)
    }

    /// Variables for the tests.
    pub(crate) fn environment(&self) -> &[(&'static str, String)] {
        &self.environment
    }

    /// What the tests passed over.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    fn missing(&self) -> Vec<Sort> {
        let found = |sort: &Sort| {
            (sort.installed)()
                || env::var_os(sort.variable).is_some()
                || self
                    .environment
                    .iter()
                    .any(|(name, _)| *name == sort.variable)
        };
        SORTS.into_iter().filter(|sort| !found(sort)).collect()
    }
}

/// Makes sure that there are servers for tests that start and kill their own; gives what is passed
/// over for want of them.
///
/// # Errors
/// They cannot be installed.
pub(crate) fn to_be_killed(offline: bool) -> Result<Vec<String>> {
    let missing = || -> Vec<Sort> {
        let absent = SORTS.into_iter().filter(|sort| !(sort.installed)());
        absent.collect()
    };
    if !missing().is_empty() && !offline && install::is_possible() {
        install::packages(&missing())?;
    }
    Ok(notes(&missing(), false))
}

fn notes(missing: &[Sort], docker: bool) -> Vec<String> {
    let lacking = missing.iter().map(|sort| {
        format!(
            "NOT TESTED with {}: it is not installed. On Debian or Ubuntu: sudo apt-get install -y \
             {}; or name one with {}",
            sort.name, sort.package, sort.variable
        )
    });
    let shared = docker.then(|| {
        "NOT TESTED: servers that are killed and started again; Docker's are shared by all tests. \
         Install rabbitmq-server and redis-server for these tests"
            .to_owned()
    });
    lacking.chain(shared).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_remedy() {
        assert_eq!(notes(&[], false), Vec::<String>::new());
        let told = notes(&SORTS, false);
        assert_eq!(told.len(), 2);
        for (note, sort) in told.iter().zip(SORTS) {
            for word in [sort.name, sort.package, sort.variable] {
                assert!(note.contains(word), "{note}");
            }
        }
        assert_eq!(notes(&[], true).len(), 1);
    }
}
