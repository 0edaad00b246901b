//! What every adapter of the ports must do: named cases that its tests run against a harness
//! around it. A case panics at the first thing that is wrong. Each case gets a harness of its
//! own with an empty store and an empty queue.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod fixture;
pub mod queue;
pub mod store;
pub mod work;

use crate::{JobQueue, JobStore, Lane, WorkSource};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// An empty store whose clock can be moved.
#[async_trait]
pub trait StoreHarness: Send + Sync {
    /// The store.
    fn store(&self) -> Arc<dyn JobStore>;

    /// Moves the store's clock on, and only this does, or little more than this.
    async fn advance(&self, time: Duration);

    /// Closes the store and opens it again, as after a restart; [`StoreHarness::store`] then gives
    /// the new one.
    async fn reopen(&mut self);
}

/// An empty queue.
#[async_trait]
pub trait QueueHarness: Send + Sync {
    /// The queue.
    fn queue(&self) -> Arc<dyn JobQueue>;

    /// Puts bytes into a lane past the port.
    async fn inject_raw(&self, lane: Lane, bytes: Vec<u8>);

    /// Messages of a lane that could not be decoded; waits until there are so many.
    async fn dead_letters(&self, lane: Lane, expected: usize) -> Vec<Vec<u8>>;
}

/// A source of work over a store and a queue.
pub trait WorkHarness: StoreHarness + QueueHarness {
    /// The source; its leases last for [`LEASE`].
    fn source(&self) -> Arc<dyn WorkSource>;
}

/// Length of the leases in the cases.
pub const LEASE: Duration = Duration::from_secs(30);
