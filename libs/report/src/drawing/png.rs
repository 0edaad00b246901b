//! A figure as PNG.

use super::{Anchor, Colour, Drawing, Label, Mark, Pixels, text, width_px};
use crate::ReportError;
use tiny_skia::{
    Color, FillRule, FilterQuality, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PixmapPaint,
    Stroke, Transform,
};

pub(super) fn paint(drawing: &Drawing, scale: f32) -> Result<Vec<u8>, ReportError> {
    if !(0.25..=8.0).contains(&scale) {
        return Err(ReportError::OutOfRange {
            field: "scale".into(),
            value: f64::from(scale),
            allowed: "0.25 to 8",
        });
    }
    let (width, height) = drawing.size_px();
    let (width, height) = (
        (width * scale).ceil() as u32,
        (height * scale).ceil() as u32,
    );
    let mut canvas = Pixmap::new(width, height)
        .ok_or_else(|| ReportError::Draw(format!("{width} × {height} pixels are too many")))?;
    canvas.fill(Color::WHITE);
    let place = Transform::from_scale(scale, scale);
    for mark in &drawing.marks {
        add(&mut canvas, mark, place)?;
    }
    // The paper is opaque, so multiplied and plain colours are the same.
    encode(canvas.data(), width, height)
}

/// Encodes rows of RGBA.
pub(super) fn encode(rgba: &[u8], width: u32, height: u32) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(rgba));
    match written {
        Ok(()) => Ok(bytes),
        Err(error) => Err(ReportError::Draw(error.to_string())),
    }
}

fn add(canvas: &mut Pixmap, mark: &Mark, place: Transform) -> Result<(), ReportError> {
    match mark {
        Mark::Line {
            points,
            colour,
            width,
        } => {
            let stroke = Stroke {
                width: *width,
                line_cap: LineCap::Butt,
                line_join: LineJoin::Round,
                ..Stroke::default()
            };
            if let Some(path) = outline(points) {
                canvas.stroke_path(&path, &ink(*colour, 1.0), &stroke, place, None);
            }
        }
        Mark::Area {
            points,
            colour,
            opacity,
        } => {
            if let Some(path) = outline(points) {
                let ink = ink(*colour, *opacity);
                canvas.fill_path(&path, &ink, FillRule::Winding, place, None);
            }
        }
        Mark::Text(label) => write(canvas, label, place)?,
        Mark::Picture { x, y, side, pixels } => {
            let stretch = side / pixels.side as f32;
            let place = place.pre_translate(*x, *y).pre_scale(stretch, stretch);
            picture(canvas, pixels, place)?;
        }
    }
    Ok(())
}

fn write(canvas: &mut Pixmap, label: &Label, place: Transform) -> Result<(), ReportError> {
    let Some(path) = text::outline(&label.text, label.size)? else {
        return Ok(());
    };
    let width = width_px(&label.text, label.size);
    let start = match label.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => -0.5 * width,
        Anchor::End => -width,
    };
    let mut place = place.pre_translate(label.x, label.y);
    if label.upright {
        place = place.pre_rotate(-90.0);
    }
    let place = place.pre_translate(start, 0.0);
    let ink = ink(label.colour, 1.0);
    canvas.fill_path(&path, &ink, FillRule::Winding, place, None);
    Ok(())
}

fn picture(canvas: &mut Pixmap, pixels: &Pixels, place: Transform) -> Result<(), ReportError> {
    let side = pixels.side as u32;
    let mut source = Pixmap::new(side, side)
        .ok_or_else(|| ReportError::Draw(format!("a picture has {side} pixels per side")))?;
    for (to, from) in source
        .pixels_mut()
        .iter_mut()
        .zip(pixels.rgba.chunks_exact(4))
    {
        *to = tiny_skia::ColorU8::from_rgba(from[0], from[1], from[2], from[3]).premultiply();
    }
    let nearest = PixmapPaint {
        quality: FilterQuality::Nearest,
        ..PixmapPaint::default()
    };
    canvas.draw_pixmap(0, 0, source.as_ref(), &nearest, place, None);
    Ok(())
}

fn outline(points: &[(f32, f32)]) -> Option<tiny_skia::Path> {
    let mut path = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 {
            path.move_to(x, y);
        } else {
            path.line_to(x, y);
        }
    }
    path.finish()
}

fn ink([red, green, blue]: Colour, opacity: f32) -> Paint<'static> {
    let mut paint = Paint::default();
    let alpha = (opacity.clamp(0.0, 1.0) * 255.0).round() as u8;
    paint.set_color_rgba8(red, green, blue, alpha);
    paint.anti_alias = true;
    paint
}
