//! A corner of a broker that others use too: queue names that nobody else has, in a virtual host
//! that nobody else has where one can be made.

use super::{
    Broker,
    broker::random,
    guard::Guard,
    programs::{Programs, skipped},
};
use anyhow::{Result, anyhow};
use std::{
    env,
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Names the broker of the tests, as `amqp://user:password@host:5672/%2f`.
pub const URL: &str = "OPENASSAY_TEST_AMQP_URL";

/// A place for one test on the broker that all tests of this process share.
pub struct Corner {
    url: String,
    prefix: String,
}

impl Corner {
    /// Finds a place: on the broker that [`URL`] names, else on one that is started for this
    /// process and ends with it; `None` after saying that there is neither.
    ///
    /// # Errors
    /// A broker does not start.
    pub fn find(test: &str) -> Result<Option<Self>> {
        static PLACE: OnceLock<Result<Option<Place>, String>> = OnceLock::new();
        let place = PLACE.get_or_init(|| Place::find().map_err(|error| format!("{error:#}")));
        match place {
            Ok(Some(place)) => Ok(Some(Self {
                url: place.url(),
                prefix: format!("test-{:016x}", random()),
            })),
            Ok(None) => {
                skipped(test);
                Ok(None)
            }
            Err(reason) => Err(anyhow!("{reason}")),
        }
    }

    /// The broker, with user, password and virtual host.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the names of this test's queues begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// Where the tests of this process are. It is never dropped: guards clean up after the process.
enum Place {
    Named {
        url: String,
        _clean_up: Option<Guard>,
    },
    Started(Broker),
}

impl Place {
    fn find() -> Result<Option<Self>> {
        if let Ok(url) = env::var(URL) {
            return Ok(Some(own_host(&url).unwrap_or(Self::Named {
                url,
                _clean_up: None,
            })));
        }
        match Programs::find() {
            Some(programs) => Broker::with(programs).map(Self::Started).map(Some),
            None => Ok(None),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Named { url, .. } => url.clone(),
            Self::Started(broker) => broker.url(),
        }
    }
}

/// The same broker with a virtual host of our own, if it is one that we may control.
fn own_host(url: &str) -> Option<Place> {
    let (user, here) = parts(url)?;
    // The broker that is controlled may be another one of this machine.
    let port = here.rsplit_once(':').map_or("5672", |(_, port)| port);
    let port = if port.parse::<u16>().is_ok() {
        port
    } else {
        "5672"
    };
    let listens = control(&["status"])?.contains(&format!("port: {port}, protocol: amqp,"));
    if !listens {
        return None;
    }
    let host = format!("openassay-test-{:016x}", random());
    control(&["add_vhost", &host])?;
    let clean_up = Guard::new(r#"rabbitmqctl --quiet delete_vhost "$1""#, [&host]).ok()?;
    control(&["set_permissions", "-p", &host, user, ".*", ".*", ".*"])?;
    Some(Place::Named {
        url: format!("{here}/{host}"),
        _clean_up: Some(clean_up),
    })
}

/// The user of a URL, and the URL up to its path; `None` when its broker is on another machine,
/// which `rabbitmqctl` does not control.
fn parts(url: &str) -> Option<(&str, &str)> {
    let start = url.find("://")? + "://".len();
    let length = url[start..].find('/').unwrap_or(url.len() - start);
    let authority = &url[start..start + length];
    let (login, host) = authority.rsplit_once('@').unwrap_or(("guest", authority));
    let user = login.split_once(':').map_or(login, |(user, _)| user);
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let is_here = matches!(name, "localhost" | "127.0.0.1");
    is_here.then_some((user, &url[..start + length]))
}

/// Controls the broker of this machine, if there is one and we may; gives what was printed.
fn control(arguments: &[&str]) -> Option<String> {
    let output = Command::new("rabbitmqctl")
        .arg("--quiet")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_broker_of_this_machine_is_controlled() {
        let here = "amqp://anna:secret@127.0.0.1:5672";
        for path in ["", "/", "/%2f"] {
            assert_eq!(parts(&format!("{here}{path}")), Some(("anna", here)));
        }
        let plain = "amqp://localhost";
        assert_eq!(parts("amqp://localhost/x"), Some(("guest", plain)));
        for elsewhere in [
            "amqp://broker:5672/%2f",
            "amqp://a:b@10.0.0.1/%2f",
            "broker",
        ] {
            assert_eq!(parts(elsewhere), None);
        }
    }
}
