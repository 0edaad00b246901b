//! Writes an explanation page with made-up content, its tables and figures beside it, to look at
//! the layout: `cargo run -p assay-report --example explanation -- out.html KIND`, where KIND is 512,
//! 2631, 1d, unknown, bare, hostile or the JSON file of an explanation.

#[path = "../tests/explanation/explained/mod.rs"]
mod explained;

use assay_report::explanation::{
    Explanation, csv_tables, image_figure, render_html, spectrum_figure,
};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let page = PathBuf::from(arguments.next().ok_or("name the file to write")?);
    let explanation = match arguments.next().as_deref() {
        None | Some("512") => explained::of_image(512),
        Some("2631") => explained::of_image(2631),
        Some("1d") => explained::without_image(),
        Some("unknown") => explained::refused(512),
        Some("bare") => explained::bare(),
        Some("hostile") => explained::hostile(),
        Some(json) => Explanation::from_json(&std::fs::read_to_string(json)?)?,
    };
    std::fs::write(&page, render_html(&explanation)?)?;
    std::fs::write(page.with_extension("json"), explanation.to_json()?)?;
    for table in csv_tables(&explanation)? {
        std::fs::write(page.with_extension(table.file_name), table.text)?;
    }
    let spectrum = spectrum_figure(&explanation)?;
    std::fs::write(page.with_extension("spectrum.svg"), spectrum.to_svg()?)?;
    std::fs::write(page.with_extension("spectrum.png"), spectrum.to_png(2.0)?)?;
    if let Some(image) = image_figure(&explanation)? {
        std::fs::write(page.with_extension("image.svg"), image.to_svg()?)?;
        std::fs::write(page.with_extension("image.png"), image.to_png(2.0)?)?;
    }
    Ok(())
}
