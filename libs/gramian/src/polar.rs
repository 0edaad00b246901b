//! Cosine and sine of every aggregated bin.

/// A vector whose spread is below this is constant: it is shifted to the lower end of the range
/// instead of being divided by (almost) nothing. Ten times the machine epsilon, as scikit-learn.
pub const CONSTANT_RANGE: f64 = 10.0 * f64::EPSILON;

/// Cosine and sine of every pixel along one side of the image.
#[derive(Debug, Clone, PartialEq)]
pub struct Polar {
    /// Scaled values, `[size]`.
    pub cosine: Vec<f64>,
    /// `sqrt(1 - cosine²)`, `[size]`.
    pub sine: Vec<f64>,
}

impl Polar {
    /// Scaling and sine with the reference's own order of operations. Near a cosine of ±1 its
    /// sine keeps only half the digits, which is what a comparison to 1e-12 has to reproduce.
    pub(crate) fn as_reference(values: &[f64], range: Option<(f64, f64)>) -> Self {
        let cosine = match range {
            None => values.to_vec(),
            Some((low, high)) => {
                let (min, max) = extremes(values);
                let spread = if max - min < CONSTANT_RANGE {
                    1.0
                } else {
                    max - min
                };
                let scale = (high - low) / spread;
                let offset = low - min * scale;
                values.iter().map(|x| x * scale + offset).collect()
            }
        };
        let sine = cosine
            .iter()
            .map(|c: &f64| (1.0 - c * c).clamp(0.0, 1.0).sqrt())
            .collect();
        Self { cosine, sine }
    }

    /// Scaling and sine without cancellation: with `u = (x - min)/r` and `v = (max - x)/r`,
    /// `1 + c = (1 + low) + (high - low)·u` and `1 - c = (1 - high) + (high - low)·v`, so
    /// `s = sqrt((1 - c)(1 + c))` is accurate to the last digits everywhere.
    pub(crate) fn accurate(values: &[f64], range: Option<(f64, f64)>) -> Self {
        let pair = |below: f64, above: f64, cosine: f64| (cosine, (below * above).max(0.0).sqrt());
        let (cosine, sine) = match range {
            None => values.iter().map(|&c| pair(1.0 - c, 1.0 + c, c)).unzip(),
            Some((low, high)) => {
                let (min, max) = extremes(values);
                let constant = max - min < CONSTANT_RANGE;
                let width = high - low;
                values
                    .iter()
                    .map(|&x| {
                        let (u, v) = if constant {
                            (0.0, 1.0)
                        } else {
                            ((x - min) / (max - min), (max - x) / (max - min))
                        };
                        let above = (1.0 + low) + width * u;
                        let below = (1.0 - high) + width * v;
                        // Counted from the nearer end, so that the ends are exact.
                        let cosine = if u < 0.5 {
                            low + width * u
                        } else {
                            high - width * v
                        };
                        pair(below, above, cosine)
                    })
                    .unzip()
            }
        };
        Self { cosine, sine }
    }
}

fn extremes(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), &x| {
            (min.min(x), max.max(x))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_constant_vector_sits_at_the_lower_end() {
        for (range, sine) in [((-1.0, 1.0), 0.0), ((0.0, 1.0), 1.0)] {
            for polar in [Polar::as_reference, Polar::accurate].map(|f| f(&[7.5; 3], Some(range))) {
                assert_eq!(polar.cosine, [range.0; 3]);
                assert_eq!(polar.sine, [sine; 3]);
            }
        }
    }

    proptest! {
        #[test]
        fn both_forms_agree_and_lie_on_the_circle(
            values in proptest::collection::vec(-20.0f64..20.0, 2..60),
            low in -1.0f64..0.9,
            share in 0.01f64..1.0,
        ) {
            let range = Some((low, low + (1.0 - low) * share));
            let (reference, ours) =
                (Polar::as_reference(&values, range), Polar::accurate(&values, range));
            for i in 0..values.len() {
                prop_assert!((reference.cosine[i] - ours.cosine[i]).abs() < 1e-13);
                // The reference loses half its digits where the sine vanishes.
                prop_assert!((reference.sine[i] - ours.sine[i]).abs() < 1e-6);
                prop_assert!((ours.cosine[i].hypot(ours.sine[i]) - 1.0).abs() < 1e-14);
            }
        }
    }
}
