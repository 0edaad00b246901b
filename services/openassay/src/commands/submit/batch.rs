//! `openassay submit identify` and `openassay submit explain`.

use super::Common;
use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    options::ReasonOptions,
    remote::{Listed, Uploaded, upload},
};
use assay_api::jobs::{JobState, Lane, SubmitRequest};
use assay_core::ErrorKind;
use assay_explain::ExplanationSpec;
use assay_pipeline::Manifest;
use clap::{ArgGroup, Args};
use std::path::PathBuf;

/// Identify every spectrum of a set on the server
#[derive(Debug, Args)]
pub(crate) struct Identify {
    #[command(flatten)]
    batch: Batch,
}

/// Explain every spectrum of a set on the server
#[derive(Debug, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    batch: Batch,

    #[command(flatten)]
    reasons: ReasonOptions,
}

/// Spectra for a job, and the model.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("spectra").required(true).args(["manifest", "files"]))]
struct Batch {
    /// Model: NAME (what production points to), NAME@ALIAS, NAME:VERSION or a bundle's digest
    /// [default: the server's default model]
    #[arg(
        long,
        value_name = "MODEL",
        default_value = "",
        hide_default_value = true
    )]
    name: String,

    /// Manifest of the spectra
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,

    /// Spectra, when there is no manifest
    #[arg(value_name = "SPECTRUM")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    common: Common,
}

impl Identify {
    pub(super) fn run(&self, context: &Context) -> Result {
        self.batch.run(context, Lane::Identify, String::new())
    }
}

impl Explain {
    pub(super) fn run(&self, context: &Context) -> Result {
        let spec = self.reasons.spec()?;
        let text = match spec == ExplanationSpec::default() {
            true => Ok(String::new()),
            false => serde_json::to_string(&spec),
        };
        let text = text.map_err(|error| Failure::new(ErrorKind::Internal, error))?;
        self.batch.run(context, Lane::Explain, text)
    }
}

impl Batch {
    fn run(&self, context: &Context, lane: Lane, specification_json: String) -> Result {
        self.common.check()?;
        let listed = match &self.manifest {
            Some(manifest) => Listed::of_manifest(&Manifest::read(manifest)?),
            None => self.files.iter().map(|path| Listed::alone(path)).collect(),
        };
        let servers = self.common.connect()?;
        let uploaded = upload(context, &servers, &listed)?;
        let request = SubmitRequest {
            lane: lane.into(),
            dataset: uploaded.dataset.clone(),
            model: self.name.clone(),
            specification_json,
            ..SubmitRequest::default()
        };
        let job = self.common.submit(context, &servers.control, request)?;
        if let (Some(folder), JobState::Succeeded) = (&self.common.out, job.state()) {
            file::write(&folder.join("files.csv"), names(&uploaded)?.as_bytes())?;
        }
        self.common.answer(context, &job)
    }
}

/// Which files are behind which spectrum: results name spectra by their digests.
fn names(uploaded: &Uploaded) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut record = |row: [&str; 2]| {
        writer
            .write_record(row)
            .map_err(|error| Failure::new(ErrorKind::Internal, error))
    };
    record(["spectrum", "file"])?;
    for (digest, files) in &uploaded.files {
        for file in files {
            record([digest, file])?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Failure::new(ErrorKind::Internal, error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
