//! The image in grey with the class activation map over it.

use super::evidence_legend;
use crate::ReportError;
use crate::drawing::{AGAINST, Anchor, Axis, Drawing, FOR, INK, Label, Pixels, SOFT, nice_ticks};
use crate::explanation::raster::TOP_LEVEL;
use crate::explanation::{CellMap, Explanation, FieldImage, words};

const LEFT: f32 = 92.0;
const TOP: f32 = 84.0;
const SIDE: f32 = 640.0;
/// Opacity of the strongest evidence: the image must shine through.
const FULL_OPACITY: f64 = 0.7;

/// Draws the image with its map over it; `None` where the model sees no image.
///
/// # Errors
/// When a number is not finite or parts contradict each other.
pub fn image_figure(explanation: &Explanation) -> Result<Option<Drawing>, ReportError> {
    explanation.check()?;
    let Some(image) = &explanation.image else {
        return Ok(None);
    };
    let title = format!(
        "{} — {}",
        words::headline(&explanation.verdict),
        explanation.title
    );
    let width = LEFT + SIDE + 28.0;
    let mut drawing = Drawing::new(width, TOP + SIDE + 128.0, title.clone());
    drawing.text(
        Label::new(20.0, 30.0, title)
            .sized(18.0)
            .within(width - 40.0),
    );
    let what = format!("{}, dark to light: {}", image.name, range(image));
    drawing.text(Label::new(20.0, 52.0, what).soft().within(width - 40.0));
    drawing.picture((LEFT, TOP), SIDE, grey(image));
    if let Some(map) = &image.map {
        drawing.picture((LEFT, TOP), SIDE, overlay(map));
    }
    axes(&mut drawing, image);
    if let Some(map) = &image.map {
        let y = TOP + SIDE + 82.0;
        evidence_legend(&mut drawing, (LEFT, y), &explanation.explained_class, false);
        let cell_kev = (image.high_kev - image.low_kev) / map.side as f64;
        let text = format!("one cell of the map = {cell_kev:.0} keV: it shows regions, not peaks");
        drawing.text(Label::new(LEFT, y + 24.0, text).sized(12.5));
    }
    Ok(Some(drawing))
}

fn range(image: &FieldImage) -> String {
    use crate::number::brief;
    format!(
        "{} to {}",
        brief(image.pixels.low),
        brief(image.pixels.high)
    )
}

fn grey(image: &FieldImage) -> Pixels {
    // Black would hide the map, so the lowest value is a dark grey.
    let shade = |level: u8| (60 + u32::from(level) * 195 / u32::from(TOP_LEVEL)) as u8;
    let levels = image.pixels.levels.iter();
    Pixels {
        side: image.pixels.side(),
        rgba: levels
            .flat_map(|&level| [shade(level), shade(level), shade(level), 255])
            .collect(),
    }
}

fn overlay(map: &CellMap) -> Pixels {
    let largest = map.largest().max(f64::MIN_POSITIVE);
    let values = map.values.iter().map(|&value| f64::from(value) / largest);
    Pixels {
        side: map.side,
        rgba: values
            .flat_map(|relative| {
                let [red, green, blue] = if relative < 0.0 { AGAINST } else { FOR };
                let opacity = (relative.abs().sqrt() * FULL_OPACITY * 255.0).round() as u8;
                [red, green, blue, opacity]
            })
            .collect(),
    }
}

fn axes(drawing: &mut Drawing, image: &FieldImage) {
    let (right, bottom) = (LEFT + SIDE, TOP + SIDE);
    let across = Axis {
        low: image.low_kev,
        high: image.high_kev,
        from_px: LEFT,
        to_px: right,
    };
    let down = Axis {
        from_px: TOP,
        to_px: bottom,
        ..across
    };
    for energy in nice_ticks(image.low_kev, image.high_kev, 8) {
        let (x, y) = (across.px(energy), down.px(energy));
        drawing.line(vec![(x, bottom), (x, bottom + 5.0)], INK, 1.0);
        drawing.line(vec![(LEFT - 5.0, y), (LEFT, y)], INK, 1.0);
        let below = Label::new(x, bottom + 20.0, format!("{energy}"));
        drawing.text(below.anchored(Anchor::Middle));
        let beside = Label::new(LEFT - 9.0, y + 4.5, format!("{energy}"));
        drawing.text(beside.anchored(Anchor::End));
    }
    let corners = [(LEFT, TOP), (right, TOP), (right, bottom), (LEFT, bottom)];
    let frame: Vec<_> = corners.into_iter().chain([corners[0]]).collect();
    drawing.line(frame, SOFT, 1.0);
    let below = Label::new(
        LEFT + 0.5 * SIDE,
        bottom + 44.0,
        "energy of the column / keV",
    );
    drawing.text(below.sized(14.0).anchored(Anchor::Middle));
    let beside = Label::new(28.0, TOP + 0.5 * SIDE, "energy of the row / keV").sized(14.0);
    drawing.text(beside.anchored(Anchor::Middle).upright());
}
