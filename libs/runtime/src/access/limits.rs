//! What one principal may do at a time: requests a second, and requests in flight. The limits of
//! the whole server are elsewhere.

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When it is worth trying again once too many requests are in flight.
const RETRY_IN_FLIGHT: Duration = Duration::from_secs(1);

/// Longest time between two requests of one principal: with the largest burst, the limiter still
/// counts its nanoseconds.
const LONGEST_PERIOD: Duration = Duration::from_secs(1000);

/// The limits of one principal, as they are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    /// 0: none.
    pub(super) requests_per_s: f64,
    pub(super) burst: u32,
    /// 0: none.
    pub(super) max_in_flight: u32,
}

/// More than a principal may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    /// Too many requests a second; there is room again after this time.
    Rate(Duration),
    /// Too many at a time: this many.
    InFlight(u32, Duration),
}

impl Exceeded {
    /// In one word.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Rate(_) => "rate",
            Self::InFlight(..) => "in_flight",
        }
    }
}

/// A place among the requests of a principal, until it is dropped.
pub(super) type Place = Option<OwnedSemaphorePermit>;

/// What a principal has used up.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    rate: Option<DefaultDirectRateLimiter>,
    places: Option<Arc<Semaphore>>,
}

impl Meter {
    pub(super) fn new(limits: Limits) -> Self {
        let period = (limits.requests_per_s > 0.0).then(|| {
            let period = Duration::try_from_secs_f64(1.0 / limits.requests_per_s);
            period.map_or(LONGEST_PERIOD, |period| period.min(LONGEST_PERIOD))
        });
        let quota = period.and_then(Quota::with_period);
        let burst = NonZeroU32::new(limits.burst).unwrap_or(NonZeroU32::MIN);
        let places = (limits.max_in_flight > 0)
            .then(|| Arc::new(Semaphore::new(limits.max_in_flight as usize)));
        Self {
            limits,
            rate: quota.map(|quota| RateLimiter::direct(quota.allow_burst(burst))),
            places,
        }
    }

    /// The limits that it holds.
    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// Room for one more request.
    pub(super) fn enter(&self) -> Result<Place, Exceeded> {
        let place = match &self.places {
            None => None,
            Some(places) => {
                let place = Arc::clone(places).try_acquire_owned();
                let full = |_| Exceeded::InFlight(self.limits.max_in_flight, RETRY_IN_FLIGHT);
                Some(place.map_err(full)?)
            }
        };
        // Asked last: a request without a place uses nothing up.
        if let Some(rate) = &self.rate {
            rate.check()
                .map_err(|not| Exceeded::Rate(not.wait_time_from(DefaultClock::default().now())))?;
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Limits = Limits {
        requests_per_s: 0.0,
        burst: 1,
        max_in_flight: 0,
    };

    #[test]
    fn without_limits_everything_has_room() {
        let meter = Meter::new(NONE);
        let places: Vec<_> = (0..1000).map(|_| meter.enter().unwrap()).collect();
        assert!(places.iter().all(Option::is_none));
    }

    #[test]
    fn after_a_burst_the_rate_holds_and_says_when_to_come_back() {
        let meter = Meter::new(Limits {
            // Slow enough that no machine is slower.
            requests_per_s: 0.001,
            burst: 3,
            ..NONE
        });
        for _ in 0..3 {
            meter.enter().unwrap();
        }
        let Err(Exceeded::Rate(wait)) = meter.enter() else {
            panic!("the burst is over");
        };
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1000),
            "{wait:?}"
        );
    }

    #[test]
    fn a_place_is_free_again_when_its_request_has_ended() {
        let meter = Meter::new(Limits {
            max_in_flight: 2,
            ..NONE
        });
        let first = meter.enter().unwrap();
        let _second = meter.enter().unwrap();
        let full = Exceeded::InFlight(2, RETRY_IN_FLIGHT);
        assert_eq!(meter.enter().unwrap_err(), full);
        drop(first);
        meter.enter().unwrap();
    }

    #[test]
    fn the_largest_and_the_smallest_rate_are_possible() {
        for requests_per_s in [1e6, 0.001, 1e-300, f64::MIN_POSITIVE] {
            let meter = Meter::new(Limits {
                requests_per_s,
                burst: super::super::config::MOST,
                ..NONE
            });
            meter.enter().unwrap();
        }
    }
}
