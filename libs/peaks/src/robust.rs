//! Fits that a few wrong points do not move.

/// Residuals beyond this many robust standard deviations count for nothing.
pub(crate) const TUKEY: f64 = 4.685;
/// Fewest points for a bent curve, and for a straight line.
const FOR_BEND: usize = 12;
const FOR_LINE: usize = 5;
/// A residual of this size is never an outlier.
const LEAST_SPREAD: f64 = 0.1;

/// A curve a + b·x + c·x² through points by Tukey's biweight; a line through fewer points, their
/// median through very few, and 0 through none.
///
/// # Source
/// P. J. Huber, Robust Statistics (1981): iteratively reweighted least squares.
pub(crate) fn curve(points: &[(f64, f64)]) -> [f64; 3] {
    let level = median(points.iter().map(|p| p.1).collect()).unwrap_or(0.0);
    if points.len() < FOR_LINE {
        return [level, 0.0, 0.0];
    }
    let terms = if points.len() < FOR_BEND { 2 } else { 3 };
    let mut found = line(points, level);
    for _ in 0..15 {
        match reweighted(points, found, terms) {
            Some(next) => found = next,
            None => break,
        }
    }
    found
}

/// The line with the median of all slopes: H. Theil (1950), P. K. Sen (1968).
fn line(points: &[(f64, f64)], level: f64) -> [f64; 3] {
    // Enough pairs say it; all of many points would be slow.
    let stride = points.len().div_ceil(60);
    let few: Vec<(f64, f64)> = points.iter().copied().step_by(stride).collect();
    let slopes = few
        .iter()
        .enumerate()
        .flat_map(|(i, a)| few[..i].iter().map(move |b| (a, b)))
        .filter(|(a, b)| a.0 != b.0)
        .map(|(a, b)| (a.1 - b.1) / (a.0 - b.0))
        .collect();
    let slope = median(slopes).unwrap_or(0.0);
    let start = median(points.iter().map(|p| p.1 - slope * p.0).collect()).unwrap_or(level);
    [start, slope, 0.0]
}

fn reweighted(points: &[(f64, f64)], [a, b, c]: [f64; 3], terms: usize) -> Option<[f64; 3]> {
    let residual = |p: &(f64, f64)| p.1 - a - p.0 * (b + p.0 * c);
    let spread = median(points.iter().map(|p| residual(p).abs()).collect())?;
    let limit = TUKEY * (1.4826 * spread).max(LEAST_SPREAD);
    let mut normal = [[0.0; 4]; 3];
    for p in points {
        let u = residual(p) / limit;
        if u.abs() >= 1.0 {
            continue;
        }
        let weight = (1.0 - u * u).powi(2);
        let powers = [1.0, p.0, p.0 * p.0];
        for (i, row) in normal.iter_mut().enumerate().take(terms) {
            for (sum, power) in row.iter_mut().zip(powers).take(terms) {
                *sum += weight * powers[i] * power;
            }
            row[3] += weight * powers[i] * p.1;
        }
    }
    if terms < 3 {
        normal[2][2] = 1.0;
    }
    solve_three(normal)
}

/// Gaussian elimination of three equations.
pub(crate) fn solve_three(mut rows: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    // Terms differ by the square of an energy: scaled, the pivots can be compared.
    let scales = [0, 1, 2].map(|i| rows[i][i].sqrt());
    for i in 0..3 {
        for j in 0..3 {
            rows[i][j] /= scales[i] * scales[j];
        }
        rows[i][3] /= scales[i];
    }
    for i in 0..3 {
        let pivot = rows[i];
        if pivot[i].is_nan() || pivot[i] <= 1e-13 {
            return None;
        }
        for (k, row) in rows.iter_mut().enumerate() {
            if k != i {
                let factor = row[i] / pivot[i];
                for (value, above) in row.iter_mut().zip(pivot) {
                    *value -= factor * above;
                }
            }
        }
    }
    Some([0, 1, 2].map(|i| rows[i][3] / rows[i][i] / scales[i]))
}

/// The middle value; `None` of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, value, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_curve_is_found_among_outliers() {
        let truth = |x: f64| 0.3 + 0.4 * x - 0.03 * x * x;
        let points: Vec<(f64, f64)> = (0..40)
            .map(|i| {
                let x = 0.25 * f64::from(i);
                (x, truth(x) + if i % 4 == 0 { 2.0 } else { 0.0 })
            })
            .collect();
        let [a, b, c] = curve(&points);
        for x in [0.0, 4.0, 9.0] {
            assert!((a + x * (b + x * c) - truth(x)).abs() < 0.02);
        }
    }

    #[test]
    fn few_points_give_a_line_or_their_median() {
        assert_eq!(curve(&[]), [0.0; 3]);
        assert_eq!(
            curve(&[(1.0, 0.2), (2.0, 5.0), (3.0, 0.3)]),
            [0.3, 0.0, 0.0]
        );
        let [a, b, c] = curve(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(|x| (x, 1.0 + 0.5 * x)));
        assert!((a - 1.0).abs() < 1e-9 && (b - 0.5).abs() < 1e-9 && c == 0.0);
    }
}
