//! Where the broker is and how long to wait for it.

use assay_core::Secret;
use lapin::uri::AMQPUri;
use std::{path::PathBuf, time::Duration};

/// Queue names have 255 bytes; the lane and what makes a dead-letter queue follow the prefix.
const LONGEST_PREFIX: usize = 64;
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How a queue of hints finds its broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmqpOptions {
    /// The broker, with user, password and virtual host: `amqp://user:password@host:5672/vhost`,
    /// or `amqps://…` with TLS. Without a path the virtual host is `/`, which is `%2f` in a path.
    pub url: Secret,
    /// File with certificates (PEM) that vouch for a broker with TLS, beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// What the names of all queues begin with: those who share a prefix share their work.
    pub prefix: String,
    /// Longest wait for a connection.
    pub connect_within: Duration,
    /// Longest wait for the broker's word that it has a hint.
    pub confirm_within: Duration,
    /// After this time without a word each side asks whether the other is there, and gives the
    /// connection up when no answer comes within the same time.
    pub heartbeat: Duration,
}

impl Default for AmqpOptions {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            ca_file: None,
            prefix: "openassay".to_owned(),
            connect_within: Duration::from_secs(10),
            confirm_within: Duration::from_secs(10),
            heartbeat: Duration::from_secs(10),
        }
    }
}

impl AmqpOptions {
    /// The usual options for a broker.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            ..Self::default()
        }
    }

    /// Everything that is wrong, one sentence each, beginning with the name of the field. The URL
    /// itself is in none of them.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Err(fault) = uri(&self.url) {
            faults.push(format!("url: {fault}"));
        }
        faults.extend(self.prefix_fault());
        let seconds = Duration::from_secs(1);
        for (field, value, least) in [
            ("connect_within", self.connect_within, Duration::ZERO),
            ("confirm_within", self.confirm_within, Duration::ZERO),
            ("heartbeat", self.heartbeat, seconds),
        ] {
            if value.is_zero() || value < least || value > LONGEST_WAIT {
                let least = if least.is_zero() { "more than 0" } else { "1" };
                faults.push(format!(
                    "{field}: is {} s; allowed: {least} to {} s",
                    value.as_secs_f64(),
                    LONGEST_WAIT.as_secs()
                ));
            }
        }
        faults
    }

    fn prefix_fault(&self) -> Option<String> {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
        let fits = (1..=LONGEST_PREFIX).contains(&self.prefix.len());
        // The broker keeps names that begin so for itself.
        if fits && self.prefix.chars().all(known) && !self.prefix.starts_with("amq.") {
            return None;
        }
        Some(format!(
            "prefix: is {:?}; allowed: 1 to {LONGEST_PREFIX} letters, digits and -_.:/, not \
             beginning with amq.",
            self.prefix.chars().take(80).collect::<String>()
        ))
    }

    /// What the URL says, with the heartbeat.
    pub(crate) fn uri(&self) -> Result<AMQPUri, String> {
        let mut uri = uri(&self.url)?;
        let heartbeat_s = u16::try_from(self.heartbeat.as_secs()).unwrap_or(u16::MAX);
        uri.query.heartbeat.get_or_insert(heartbeat_s);
        Ok(uri)
    }
}

/// What a URL says, or what is wrong with it, without a word of it: it holds a password.
fn uri(url: &Secret) -> Result<AMQPUri, String> {
    const SHAPE: &str = "write amqp://user:password@host:5672/vhost, or amqps:// for TLS";
    let text = url.reveal();
    if text.is_empty() {
        return Err(format!("is empty; {SHAPE}"));
    }
    // The parser's own words quote the text.
    let mut uri: AMQPUri = text
        .parse()
        .map_err(|_| format!("is no URL of an AMQP broker; {SHAPE}"))?;
    if uri.vhost.is_empty() {
        return Err(
            "names the virtual host \"\" with the slash at its end; leave the slash out, or write \
             %2f after it, for the virtual host /"
                .to_owned(),
        );
    }
    // The parser takes the address in brackets for no host at all, and then the host for localhost.
    if let Some(address) = bracketed(text) {
        uri.authority.host = address.to_owned();
    }
    Ok(uri)
}

/// The IPv6 address in a URL.
fn bracketed(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let (address, _) = host.strip_prefix('[')?.split_once(']')?;
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> AmqpOptions {
        AmqpOptions::new(Secret::new(url))
    }

    #[test]
    fn a_url_names_host_port_and_virtual_host() {
        for (url, host, port, vhost) in [
            ("amqp://broker", "broker", 5672, "/"),
            ("amqp://a:b@broker:1234/%2f", "broker", 1234, "/"),
            ("amqps://a:b%40c@broker/lab", "broker", 5671, "lab"),
            ("amqp://a:b@[::1]:1234/lab", "::1", 1234, "lab"),
            ("amqp://127.0.0.1/lab", "127.0.0.1", 5672, "lab"),
        ] {
            let options = at(url);
            assert_eq!(options.faults(), Vec::<String>::new(), "{url}");
            let uri = options.uri().unwrap();
            let found = (uri.authority.host.as_str(), uri.authority.port);
            assert_eq!((found, uri.vhost.as_str()), ((host, port), vhost));
            assert_eq!(uri.query.heartbeat, Some(10));
        }
        let own = at("amqp://broker/lab?heartbeat=3").uri().unwrap();
        assert_eq!(own.query.heartbeat, Some(3));
    }

    #[test]
    fn faults_never_show_the_url() {
        for url in [
            "",
            "hidden",
            "http://hidden:hidden@broker/",
            "amqp://hidden:hidden@broker/",
            "amqp://hidden:hidden@broker:port/x",
            "amqp://hidden:hid%ffden@broker/x",
            "amqp://hidden:hidden@broker/x?heartbeat=hidden",
        ] {
            let options = at(url);
            let faults = options.faults();
            assert_eq!(faults.len(), 1, "{url}: {faults:?}");
            assert!(faults[0].starts_with("url: "), "{faults:?}");
            assert!(!faults[0].contains("hid"), "{faults:?}");
            assert!(!format!("{options:?}").contains("hidden:"), "{options:?}");
        }
    }

    #[test]
    fn prefixes_and_times_have_their_limits() {
        let good = at("amqp://broker");
        for prefix in ["", "amq.openassay", "a b", "ä", &"x".repeat(65)] {
            let prefix = prefix.to_owned();
            let faults = AmqpOptions {
                prefix,
                ..good.clone()
            }
            .faults();
            assert!(faults.len() == 1 && faults[0].starts_with("prefix: "));
        }
        let faults = AmqpOptions {
            connect_within: Duration::ZERO,
            confirm_within: Duration::from_secs(601),
            heartbeat: Duration::from_millis(999),
            ..good
        }
        .faults();
        let fields: Vec<_> = faults.iter().filter_map(|f| f.split(':').next()).collect();
        assert_eq!(fields, ["connect_within", "confirm_within", "heartbeat"]);
    }
}
