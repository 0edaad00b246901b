//! Writes a page with made-up content to the file named on the command line, to look at the
//! layout: `cargo run -p assay-report --example sample_page -- sample.html`.

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name the file to write")?;
    std::fs::write(path, assay_report::render_html(&sample::report())?)?;
    Ok(())
}
