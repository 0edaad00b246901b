//! Opens the stores and queues that a configuration names, and removes what nobody needs from
//! them. The only place that knows every adapter.

mod collect;
mod config;
mod error;
mod jobs;
mod stores;
mod traced;

pub use collect::{Collected, DATASET_START, Places, collect_garbage};
pub use config::StorageConfig;
pub use error::BackendError;
pub use jobs::Jobs;
pub use stores::Stores;
