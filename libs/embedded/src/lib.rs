//! Adapters that need nothing else: the job store on a redb file, the queue and the feature
//! cache in the process.

mod cache;
mod jobs;
mod queue;

pub use cache::MemoryFeatureCache;
pub use jobs::RedbJobStore;
pub use queue::LocalQueue;
