//! Concurrent requests for the same features compute them once: the first who asks for a key
//! leads, the others wait for what it finds. A leader that fails or leaves makes room for the
//! next one.

use assay_core::Digest;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

type Row = Arc<[f32]>;
type Table = HashMap<Digest, watch::Receiver<Option<Row>>>;

/// The keys that somebody is looking up or computing.
#[derive(Default)]
pub(crate) struct Flights(Mutex<Table>);

/// The part of a caller in finding the features of one key.
pub(crate) enum Part {
    /// It has to find them.
    Lead(Lead),
    /// It waits for who does.
    Wait(Wait),
}

/// The duty to find the features of a key; ends when it is dropped.
pub(crate) struct Lead {
    flights: Arc<Flights>,
    key: Digest,
    found: watch::Sender<Option<Row>>,
}

/// Waits for a leader.
pub(crate) struct Wait(watch::Receiver<Option<Row>>);

impl Flights {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes part in finding the features of a key.
    pub(crate) fn join(self: &Arc<Self>, key: Digest) -> Part {
        match self.table().entry(key) {
            Entry::Occupied(entry) => Part::Wait(Wait(entry.get().clone())),
            Entry::Vacant(entry) => {
                let (found, waiting) = watch::channel(None);
                entry.insert(waiting);
                Part::Lead(Lead {
                    flights: Arc::clone(self),
                    key,
                    found,
                })
            }
        }
    }
}

impl Lead {
    pub(crate) const fn key(&self) -> Digest {
        self.key
    }

    /// Gives the features to all who wait, and to those who come while this lead is kept.
    pub(crate) fn found(&self, row: Row) {
        self.found.send_replace(Some(row));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.table().remove(&self.key);
    }
}

impl Wait {
    /// What the leader found; `None` when it found nothing.
    pub(crate) async fn result(mut self) -> Option<Row> {
        let found = self.0.wait_for(Option::is_some).await.ok()?;
        found.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(flights: &Arc<Flights>, key: Digest) -> Lead {
        match flights.join(key) {
            Part::Lead(lead) => lead,
            Part::Wait(_) => panic!("somebody leads already"),
        }
    }

    fn wait(flights: &Arc<Flights>, key: Digest) -> Wait {
        match flights.join(key) {
            Part::Lead(_) => panic!("nobody leads"),
            Part::Wait(wait) => wait,
        }
    }

    #[tokio::test]
    async fn those_who_wait_get_what_the_leader_found() {
        let (flights, key) = (Arc::new(Flights::default()), Digest::of(b"a"));
        let leader = lead(&flights, key);
        let early = wait(&flights, key);
        let other = lead(&flights, Digest::of(b"b"));
        let row: Row = Arc::from([1.0, 2.0]);
        leader.found(Arc::clone(&row));
        let late = wait(&flights, key);
        drop(leader);
        assert_eq!(early.result().await, Some(Arc::clone(&row)));
        assert_eq!(late.result().await, Some(row));
        drop(lead(&flights, key));
        drop(other);
        assert!(flights.table().is_empty());
    }

    #[tokio::test]
    async fn a_leader_that_leaves_lets_the_next_one_lead() {
        let (flights, key) = (Arc::new(Flights::default()), Digest::of(b"a"));
        let leader = lead(&flights, key);
        let waiting = wait(&flights, key);
        drop(leader);
        assert_eq!(waiting.result().await, None);
        drop(lead(&flights, key));
    }
}
