//! A base of one's own, from an ONNX file.

use crate::{
    failure::{Failure, Result},
    file,
};
use assay_network::{ForeignSettings, Layout};
use assay_pipeline::register_foreign;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LayoutOption {
    /// Batch, channel, row, column
    Nchw,
    /// Batch, row, column, channel
    Nhwc,
}

/// Numbers per channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Channels(Vec<f32>);

/// Options of a base from an ONNX file.
#[derive(Debug, Args)]
#[command(next_help_heading = "Base from an ONNX file")]
pub(crate) struct ForeignOptions {
    /// cnn2d: ONNX file with a 4-D feature map, registered in the folder of bases under the name
    /// --base gives, or that of the file; later that name is enough
    #[arg(long, value_name = "FILE.onnx")]
    foreign_base: Option<PathBuf>,

    /// Pixel values of black and white that it wants, such as 0,255 [default: -1,1]
    #[arg(long, value_name = "LO,HI", value_parser = super::pair, allow_hyphen_values = true,
          requires = "foreign_base")]
    foreign_range: Option<(f64, f64)>,

    /// Order of the axes of its input and feature map [default: nchw]
    #[arg(long, value_enum, value_name = "ORDER", requires = "foreign_base")]
    foreign_layout: Option<LayoutOption>,

    /// Subtracted from the pixel values, one number per channel [default: nothing]
    #[arg(long, value_name = "NUMBERS", value_parser = channels, allow_hyphen_values = true,
          requires = "foreign_base")]
    foreign_mean: Option<Channels>,

    /// Divides the pixel values afterwards, one number per channel [default: nothing]
    #[arg(long, value_name = "NUMBERS", value_parser = channels, requires = "foreign_base")]
    foreign_deviation: Option<Channels>,

    /// Name of the feature map in the file [default: the only 4-D output]
    #[arg(long, value_name = "NAME", requires = "foreign_base")]
    foreign_output: Option<String>,

    /// Licence of the file, for the model card [default: unknown]
    #[arg(long, value_name = "TEXT", requires = "foreign_base")]
    foreign_licence: Option<String>,
}

impl ForeignOptions {
    /// Name under which the base is registered; `None` without one.
    pub(crate) fn name(&self, given: Option<&str>) -> Option<String> {
        let file = self.foreign_base.as_ref()?;
        let stem = || {
            file.file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        Some(given.map_or_else(stem, str::to_owned))
    }

    /// Checks the base and puts it into the folder of bases, where there is one.
    pub(crate) fn register(&self, given: Option<&str>, bases_dir: &Path) -> Result {
        let (Some(path), Some(name)) = (&self.foreign_base, self.name(given)) else {
            return Ok(());
        };
        let model = file::read(path)?;
        let numbers = |channels: &Option<Channels>| {
            channels.as_ref().map(|c| c.0.clone()).unwrap_or_default()
        };
        #[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
        let range = self
            .foreign_range
            .map_or((-1.0, 1.0), |(low, high)| (low as f32, high as f32));
        let settings = ForeignSettings {
            name,
            output: self.foreign_output.clone(),
            range,
            mean: numbers(&self.foreign_mean),
            deviation: numbers(&self.foreign_deviation),
            layout: match self.foreign_layout {
                Some(LayoutOption::Nhwc) => Layout::Nhwc,
                _ => Layout::Nchw,
            },
            licence: self
                .foreign_licence
                .clone()
                .unwrap_or_else(|| "unknown".to_owned()),
            source: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        };
        register_foreign(&model, settings, bases_dir)
            .map_err(|error| Failure::from(error).while_doing(path.display()))?;
        Ok(())
    }
}

fn channels(text: &str) -> Result<Channels, String> {
    text.split(',')
        .map(|number| number.trim().parse::<f32>().ok().filter(|n| n.is_finite()))
        .collect::<Option<Vec<f32>>>()
        .map(Channels)
        .ok_or_else(|| "numbers separated by commas are needed".to_owned())
}
