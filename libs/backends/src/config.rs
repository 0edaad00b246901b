//! Where everything is kept.

use assay_amqp::AmqpOptions;
use assay_core::Secret;
use assay_redis_store::{RedisCacheOptions, RedisOptions};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};

/// Longest name that stands before everything this installation keeps on shared servers.
const LONGEST_PREFIX: usize = 64;

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// Folder of blobs, models and, unless `jobs_url` is set, jobs; made if it is not there.
    /// Several processes may share it; one of them holds the jobs in it.
    pub data_dir: PathBuf,
    /// Memory for features that were computed before, in bytes; 0 keeps none. Not used when
    /// `cache_url` is set.
    pub feature_cache_bytes: usize,
    /// The Redis that keeps the records of jobs, such as `redis://user:word@host:6379/0`; empty:
    /// a file in `data_dir`.
    pub jobs_url: Secret,
    /// The RabbitMQ that wakes workers, such as `amqp://user:word@host:5672/vhost`; empty: a queue
    /// in the process.
    pub queue_url: Secret,
    /// The Redis that keeps features that were computed before; empty: memory of the process.
    pub cache_url: Secret,
    /// What the names of keys and queues begin with, so that several installations can share
    /// servers.
    pub prefix: String,
    /// File with certificates (PEM) that vouch for those servers where they have TLS; those of the
    /// system when not set.
    pub ca_file: Option<PathBuf>,
    /// Keep jobs in a Redis that may lose them when it ends.
    pub allow_volatile_jobs: bool,
    /// Time after which a worker that says nothing has lost its job, in seconds.
    pub lease_s: u64,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("openassay-data"),
            feature_cache_bytes: 256 << 20,
            jobs_url: Secret::default(),
            queue_url: Secret::default(),
            cache_url: Secret::default(),
            prefix: "openassay".to_owned(),
            ca_file: None,
            allow_volatile_jobs: false,
            lease_s: 30,
        }
    }
}

impl StorageConfig {
    /// Everything that is wrong, one sentence each, beginning with the name of the field.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.data_dir.as_os_str().is_empty() {
            faults.push("data_dir: is empty; name a folder".to_owned());
        }
        faults.extend(self.server_faults());
        let named = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if self.prefix.is_empty()
            || self.prefix.len() > LONGEST_PREFIX
            || !self.prefix.chars().all(named)
        {
            faults.push(format!(
                "prefix: `{}` is not 1 to {LONGEST_PREFIX} letters, digits, dots, dashes and \
                 underscores",
                self.prefix
            ));
        }
        if !(1..=3600).contains(&self.lease_s) {
            faults.push(format!("lease_s: {} is outside 1 to 3600", self.lease_s));
        }
        faults
    }

    /// What is wrong with the addresses; none of the words in them is told.
    fn server_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut of = |field: &str, url: &Secret, found: Vec<String>| {
            // The prefix is looked at once, above.
            let about_url = |fault: &String| fault.strip_prefix("url: ").map(str::to_owned);
            let told = found.iter().filter_map(about_url);
            if !url.is_empty() {
                faults.extend(told.map(|fault| format!("{field}: {fault}")));
            }
        };
        of("jobs_url", &self.jobs_url, self.job_store().faults());
        of("queue_url", &self.queue_url, self.queue().faults());
        of("cache_url", &self.cache_url, self.cache().faults());
        faults
    }

    pub(crate) fn job_store(&self) -> RedisOptions {
        RedisOptions {
            url: self.jobs_url.clone(),
            ca_file: self.ca_file.clone(),
            prefix: self.prefix.clone(),
            allow_volatile: self.allow_volatile_jobs,
            ..RedisOptions::default()
        }
    }

    pub(crate) fn queue(&self) -> AmqpOptions {
        AmqpOptions {
            url: self.queue_url.clone(),
            ca_file: self.ca_file.clone(),
            prefix: self.prefix.clone(),
            ..AmqpOptions::default()
        }
    }

    pub(crate) fn cache(&self) -> RedisCacheOptions {
        RedisCacheOptions {
            url: self.cache_url.clone(),
            ca_file: self.ca_file.clone(),
            prefix: self.prefix.clone(),
            ..RedisCacheOptions::default()
        }
    }

    /// Time after which a worker that says nothing has lost its job.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed_and_every_fault_is_named() {
        assert_eq!(StorageConfig::default().faults(), Vec::<String>::new());
        let wrong = StorageConfig {
            data_dir: PathBuf::new(),
            jobs_url: Secret::new("http://:hunter2@redis"),
            queue_url: Secret::new("redis://rabbit"),
            cache_url: Secret::new("redis"),
            prefix: "a b".to_owned(),
            lease_s: 0,
            ..StorageConfig::default()
        };
        let faults = wrong.faults();
        let fields: Vec<_> = faults.iter().map(|f| f.split(':').next()).collect();
        let all = [
            "data_dir",
            "jobs_url",
            "queue_url",
            "cache_url",
            "prefix",
            "lease_s",
        ];
        assert_eq!(fields, all.map(Some));
        assert!(!faults.concat().contains("hunter2"), "{faults:?}");
    }

    #[test]
    fn plain_and_encrypted_servers_are_allowed() {
        for (jobs, queue) in [("redis://r", "amqp://q"), ("rediss://r", "amqps://q")] {
            let config = StorageConfig {
                jobs_url: Secret::new(jobs),
                queue_url: Secret::new(queue),
                cache_url: Secret::new(jobs),
                ..StorageConfig::default()
            };
            assert_eq!(config.faults(), Vec::<String>::new());
        }
    }
}
