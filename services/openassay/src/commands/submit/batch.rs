//! `openassay submit identify` and `openassay submit explain`.

use super::Common;
use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    remote::{Listed, Uploaded, upload},
};
use assay_api::jobs::{JobState, Lane, SubmitRequest};
use assay_pipeline::Manifest;
use clap::{ArgGroup, Args};
use std::path::PathBuf;

/// Identify or explain every spectrum of a set on the server
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("spectra").required(true).args(["manifest", "files"]))]
pub(crate) struct Batch {
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

impl Batch {
    pub(super) fn run(&self, context: &Context, lane: Lane) -> Result {
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
            .map_err(|error| Failure::new(assay_core::ErrorKind::Internal, error))
    };
    record(["spectrum", "file"])?;
    for (digest, files) in &uploaded.files {
        for file in files {
            record([digest, file])?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Failure::new(assay_core::ErrorKind::Internal, error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
