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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, arr2};

    /// Width, height and pixels (expanded to grey or RGB) of a PNG.
    fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        pixels.truncate(info.buffer_size());
        (info.width, info.height, pixels)
    }

    #[test]
    fn stops_of_the_table_come_out_as_published() {
        let image = Array2::from_shape_fn((1, 11), |(_, stop)| -1.0 + stop as f32 / 5.0);
        let (width, height, pixels) =
            decode(&render_png(image.view(), &Rendering::default()).unwrap());
        assert_eq!((width, height), (11, 1));
        // Eleven stops on 256 table entries: a stop may fall half an entry beside its colour.
        for (pixel, stop) in pixels.chunks(3).zip(DIVERGING_STOPS) {
            for (actual, expected) in pixel.iter().zip(stop) {
                assert!(actual.abs_diff(expected) <= 2, "{pixels:?}");
            }
        }
    }

    #[test]
    fn grey_is_linear_and_clamps() {
        let image = arr2(&[[-2.0, -1.0], [0.0, f32::INFINITY]]);
        let how = Rendering {
            colours: Colours::Grey,
            ..Rendering::default()
        };
        assert_eq!(
            decode(&render_png(image.view(), &how).unwrap()),
            (2, 2, vec![0, 0, 128, 255])
        );
    }

    #[test]
    fn large_images_are_averaged_down() {
        let image = Array2::from_shape_fn((10, 20), |(_, j)| if j < 10 { 0.0 } else { 1.0 });
        let how = Rendering {
            colours: Colours::Grey,
            range: (0.0, 1.0),
            max_side: 4,
        };
        let (width, height, pixels) = decode(&render_png(image.view(), &how).unwrap());
        assert_eq!((width, height), (4, 2));
        assert_eq!(pixels, [0, 0, 255, 255, 0, 0, 255, 255]);
    }

    #[test]
    fn refuses_what_cannot_be_drawn() {
        let how = Rendering::default();
        let bad = arr2(&[[0.0, f32::NAN]]);
        let message = render_png(bad.view(), &how).unwrap_err().to_string();
        assert!(message.contains("row 0, column 1"), "{message}");
        assert!(render_png(Array2::zeros((0, 3)).view(), &how).is_err());
        let image = Array2::zeros((2, 2));
        for how in [
            Rendering {
                max_side: 0,
                ..how.clone()
            },
            Rendering {
                range: (1.0, 1.0),
                ..how.clone()
            },
            Rendering {
                range: (f32::NAN, 1.0),
                ..how.clone()
            },
        ] {
            assert!(render_png(image.view(), &how).is_err(), "{how:?}");
        }
    }
}
