//! A figure as SVG text.

use super::{Anchor, Colour, Drawing, Label, Mark, Pixels, png};
use crate::ReportError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

pub(super) fn write(drawing: &Drawing) -> Result<String, ReportError> {
    let (width, height) = drawing.size_px();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" \
         font-family=\"'Noto Sans', 'DejaVu Sans', Arial, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        escaped(&drawing.title)
    );
    for mark in &drawing.marks {
        add(&mut svg, mark)?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn add(svg: &mut String, mark: &Mark) -> Result<(), ReportError> {
    let written = match mark {
        Mark::Line {
            points,
            colour,
            width,
        } => {
            writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" \
                 stroke-linejoin=\"round\"/>",
                places(points),
                hex(*colour)
            )
        }
        Mark::Area {
            points,
            colour,
            opacity,
        } => writeln!(
            svg,
            "<polygon points=\"{}\" fill=\"{}\" fill-opacity=\"{opacity}\"/>",
            places(points),
            hex(*colour)
        ),
        Mark::Text(label) => text(svg, label),
        Mark::Picture { x, y, side, pixels } => writeln!(
            svg,
            "<image x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" \
             preserveAspectRatio=\"none\" image-rendering=\"pixelated\" \
             href=\"data:image/png;base64,{}\"/>",
            encoded(pixels)?
        ),
    };
    written.map_err(|error| ReportError::Draw(error.to_string()))
}

fn text(svg: &mut String, label: &Label) -> std::fmt::Result {
    let anchor = match label.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let turn = if label.upright {
        format!(" transform=\"rotate(-90 {:.2} {:.2})\"", label.x, label.y)
    } else {
        String::new()
    };
    writeln!(
        svg,
        "<text x=\"{:.2}\" y=\"{:.2}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\"\
         {turn}>{}</text>",
        label.x,
        label.y,
        label.size,
        hex(label.colour),
        escaped(&label.text)
    )
}

fn encoded(pixels: &Pixels) -> Result<String, ReportError> {
    let side = pixels.side as u32;
    Ok(STANDARD.encode(png::encode(&pixels.rgba, side, side)?))
}

fn places(points: &[(f32, f32)]) -> String {
    let places: Vec<_> = points
        .iter()
        .map(|(x, y)| format!("{x:.2},{y:.2}"))
        .collect();
    places.join(" ")
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Escapes text; control characters, which XML forbids, become the replacement character.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
