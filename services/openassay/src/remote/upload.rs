//! Files to the server: spectra one by one, then the data set that lists them.

use super::Remote;
use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
};
use assay_api::{
    ingest::{PutFileRequest, PutFileResponse, ingest_service_client::IngestServiceClient},
    openassay::datasets::v1::{
        CreateDatasetRequest, DatasetRow, Role, dataset_service_client::DatasetServiceClient,
    },
};
use assay_core::ErrorKind;
use assay_pipeline::{Manifest, Watch};
use assay_trace::item;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use tracing::Instrument;

/// A file with what its manifest says about it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) role: Role,
    pub(crate) group: String,
}

impl Listed {
    /// The files of a manifest.
    pub(crate) fn of_manifest(manifest: &Manifest) -> Vec<Self> {
        let rows = manifest.rows.iter().map(|row| Self {
            path: row.path.clone(),
            name: row.file.clone(),
            label: row.label.to_string(),
            role: match row.role {
                assay_pipeline::Role::Known => Role::Known,
                assay_pipeline::Role::Unknown => Role::Unknown,
            },
            group: row.group.clone(),
        });
        rows.collect()
    }

    /// A file that nobody says anything about.
    pub(crate) fn alone(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            name: path.display().to_string(),
            label: String::new(),
            role: Role::Unknown,
            group: String::new(),
        }
    }
}

/// A data set on the server.
pub(crate) struct Uploaded {
    /// Its digest.
    pub(crate) dataset: String,
    /// The files behind each spectrum's digest; copies of one file share it.
    pub(crate) files: BTreeMap<String, Vec<String>>,
}

/// Where spectra and data sets go.
pub(crate) struct Servers {
    /// Where the data set is made, and the jobs are.
    pub(crate) control: Remote,
    /// Where spectra go, when that is another address.
    pub(crate) ingest: Option<Remote>,
}

/// Sends files and lists them as a data set.
pub(crate) fn upload(context: &Context, servers: &Servers, listed: &[Listed]) -> Result<Uploaded> {
    let remote = servers.ingest.as_ref().unwrap_or(&servers.control);
    let answers = context.watched("sending spectra", |watch| put_files(remote, listed, watch))?;
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut rows = Vec::with_capacity(listed.len());
    for (listed, answer) in listed.iter().zip(answers) {
        for warning in &answer.warnings {
            context
                .progress
                .warn(&format!("{}: {}", listed.name, warning.message));
        }
        let digest = answer.spectrum.map(|spectrum| spectrum.digest);
        let digest = digest.ok_or_else(|| {
            Failure::new(ErrorKind::Internal, "the server's answer has no spectrum")
        })?;
        files
            .entry(digest.clone())
            .or_default()
            .push(listed.name.clone());
        rows.push(DatasetRow {
            spectrum_digest: digest,
            label: listed.label.clone(),
            role: listed.role.into(),
            group: listed.group.clone(),
            file_name: listed.name.clone(),
        });
    }
    let remote = &servers.control;
    let mut datasets = remote.client(DatasetServiceClient::new);
    let created = remote.call(datasets.create_dataset(CreateDatasetRequest { rows }))?;
    Ok(Uploaded {
        dataset: created.digest,
        files,
    })
}

/// Sends files, one after another over one connection.
fn put_files(
    remote: &Remote,
    listed: &[Listed],
    watch: &Watch<'_>,
) -> Result<Vec<PutFileResponse>> {
    let mut ingest = remote.client(IngestServiceClient::new);
    let mut answers = Vec::with_capacity(listed.len());
    for (done, listed) in listed.iter().enumerate() {
        if watch.is_cancelled() {
            return Err(Failure::new(ErrorKind::Cancelled, "interrupted"));
        }
        let request = PutFileRequest {
            content: file::read_spectrum_to_send(&listed.path)?,
            file_name: listed.name.clone(),
        };
        let put = ingest.put_file(request).instrument(item(done + 1));
        let answer = remote
            .call(put)
            .map_err(|failure| failure.about_file(&listed.name))?;
        answers.push(answer);
        watch.report(done + 1, answers.capacity());
    }
    Ok(answers)
}
