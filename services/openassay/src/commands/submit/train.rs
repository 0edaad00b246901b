//! `openassay submit train`.

use super::Common;
use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    remote::{Listed, upload},
};
use assay_api::jobs::{Lane, SubmitRequest};
use assay_core::ErrorKind;
use assay_pipeline::Manifest;
use assay_training_spec::TrainingSpec;
use clap::Args;
use std::path::PathBuf;

/// Train a model on the server and register it
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Manifest of the training spectra
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,

    /// Name under which the model is registered; its version is the job's id
    #[arg(long, value_name = "NAME", default_value = "default")]
    name: String,

    /// Serve the new version as soon as it is there (alias production)
    #[arg(long)]
    promote: bool,

    /// Training specification as JSON, instead of options; what it leaves out has its default
    #[arg(long, value_name = "FILE")]
    specification: Option<PathBuf>,

    /// Print the specification that the options make, and submit nothing
    #[cfg(feature = "train")]
    #[arg(long, conflicts_with = "specification")]
    print_specification: bool,

    #[cfg(feature = "train")]
    #[command(flatten)]
    spec: crate::options::SpecOptions,

    #[command(flatten)]
    common: Common,
}

impl Train {
    pub(super) fn run(&self, context: &Context) -> Result {
        self.common.check()?;
        let specification_json = self.specification(context)?;
        #[cfg(feature = "train")]
        if self.print_specification {
            return crate::terminal::answer(&format!("{specification_json}\n"));
        }
        let manifest = Manifest::read(&self.manifest)?;
        let servers = self.common.connect()?;
        let uploaded = upload(context, &servers, &Listed::of_manifest(&manifest))?;
        let request = SubmitRequest {
            lane: Lane::Train.into(),
            dataset: uploaded.dataset,
            model: self.name.clone(),
            specification_json,
            promote: self.promote,
            ..SubmitRequest::default()
        };
        let job = self.common.submit(context, &servers.control, request)?;
        self.common.answer(context, &job)
    }

    fn specification(&self, context: &Context) -> Result<String> {
        if let Some(path) = &self.specification {
            let text = file::read_text(path)?;
            let refused = |error: String| {
                let message = format!("{}: {error}", path.display());
                Failure::new(ErrorKind::InvalidArgument, message)
            };
            let value = serde_json::from_str(&text)
                .map_err(|error| refused(format!("no JSON: {error}")))?;
            // Told before the spectra are sent; the server checks it again.
            TrainingSpec::from_request(&value).map_err(|error| refused(error.to_string()))?;
            return Ok(text);
        }
        self.of_options(context)
    }

    #[cfg(feature = "train")]
    fn of_options(&self, context: &Context) -> Result<String> {
        let spec = self.spec.spec(context)?;
        let value = spec.to_request()?;
        serde_json::to_string_pretty(&value)
            .map_err(|error| Failure::new(ErrorKind::Internal, error))
    }

    #[cfg(not(feature = "train"))]
    fn of_options(&self, _context: &Context) -> Result<String> {
        Ok("{}".to_owned())
    }
}
