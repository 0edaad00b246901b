//! Ports with a span around each call, for traces. Calls that wait for something to happen have
//! none: they are as long as nothing happens.

mod blobs;
mod cache;
mod queue;
mod registry;
mod store;

pub(crate) use blobs::TracedBlobs;
pub(crate) use cache::TracedCache;
pub(crate) use queue::TracedQueue;
pub(crate) use registry::TracedRegistry;
pub(crate) use store::TracedStore;

#[cfg(test)]
mod tests;
