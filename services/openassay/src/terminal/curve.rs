//! A curve drawn with characters.

const WIDTH: usize = 68;
const HEIGHT: usize = 14;
/// How far above the first half of a curve the picture reaches: what diverges at the end would
/// flatten everything else.
const HEADROOM: f64 = 1.5;

/// Draws points whose abscissae rise, with vertical marks, and labels both axes.
pub(crate) fn curve(points: &[(f64, f64)], marks: &[f64]) -> String {
    let finite: Vec<(f64, f64)> = points
        .iter()
        .copied()
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect();
    let (Some(first), Some(last)) = (finite.first(), finite.last()) else {
        return String::new();
    };
    let low = finite.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let half = finite.len().div_ceil(2);
    let plateau = finite[..half]
        .iter()
        .map(|p| p.1)
        .fold(f64::NEG_INFINITY, f64::max);
    let high = finite
        .iter()
        .map(|p| p.1)
        .fold(f64::NEG_INFINITY, f64::max)
        .min(HEADROOM * plateau.abs());
    let column = |x: f64| scaled(x, first.0, last.0, WIDTH);
    let mut canvas = vec![vec![' '; WIDTH]; HEIGHT];
    for &mark in marks
        .iter()
        .filter(|mark| (first.0..=last.0).contains(*mark))
    {
        for line in &mut canvas {
            line[column(mark)] = '|';
        }
    }
    for &(x, y) in finite.iter().filter(|p| p.1 <= high) {
        canvas[HEIGHT - 1 - scaled(y, low, high, HEIGHT)][column(x)] = '•';
    }
    let mut text = String::new();
    for (row, line) in canvas.iter().enumerate() {
        let label = match row {
            0 => super::number(high),
            r if r == HEIGHT - 1 => super::number(low),
            _ => String::new(),
        };
        let line: String = line.iter().collect();
        text += &format!("{label:>9} ┤{}\n", line.trim_end());
    }
    let (left, right) = (format!("{:.1}", first.0), format!("{:.1}", last.0));
    let gap = WIDTH.saturating_sub(left.len() + right.len());
    text + &format!(
        "{:>9} └{}\n{:>11}{left}{}{right}\n",
        "",
        "─".repeat(WIDTH),
        "",
        " ".repeat(gap)
    )
}

fn scaled(value: f64, low: f64, high: f64, cells: usize) -> usize {
    if high <= low {
        return 0;
    }
    (((value - low) / (high - low) * (cells - 1) as f64).round() as usize).min(cells - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_falls_from_corner_to_corner() {
        let points: Vec<_> = (0..50)
            .map(|i| (f64::from(i), 49.0 - f64::from(i)))
            .collect();
        let text = curve(&points, &[10.0]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("49") && lines[0].contains("┤•"), "{text}");
        assert!(lines[HEIGHT - 1].ends_with('•'), "{text}");
        assert!(lines.iter().filter(|line| line.contains('|')).count() >= HEIGHT - 2);
    }

    #[test]
    fn nothing_finite_draws_nothing() {
        assert_eq!(curve(&[], &[]), "");
        assert_eq!(curve(&[(0.0, f64::NAN)], &[0.0]), "");
    }
}
