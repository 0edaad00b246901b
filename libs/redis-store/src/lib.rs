//! Adapters on Redis: the job store on a durable one, whose settings are looked at, and the
//! feature cache on any, which may be away at any time.

mod address;
mod breaker;
mod cache;
mod jobs;
mod link;
mod options;
mod own_thread;

pub use cache::RedisFeatureCache;
pub use jobs::RedisJobStore;
pub use options::{RedisCacheOptions, RedisOptions};
