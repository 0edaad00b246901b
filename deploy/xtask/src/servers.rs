//! RabbitMQ and Redis for the tests: those that are installed, else, on Debian as root, installed
//! now; a RabbitMQ also from whoever names one, or from Docker where an engine runs. Without any
//! the tests that need them are passed over, and the end of the run says so.

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
    /// The variable that names one that others use too; not where every test has its own.
    pub(crate) variable: Option<&'static str>,
    installed: fn() -> bool,
}

/// The broker of hints.
pub(crate) const RABBITMQ: Sort = Sort {
    name: "RabbitMQ",
    package: "rabbitmq-server",
    variable: Some(rabbitmq::URL),
    installed: rabbitmq::is_installed,
};
/// The store of jobs and of features.
pub(crate) const REDIS: Sort = Sort {
    name: "Redis",
    package: "redis-server",
    variable: None,
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
        if !offline && !servers.missing().is_empty() && install::is_possible() {
            install::packages(&servers.missing())?;
        }
        let named = env::var_os(rabbitmq::URL).is_some();
        if !named && rabbitmq::is_installed() {
            // A start takes a quarter of a minute: once for all tests.
            eprintln!("starting a RabbitMQ for the tests, in a temporary folder");
            if let Some(broker) = Broker::start("all tests")? {
                servers.environment.push((rabbitmq::URL, broker.url()));
                servers._broker = Some(broker);
            }
        } else if !named
            && !offline
            && let Some(compose) = Compose::start(checkout)?
        {
            servers
                .environment
                .push((rabbitmq::URL, compose.rabbitmq()?));
            servers._compose = Some(compose);
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
        let named = |variable: &str| {
            env::var_os(variable).is_some() || self.environment.iter().any(|(n, _)| *n == variable)
        };
        let found = |sort: &Sort| (sort.installed)() || sort.variable.is_some_and(named);
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
             {}",
            sort.name, sort.package
        )
    });
    let shared = docker.then(|| {
        "NOT TESTED: a RabbitMQ that is killed and started again; Docker's is shared by all tests. \
         Install rabbitmq-server for these tests"
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
            for word in [sort.name, sort.package] {
                assert!(note.contains(word), "{note}");
            }
        }
        assert_eq!(notes(&[], true).len(), 1);
    }
}
