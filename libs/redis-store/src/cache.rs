//! The feature cache on Redis. It may be slow, full, emptied or away: each call then fails within
//! a short time, and none is made for a while.

use crate::{
    RedisCacheOptions,
    address::Address,
    breaker::Breaker,
    link::{Fault, Link, Nothing},
};
use assay_core::Digest;
use assay_store::{FeatureCache, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use redis::{FromRedisValue, Pipeline};
use std::time::{Duration, Instant};

/// Keys of one call at most, so that a long request does not exceed its time or keep the server
/// from others.
const KEYS_AT_ONCE: usize = 128;

/// Bytes of values that are sent at once; one value goes all the same.
const BYTES_AT_ONCE: usize = 1 << 20;

/// A cache that several processes may share.
pub struct RedisFeatureCache {
    /// The reason when the address cannot be used.
    link: Result<Link, String>,
    breaker: Breaker,
    /// How all keys begin.
    start: String,
    timeout: Duration,
    expiry_ms: Option<u64>,
    max_value_bytes: usize,
}

impl RedisFeatureCache {
    /// A cache on a server, which is asked at the first use. Options with faults give a cache
    /// that always fails.
    #[must_use]
    pub fn new(options: &RedisCacheOptions) -> Self {
        let address = Address::parse(&options.url, options.ca_file.as_deref());
        let expiry = options.expiry.map(|expiry| expiry.as_millis());
        Self {
            link: address.map(|address| Link::new("feature cache", address, Nothing)),
            breaker: Breaker::new(options.rest),
            start: format!("{}:features:", options.prefix),
            timeout: options.timeout,
            expiry_ms: expiry.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
            max_value_bytes: options.max_value_bytes,
        }
    }

    fn key(&self, digest: &Digest) -> String {
        format!("{}{digest}", self.start)
    }

    /// One call, unless the cache failed lately.
    async fn ask<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T, StoreError> {
        let link = self
            .link
            .as_ref()
            .map_err(|reason| unavailable(reason.clone()))?;
        let Some(pass) = self.breaker.pass(Instant::now()) else {
            let reason = "it failed a moment ago and is not asked yet";
            return Err(unavailable(link.address().says(reason)));
        };
        let deadline = tokio::time::Instant::now() + self.timeout;
        match link.ask_again(deadline, pipe).await {
            Ok(answer) => {
                pass.works();
                Ok(answer)
            }
            Err(fault) => {
                match fault {
                    // It is there and answers quickly; the next question may please it better.
                    Fault::Refused(_) => pass.works(),
                    _ => pass.fails(Instant::now()),
                }
                Err(unavailable(fault.to_string()))
            }
        }
    }
}

#[async_trait]
impl FeatureCache for RedisFeatureCache {
    async fn get(&self, keys: &[Digest]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for part in keys.chunks(KEYS_AT_ONCE) {
            let mut pipe = redis::pipe();
            let names: Vec<String> = part.iter().map(|key| self.key(key)).collect();
            pipe.cmd("MGET").arg(names);
            let (values,): (Vec<Option<Bytes>>,) = self.ask(&pipe).await?;
            if values.len() != part.len() {
                return Err(unavailable(
                    "it answered another number of values".to_owned(),
                ));
            }
            found.extend(values);
        }
        // Nothing of that size was put here.
        let too_long = |value: &Bytes| value.len() > self.max_value_bytes;
        Ok(found
            .into_iter()
            .map(|value| value.filter(|value| !too_long(value)))
            .collect())
    }

    async fn put(&self, entries: Vec<(Digest, Bytes)>) -> Result<(), StoreError> {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let (mut pipe, mut sent, mut bytes) = (redis::pipe(), 0, 0);
            while sent < KEYS_AT_ONCE
                && let Some((key, value)) =
                    entries.next_if(|(_, value)| sent == 0 || bytes + value.len() <= BYTES_AT_ONCE)
            {
                sent += 1;
                bytes += value.len();
                let name = self.key(&key);
                if value.len() > self.max_value_bytes {
                    // What stood there is not the value of this key any more.
                    pipe.cmd("DEL").arg(name).ignore();
                    continue;
                }
                pipe.cmd("SET").arg(name).arg(value.as_ref());
                if let Some(ms) = self.expiry_ms {
                    pipe.arg("PX").arg(ms);
                }
                pipe.ignore();
            }
            let () = self.ask(&pipe).await?;
        }
        Ok(())
    }
}

const fn unavailable(reason: String) -> StoreError {
    StoreError::Unavailable { reason }
}

impl std::fmt::Debug for RedisFeatureCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisFeatureCache")
            .field("start", &self.start)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
