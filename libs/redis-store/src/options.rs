//! What a configuration says of a Redis: where it is, under which names, for how long it is waited.

use crate::address::Address;
use assay_core::Secret;
use std::{path::PathBuf, time::Duration};

/// Longest prefix of keys, in characters.
const PREFIX_CHARS: usize = 64;

/// A job store on Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// `redis://[[user]:password@]host[:port][/database]`, `rediss://…` for TLS, or
    /// `unix:///socket[?db=…&user=…&pass=…]`.
    pub url: Secret,
    /// File with the certificates (PEM) that vouch for a server with TLS; those of the system
    /// when not set.
    pub ca_file: Option<PathBuf>,
    /// How the names of all keys begin. Stores with different prefixes never meet.
    pub prefix: String,
    /// Time limit of one operation, reconnecting included.
    pub timeout: Duration,
    /// After this time a watcher looks again, even when nothing told of news: so much a lost
    /// message delays it at most.
    pub poll: Duration,
    /// Work with a server that may lose what it acknowledged.
    pub allow_volatile: bool,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            ca_file: None,
            prefix: "openassay".to_owned(),
            timeout: Duration::from_secs(5),
            poll: Duration::from_secs(5),
            allow_volatile: false,
        }
    }
}

impl RedisOptions {
    /// Everything that is wrong, one sentence each, beginning with the name of the field.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut found = place(&self.url, self.ca_file.as_ref(), &self.prefix);
        found.extend(duration("timeout", self.timeout, 10, 60_000));
        found.extend(duration("poll", self.poll, 10, 600_000));
        found
    }
}

/// A feature cache on Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisCacheOptions {
    /// As in [`RedisOptions::url`].
    pub url: Secret,
    /// As in [`RedisOptions::ca_file`].
    pub ca_file: Option<PathBuf>,
    /// How the names of all keys begin.
    pub prefix: String,
    /// How long one answer is waited for, before the caller computes.
    pub timeout: Duration,
    /// How long a cache that failed is not asked again.
    pub rest: Duration,
    /// How long a value is kept; for as long as the server likes when not set.
    pub expiry: Option<Duration>,
    /// Largest value that is kept, in bytes.
    pub max_value_bytes: usize,
}

impl Default for RedisCacheOptions {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            ca_file: None,
            prefix: "openassay".to_owned(),
            timeout: Duration::from_millis(200),
            rest: Duration::from_secs(1),
            expiry: None,
            max_value_bytes: 1 << 20,
        }
    }
}

impl RedisCacheOptions {
    /// Everything that is wrong, one sentence each, beginning with the name of the field.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut found = place(&self.url, self.ca_file.as_ref(), &self.prefix);
        found.extend(duration("timeout", self.timeout, 1, 60_000));
        found.extend(duration("rest", self.rest, 1, 600_000));
        if let Some(expiry) = self.expiry {
            // A year in milliseconds.
            found.extend(duration("expiry", expiry, 1_000, 366 * 24 * 3_600_000));
        }
        if self.max_value_bytes == 0 {
            found.push("max_value_bytes: is 0; allowed: 1 or more".to_owned());
        }
        found
    }
}

fn place(url: &Secret, ca_file: Option<&PathBuf>, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Err(fault) = Address::parse(url, ca_file.map(PathBuf::as_path)) {
        found.push(fault);
    }
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    if prefix.is_empty() || prefix.len() > PREFIX_CHARS || !prefix.chars().all(good) {
        let shown: String = prefix.chars().take(80).collect();
        found.push(format!(
            "prefix: is {shown:?}; allowed: 1 to {PREFIX_CHARS} letters, digits and -_.:/"
        ));
    }
    found
}

fn duration(field: &str, value: Duration, least_ms: u64, most_ms: u64) -> Option<String> {
    let allowed = Duration::from_millis(least_ms)..=Duration::from_millis(most_ms);
    (!allowed.contains(&value)).then(|| {
        let ms = value.as_millis();
        format!("{field}: is {ms} ms; allowed: {least_ms} to {most_ms} ms")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> RedisOptions {
        RedisOptions {
            url: Secret::new(url),
            ..RedisOptions::default()
        }
    }

    #[test]
    fn usual_addresses_are_taken() {
        for url in [
            "redis://127.0.0.1:6379",
            "redis://:word@host/3",
            "redis://anna:word@[::1]:6380",
            "rediss://host:6379",
            "unix:///run/redis.sock?db=1&pass=word",
        ] {
            assert_eq!(at(url).faults(), Vec::<String>::new(), "{url}");
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once_and_no_word_of_the_address() {
        for url in [
            "",
            "hunter2",
            "http://hunter2@host",
            "redis://:hunter2@",
            "redis://:hunter2@host/hunter2",
            "rediss://:hunter2@host/#insecure",
            "redis://:hunter2@host:99999",
        ] {
            let options = RedisOptions {
                prefix: "a{b}".to_owned(),
                timeout: Duration::ZERO,
                poll: Duration::from_secs(601),
                ..at(url)
            };
            let faults = options.faults();
            assert_eq!(faults.len(), 4, "{url}: {faults:?}");
            for (fault, field) in faults
                .iter()
                .zip(["url: ", "prefix: ", "timeout: ", "poll: "])
            {
                assert!(fault.starts_with(field), "{url}: {fault}");
                assert!(!fault.contains("hunter2"), "{url}: {fault}");
            }
            assert!(!format!("{options:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_file_of_certificates_is_looked_at() {
        let options = RedisOptions {
            ca_file: Some(PathBuf::from("no such file.pem")),
            ..at("rediss://host")
        };
        let faults = options.faults();
        assert!(faults[0].contains("no such file.pem"), "{faults:?}");
    }

    #[test]
    fn the_cache_has_ranges_too() {
        let options = RedisCacheOptions {
            url: Secret::new("redis://host"),
            ..RedisCacheOptions::default()
        };
        assert_eq!(options.faults(), Vec::<String>::new());
        let wrong = RedisCacheOptions {
            prefix: String::new(),
            timeout: Duration::ZERO,
            rest: Duration::ZERO,
            expiry: Some(Duration::ZERO),
            max_value_bytes: 0,
            ..options
        };
        assert_eq!(wrong.faults().len(), 5);
    }
}
