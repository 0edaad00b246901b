//! `openassay convert-base`: published weights into the form that training reads.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    options::JsonFile,
};
use assay_network::{Base, bases};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay convert-base efficientnet-lite0.pth --name efficientnet-lite0 \\
      --out .openassay/bases/efficientnet-lite0.safetensors
  openassay convert-base mobilenet.npz --name mobilenet-v1-0.25 \\
      --out .openassay/bases/mobilenet-v1-0.25.safetensors

`cargo xtask setup` fetches and converts efficientnet-lite0 by itself.";

/// Convert the weights of a pretrained base
///
/// Reads torch's legacy .pth files of EfficientNet-Lite, and .npz or .safetensors files with
/// Keras names for the MobileNets. The names of all bases are in `openassay train --help`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConvertBase {
    /// Published file of weights
    #[arg(value_name = "SOURCE")]
    source: PathBuf,

    /// Name of the base
    #[arg(long, value_name = "NAME")]
    name: String,

    /// File to write, <NAME>.safetensors in the folder of bases
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,

    #[command(flatten)]
    json: JsonFile,
}

#[derive(Debug, Serialize)]
struct Outcome {
    name: String,
    file: PathBuf,
    digest: String,
    channels: usize,
    licence: String,
    source: String,
}

impl ConvertBase {
    pub(crate) fn run(&self, context: &Context) -> Result {
        let base: Base = self.name.parse()?;
        file::check_writable(&self.out)?;
        let source = file::read(&self.source)?;
        let in_source = |error| Failure::from(error).while_doing(self.source.display());
        let converted = bases::convert(&source, &self.name).map_err(in_source)?;
        let loaded = bases::decode(base, &converted).map_err(in_source)?;
        file::write(&self.out, &converted)?;
        let outcome = Outcome {
            name: loaded.descriptor.name,
            file: self.out.clone(),
            digest: loaded.digest.to_string(),
            channels: loaded.descriptor.channels,
            licence: loaded.descriptor.licence,
            source: loaded.descriptor.source,
        };
        context.answer(self.json.json.as_ref(), &outcome, || {
            format!(
                "base      {}\nfile      {}\ndigest    {}\nfeatures  {}\nlicence   {}\nsource    {}\n",
                outcome.name,
                outcome.file.display(),
                outcome.digest,
                outcome.channels,
                outcome.licence,
                outcome.source
            )
        })
    }
}
