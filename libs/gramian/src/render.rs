//! Pictures of images for people: colour tables, shrinking and PNG.

use crate::error::GramianError;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// ColorBrewer 2.0 "RdBu" with 11 classes, reversed (blue to red): a diverging scheme that stays
/// readable with every common colour blindness. Cynthia Brewer, Mark Harrower and The
/// Pennsylvania State University, Apache-2.0; between the stops colours are interpolated in sRGB.
pub const DIVERGING_STOPS: [[u8; 3]; 11] = [
    [5, 48, 97],
    [33, 102, 172],
    [67, 147, 195],
    [146, 197, 222],
    [209, 229, 240],
    [247, 247, 247],
    [253, 219, 199],
    [244, 165, 130],
    [214, 96, 77],
    [178, 24, 43],
    [103, 0, 31],
];

/// Colour table of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colours {
    /// Blue over white to red, for values on both sides of a neutral middle.
    Diverging,
    /// Black to white.
    Grey,
}

/// How an image is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rendering {
    /// Colour table.
    pub colours: Colours,
    /// Values of the first and the last colour; values outside are drawn as the nearer one.
    pub range: (f32, f32),
    /// Longest side of the picture in pixels; larger images are averaged down to it.
    pub max_side: usize,
}

impl Default for Rendering {
    fn default() -> Self {
        Self {
            colours: Colours::Diverging,
            range: (-1.0, 1.0),
            max_side: 1024,
        }
    }
}

/// Draws an image as an 8-bit PNG; row 0 is at the top.
///
/// # Shapes
/// `[height, width]`.
///
/// # Errors
/// When the image is empty or holds NaN, the range is not increasing, or `max_side` is 0.
///
/// # Source
/// Colours: [`DIVERGING_STOPS`].
pub fn render_png(image: ArrayView2<'_, f32>, how: &Rendering) -> Result<Vec<u8>, GramianError> {
    let refuse = |reason: String| Err(GramianError::Picture { reason });
    let (low, high) = how.range;
    if !(low.is_finite() && high.is_finite() && low < high) {
        return refuse(format!("range ({low}, {high}) is not increasing"));
    }
    if image.is_empty() || how.max_side == 0 {
        let (height, width) = image.dim();
        return refuse(format!(
            "{height} x {width} pixels drawn at most {} wide: at least 1 x 1 is needed",
            how.max_side
        ));
    }
    if let Some(((row, column), value)) = image.indexed_iter().find(|(_, v)| v.is_nan()) {
        return refuse(format!("value {value} in row {row}, column {column}"));
    }
    let (height, width, pixels) = shrink(image, how.max_side);
    let indices: Vec<u8> = pixels
        .iter()
        .map(|v| (255.0 * ((v - low) / (high - low)).clamp(0.0, 1.0)).round() as u8)
        .collect();
    encode(&indices, (height, width), how.colours)
}

fn encode(
    indices: &[u8],
    (height, width): (usize, usize),
    colours: Colours,
) -> Result<Vec<u8>, GramianError> {
    let side = |pixels: usize| {
        u32::try_from(pixels).map_err(|_| GramianError::Picture {
            reason: format!("a side of {pixels} pixels is more than a PNG can have"),
        })
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(width)?, side(height)?);
    encoder.set_depth(png::BitDepth::Eight);
    match colours {
        Colours::Grey => encoder.set_color(png::ColorType::Grayscale),
        Colours::Diverging => {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(palette());
        }
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(indices)?;
    writer.finish()?;
    Ok(bytes)
}

fn palette() -> Vec<u8> {
    let intervals = DIVERGING_STOPS.len() - 1;
    (0..256usize)
        .flat_map(|index| {
            let position = index * intervals;
            let stop = (position / 255).min(intervals - 1);
            let share = (position - stop * 255) as f64 / 255.0;
            let (from, to) = (DIVERGING_STOPS[stop], DIVERGING_STOPS[stop + 1]);
            std::array::from_fn::<u8, 3, _>(|channel| {
                let (from, to) = (f64::from(from[channel]), f64::from(to[channel]));
                (from + share * (to - from)).round() as u8
            })
        })
        .collect()
}

/// Averages blocks of pixels until the longer side has at most `max_side`.
fn shrink(image: ArrayView2<'_, f32>, max_side: usize) -> (usize, usize, Vec<f32>) {
    let (height, width) = image.dim();
    let longest = height.max(width);
    if longest <= max_side {
        return (height, width, image.iter().copied().collect());
    }
    let shrunk = |side: usize| (side * max_side).div_ceil(longest).max(1);
    let (rows, columns) = (shrunk(height), shrunk(width));
    let bound = |i: usize, from: usize, to: usize| i * from / to;
    let mut pixels = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        let vertical = bound(row, height, rows)..bound(row + 1, height, rows);
        for column in 0..columns {
            let horizontal = bound(column, width, columns)..bound(column + 1, width, columns);
            let block = image.slice(ndarray::s![vertical.clone(), horizontal]);
            let sum: f64 = block.iter().map(|&v| f64::from(v)).sum();
            pixels.push((sum / block.len() as f64) as f32);
        }
    }
    (rows, columns, pixels)
}
