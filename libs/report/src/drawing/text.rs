//! Text as outlines of Noto Sans, so that figures look the same on every machine. The font comes
//! with the crate `notosans`, under the SIL Open Font Licence 1.1.

use crate::ReportError;
use ab_glyph::{Font, FontRef, OutlineCurve, Point};
use std::sync::LazyLock;
use tiny_skia::{Path, PathBuilder};

static FONT: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(notosans::REGULAR_TTF).ok());

/// Width of a text of a size in pixels per em.
pub(crate) fn width_px(text: &str, size: f32) -> f32 {
    let Some(font) = FONT.as_ref() else {
        // Good enough to lay out text that another program will draw.
        return text.chars().count() as f32 * 0.55 * size;
    };
    let unit = size / font.units_per_em().unwrap_or(1000.0);
    text.chars()
        .map(|c| font.h_advance_unscaled(font.glyph_id(c)) * unit)
        .sum()
}

/// Outlines of a text whose baseline starts at the origin; `None` for nothing but spaces.
pub(super) fn outline(text: &str, size: f32) -> Result<Option<Path>, ReportError> {
    let font = FONT
        .as_ref()
        .ok_or_else(|| ReportError::Draw("the font that this program carries is broken".into()))?;
    let unit = size / font.units_per_em().unwrap_or(1000.0);
    let mut path = PathBuilder::new();
    let mut x = 0.0;
    for glyph in text.chars().map(|c| font.glyph_id(c)) {
        if let Some(outline) = font.outline(glyph) {
            let mut end: Option<Point> = None;
            for curve in outline.curves {
                end = Some(add(&mut path, &curve, end, |p| {
                    (x + p.x * unit, -p.y * unit)
                }));
            }
            path.close();
        }
        x += font.h_advance_unscaled(glyph) * unit;
    }
    Ok(path.finish())
}

/// Adds a curve, which begins a new contour where it does not begin at the last one's end.
fn add(
    path: &mut PathBuilder,
    curve: &OutlineCurve,
    end: Option<Point>,
    place: impl Fn(Point) -> (f32, f32),
) -> Point {
    let from = match curve {
        OutlineCurve::Line(from, _)
        | OutlineCurve::Quad(from, ..)
        | OutlineCurve::Cubic(from, ..) => *from,
    };
    if end != Some(from) {
        if end.is_some() {
            path.close();
        }
        let (x, y) = place(from);
        path.move_to(x, y);
    }
    match curve {
        OutlineCurve::Line(_, to) => {
            let (x, y) = place(*to);
            path.line_to(x, y);
            *to
        }
        OutlineCurve::Quad(_, control, to) => {
            let ((cx, cy), (x, y)) = (place(*control), place(*to));
            path.quad_to(cx, cy, x, y);
            *to
        }
        OutlineCurve::Cubic(_, first, second, to) => {
            let ((ax, ay), (bx, by), (x, y)) = (place(*first), place(*second), place(*to));
            path.cubic_to(ax, ay, bx, by, x, y);
            *to
        }
    }
}
