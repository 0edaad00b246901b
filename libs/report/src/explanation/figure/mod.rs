//! Figures of an explanation that need no browser.

mod image;
mod peak_labels;
mod spectrum;

pub use image::image_figure;
pub use spectrum::spectrum_figure;

use crate::drawing::{AGAINST, Drawing, FOR, Label, NEUTRAL};

/// What the colours of evidence mean, beside a stroke of each.
fn evidence_legend(drawing: &mut Drawing, at: (f32, f32), class: &str, has_neutral: bool) {
    let (mut x, y) = at;
    let mut entries = vec![(FOR, format!("for {class}"))];
    if has_neutral {
        entries.push((NEUTRAL, "no evidence".to_owned()));
    }
    entries.push((AGAINST, format!("against {class}")));
    for (colour, text) in entries {
        drawing.line(vec![(x, y - 4.5), (x + 26.0, y - 4.5)], colour, 5.0);
        let width = crate::drawing::width_px(&text, 12.5).min(220.0);
        let label = Label::new(x + 33.0, y, text).sized(12.5).within(220.0);
        drawing.text(label);
        x += 33.0 + width + 26.0;
    }
}
