//! From values to places, and the values worth a tick.

/// A straight axis between two places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) from_px: f32,
    pub(crate) to_px: f32,
}

impl Axis {
    pub(crate) fn px(&self, value: f64) -> f32 {
        let share = (value - self.low) / (self.high - self.low);
        self.from_px + (self.to_px - self.from_px) * share as f32
    }
}

/// Multiples of 1, 2 or 5 times a power of ten inside a range, about `count` of them.
pub(crate) fn nice_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let raw = (high - low) / count.max(1) as f64;
    if raw <= 0.0 || !raw.is_finite() {
        return Vec::new();
    }
    let decade = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * decade)
        .into_iter()
        .find(|&step| step >= raw * 0.999)
        .unwrap_or(10.0 * decade);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(
            nice_ticks(-3.6, 11_730.0, 6),
            [0.0, 2000.0, 4000.0, 6000.0, 8000.0, 10_000.0]
        );
        assert_eq!(nice_ticks(0.9, 2.1, 3), [1.0, 1.5, 2.0]);
        assert!(nice_ticks(1.0, 1.0, 4).is_empty());
    }
}
