//! How long each stage took, by the caller's clock.

use super::StageTiming;
use crate::observer::Stage;
use std::time::Duration;

/// Time per stage.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Option<fn() -> Duration>,
    last: Duration,
    laps: Vec<StageTiming>,
}

impl Timer {
    pub(crate) fn start(clock: Option<fn() -> Duration>) -> Self {
        Self {
            clock,
            last: clock.map_or(Duration::ZERO, |clock| clock()),
            laps: Vec::new(),
        }
    }

    /// Ends a stage.
    pub(crate) fn lap(&mut self, stage: Stage) {
        let now = self.clock.map_or(Duration::ZERO, |clock| clock());
        self.laps.push(StageTiming {
            stage,
            seconds: now.saturating_sub(self.last).as_secs_f64(),
        });
        self.last = now;
    }

    pub(crate) fn into_laps(self) -> Vec<StageTiming> {
        self.laps
    }
}
