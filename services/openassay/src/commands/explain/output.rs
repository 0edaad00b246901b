//! Where an explanation goes beside the terminal: a page with its data, figures, tables.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
};
use assay_core::ErrorKind;
use assay_report::explanation::{
    Drawing, Explanation, csv_tables, image_figure, render_html, spectrum_figure,
};
use clap::Args;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Pixels of a PNG for each unit of the drawing.
const PNG_SCALE: f32 = 2.0;

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Write a page that works offline to FILE, and its data beside it as .json
    #[arg(short = 'o', long = "output", value_name = "FILE.html")]
    page: Option<PathBuf>,

    /// Draw the spectrum, coloured by importance, into FILE (.png or .svg)
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    /// Draw the image that the model saw, with the map over it, into FILE (.png or .svg)
    #[arg(long, value_name = "FILE")]
    image_figure: Option<PathBuf>,

    /// Write the tables behind the page as CSV files into DIR
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
}

/// Sorts of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Png,
    Svg,
}

impl Output {
    /// Refuses early what could not be written in the end.
    pub(super) fn check(&self) -> Result {
        if let Some(page) = &self.page {
            crate::report_content::check_place(page)?;
        }
        for figure in [&self.figure, &self.image_figure].into_iter().flatten() {
            form(figure)?;
            file::check_writable(figure)?;
        }
        Ok(())
    }

    /// Refuses an image of a model that makes none.
    pub(super) fn check_model(&self, makes_image: bool) -> Result {
        if self.image_figure.is_some() && !makes_image {
            return Err(no_image());
        }
        Ok(())
    }

    pub(super) fn write(&self, context: &Context, explanation: &Explanation) -> Result {
        let note = |what: &str, path: &Path| {
            context
                .progress
                .note(&format!("{what}: {}", path.display()));
        };
        if let Some(page) = &self.page {
            let json = page.with_extension("json");
            let (text, html) = (explanation.to_json()?, render_html(explanation)?);
            file::write(&json, text.as_bytes())?;
            file::write(page, html.as_bytes())?;
            note("page", page);
        }
        if let Some(path) = &self.figure {
            draw(path, &spectrum_figure(explanation)?)?;
            note("figure", path);
        }
        if let Some(path) = &self.image_figure {
            let Some(figure) = image_figure(explanation)? else {
                return Err(no_image());
            };
            draw(path, &figure)?;
            note("figure", path);
        }
        if let Some(folder) = &self.csv {
            fs::create_dir_all(folder).map_err(|error| file::cannot("make", folder, &error))?;
            for table in csv_tables(explanation)? {
                file::write(&folder.join(table.file_name), table.text.as_bytes())?;
            }
            note("tables", folder);
        }
        Ok(())
    }
}

fn no_image() -> Failure {
    Failure::new(
        ErrorKind::FailedPrecondition,
        "--image-figure: this model works on the spectrum itself and makes no image",
    )
}

fn form(path: &Path) -> Result<Form> {
    match path.extension().and_then(OsStr::to_str) {
        Some(end) if end.eq_ignore_ascii_case("png") => Ok(Form::Png),
        Some(end) if end.eq_ignore_ascii_case("svg") => Ok(Form::Svg),
        _ => Err(Failure::usage(format!(
            "{}: a figure ends in .png or .svg",
            path.display()
        ))),
    }
}

fn draw(path: &Path, figure: &Drawing) -> Result {
    match form(path)? {
        Form::Png => file::write(path, &figure.to_png(PNG_SCALE)?),
        Form::Svg => file::write(path, figure.to_svg()?.as_bytes()),
    }
}
