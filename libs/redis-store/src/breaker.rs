//! A fuse before something that may be away: after a failure nobody asks for a while, then one
//! asks and the others go on without, until it is known to work again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

pub(crate) struct Breaker {
    /// How long nobody asks after a failure.
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everybody may ask.
    Works,
    /// Nobody asks before that moment.
    Rests(Instant),
    /// One asks whether it works again.
    Tried,
}

/// The right to ask once. Whoever tries and gives up without an answer has failed.
pub(crate) struct Pass<'b> {
    breaker: &'b Breaker,
    trial: bool,
    told: bool,
}

impl Breaker {
    pub(crate) const fn new(rest: Duration) -> Self {
        Self {
            rest,
            state: Mutex::new(State::Works),
        }
    }

    /// The right to ask, unless it is better not to.
    pub(crate) fn pass(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.lock();
        let trial = match *state {
            State::Works => false,
            State::Rests(until) if now >= until => {
                *state = State::Tried;
                true
            }
            State::Rests(_) | State::Tried => return None,
        };
        Some(Pass {
            breaker: self,
            trial,
            told: false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete in itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// It answered.
    pub(crate) fn works(mut self) {
        self.told = true;
        if self.trial {
            *self.breaker.lock() = State::Works;
        }
    }

    /// It did not answer.
    pub(crate) fn fails(mut self, now: Instant) {
        self.told = true;
        self.rest(now);
    }

    fn rest(&self, now: Instant) {
        *self.breaker.lock() = State::Rests(now + self.breaker.rest);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.trial && !self.told {
            self.rest(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(1);

    #[test]
    fn after_a_failure_nobody_asks_and_then_one() {
        let breaker = Breaker::new(REST);
        let now = Instant::now();
        breaker.pass(now).unwrap().fails(now);
        assert!(breaker.pass(now).is_none());
        assert!(breaker.pass(now + REST / 2).is_none());
        let trial = breaker.pass(now + REST).unwrap();
        assert!(breaker.pass(now + REST).is_none(), "one tries for all");
        trial.fails(now + REST);
        assert!(breaker.pass(now + REST).is_none());
        breaker.pass(now + 2 * REST).unwrap().works();
        let (one, other) = (breaker.pass(now), breaker.pass(now));
        assert!(one.is_some() && other.is_some());
    }

    #[test]
    fn a_trial_that_is_given_up_has_failed_and_another_call_has_not() {
        let breaker = Breaker::new(REST);
        let now = Instant::now();
        drop(breaker.pass(now).unwrap());
        breaker.pass(now).unwrap().fails(now);
        drop(breaker.pass(now + REST).unwrap());
        assert!(breaker.pass(now + REST / 2).is_none());
    }

    #[test]
    fn a_success_that_comes_late_does_not_end_the_rest() {
        let breaker = Breaker::new(REST);
        let now = Instant::now();
        let (slow, quick) = (breaker.pass(now).unwrap(), breaker.pass(now).unwrap());
        quick.fails(now);
        slow.works();
        assert!(breaker.pass(now).is_none());
    }
}
