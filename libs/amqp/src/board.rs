//! How things stand with the broker, for all who want to know.

use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// How the queue stands with its broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerState {
    /// The first attempt to reach it has not ended yet.
    Connecting,
    /// Hints go to it and come from it.
    Connected,
    /// It cannot be reached, or refuses. It is tried again and again.
    Lost {
        /// Why, in words for those who run it. They hold no password.
        reason: String,
    },
}

/// The two connections. A broker that is short of memory or disk stops to listen to those that
/// publish: what comes from it and the acknowledgements must not wait for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Publisher,
    Consumer,
}

impl Side {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Consumer => "consumer",
        }
    }
}

/// Where both connections tell how they stand.
pub(crate) struct Board {
    sides: Mutex<[BrokerState; 2]>,
    whole: watch::Sender<BrokerState>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self {
            sides: Mutex::new([const { BrokerState::Connecting }; 2]),
            whole: watch::Sender::new(BrokerState::Connecting),
        }
    }

    pub(crate) fn set(&self, side: Side, state: BrokerState) {
        // Every change under the lock is complete in itself.
        let mut sides = self.sides.lock().unwrap_or_else(PoisonError::into_inner);
        sides[side as usize] = state;
        let whole = whole(&sides);
        self.whole.send_if_modified(|shown| {
            let news = *shown != whole;
            *shown = whole;
            news
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<BrokerState> {
        self.whole.subscribe()
    }
}

/// The worse of the two.
fn whole([one, other]: &[BrokerState; 2]) -> BrokerState {
    match (one, other) {
        (BrokerState::Lost { .. }, _) => one.clone(),
        (BrokerState::Connected, BrokerState::Connected) => BrokerState::Connected,
        (_, BrokerState::Lost { .. }) => other.clone(),
        _ => BrokerState::Connecting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_connections_count_and_the_worse_is_shown() {
        let board = Board::new();
        let seen = board.watch();
        let shown = || seen.borrow().clone();
        let lost = |reason: &str| BrokerState::Lost {
            reason: reason.to_owned(),
        };
        assert_eq!(shown(), BrokerState::Connecting);
        board.set(Side::Consumer, BrokerState::Connected);
        assert_eq!(shown(), BrokerState::Connecting);
        board.set(Side::Publisher, BrokerState::Connected);
        assert_eq!(shown(), BrokerState::Connected);
        board.set(Side::Consumer, lost("a"));
        assert_eq!(shown(), lost("a"));
        board.set(Side::Publisher, lost("b"));
        assert_eq!(shown(), lost("b"));
        board.set(Side::Publisher, BrokerState::Connected);
        assert_eq!(shown(), lost("a"));
    }
}
