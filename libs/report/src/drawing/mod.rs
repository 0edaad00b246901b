//! Static figures: a list of marks that is written as SVG or painted as PNG, without a browser.

mod png;
mod scale;
mod svg;
mod text;

pub(crate) use scale::{Axis, nice_ticks};
pub(crate) use text::width_px;

use crate::ReportError;

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

pub(crate) const INK: Colour = [29, 34, 40];
pub(crate) const SOFT: Colour = [89, 98, 109];
pub(crate) const RULE: Colour = [213, 218, 224];
/// Colour without evidence, dark enough for a line on paper.
pub(crate) const NEUTRAL: Colour = [150, 157, 166];
/// Full colour of what speaks for a class; orange and blue differ for every colour vision.
pub(crate) const FOR: Colour = [200, 78, 0];
/// Full colour of what speaks against a class.
pub(crate) const AGAINST: Colour = [0, 90, 170];

/// A finished figure.
#[derive(Debug, Clone)]
pub struct Drawing {
    width: f32,
    height: f32,
    title: String,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone)]
pub(crate) enum Mark {
    Line {
        points: Vec<(f32, f32)>,
        colour: Colour,
        width: f32,
    },
    Area {
        points: Vec<(f32, f32)>,
        colour: Colour,
        opacity: f32,
    },
    Text(Label),
    Picture {
        x: f32,
        y: f32,
        side: f32,
        pixels: Pixels,
    },
}

/// One line of text.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) text: String,
    pub(crate) size: f32,
    pub(crate) colour: Colour,
    pub(crate) anchor: Anchor,
    /// Reads from bottom to top.
    pub(crate) upright: bool,
}

/// Which point of a text its position names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A square of pixels, four bytes each, opacity not multiplied in.
#[derive(Debug, Clone)]
pub(crate) struct Pixels {
    pub(crate) side: usize,
    pub(crate) rgba: Vec<u8>,
}

impl Drawing {
    pub(crate) fn new(width: f32, height: f32, title: impl Into<String>) -> Self {
        Self {
            width,
            height,
            title: title.into(),
            marks: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, points: Vec<(f32, f32)>, colour: Colour, width: f32) {
        self.marks.push(Mark::Line {
            points,
            colour,
            width,
        });
    }

    pub(crate) fn area(&mut self, points: Vec<(f32, f32)>, colour: Colour, opacity: f32) {
        self.marks.push(Mark::Area {
            points,
            colour,
            opacity,
        });
    }

    pub(crate) fn text(&mut self, label: Label) {
        self.marks.push(Mark::Text(label));
    }

    pub(crate) fn picture(&mut self, at: (f32, f32), side: f32, pixels: Pixels) {
        self.marks.push(Mark::Picture {
            x: at.0,
            y: at.1,
            side,
            pixels,
        });
    }

    /// Width and height in pixels at scale 1.
    #[must_use]
    pub fn size_px(&self) -> (f32, f32) {
        (self.width, self.height)
    }

    /// The figure as SVG text that loads nothing from anywhere.
    ///
    /// # Errors
    /// When a picture in it cannot be encoded.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        svg::write(self)
    }

    /// The figure as PNG, with `scale` pixels for each unit of the SVG, 0.25 to 8.
    ///
    /// # Errors
    /// When the scale is out of range or the picture cannot be painted or encoded.
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>, ReportError> {
        png::paint(self, scale)
    }
}

impl Label {
    pub(crate) fn new(x: f32, y: f32, text: impl Into<String>) -> Self {
        Self {
            x,
            y,
            text: text.into(),
            size: 13.0,
            colour: INK,
            anchor: Anchor::Start,
            upright: false,
        }
    }

    pub(crate) fn soft(mut self) -> Self {
        self.colour = SOFT;
        self
    }

    pub(crate) fn sized(mut self, size: f32) -> Self {
        self.size = size;
        self
    }

    pub(crate) fn anchored(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    pub(crate) fn upright(mut self) -> Self {
        self.upright = true;
        self
    }

    /// Cuts the text to a width and marks the cut.
    pub(crate) fn within(mut self, width: f32) -> Self {
        while width_px(&self.text, self.size) > width && self.text.chars().count() > 1 {
            let kept = self.text.chars().count() - 2;
            self.text = self.text.chars().take(kept).chain(['…']).collect();
        }
        self
    }
}

/// Colour between two: `share` 0 gives the first, 1 the second.
pub(crate) fn mixed(from: Colour, to: Colour, share: f64) -> Colour {
    let share = share.clamp(0.0, 1.0);
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
    [
        mix(from[0], to[0]),
        mix(from[1], to[1]),
        mix(from[2], to[2]),
    ]
}

/// Colour of signed evidence from −1 (against) to 1 (for), for lines on paper.
pub(crate) fn evidence_colour(relative: f64) -> Colour {
    let full = if relative < 0.0 { AGAINST } else { FOR };
    // The root keeps weak evidence visible beside strong one.
    mixed(NEUTRAL, full, relative.abs().sqrt())
}
