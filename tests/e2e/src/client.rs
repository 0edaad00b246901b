//! A server over gRPC, where the command line does not reach: connections and what tests put on
//! a server.

use crate::collection::Collection;
use anyhow::{Context as _, Result};
use assay_api::{
    ClientOptions, Limited, MAX_MESSAGE_BYTES,
    ingest::{PutFileRequest, ingest_service_client::IngestServiceClient},
    jobs::{GetArtefactRequest, job_service_client::JobServiceClient},
    openassay::datasets::v1::{
        CreateDatasetRequest, DatasetRow, Role, dataset_service_client::DatasetServiceClient,
    },
};
use tonic::transport::Channel;

/// Prepares a connection, which is made at the first request and made again when it breaks. Must
/// be called within a tokio runtime.
///
/// # Errors
/// When the address is none.
pub fn connect(url: &str) -> Result<Channel> {
    Ok(assay_api::channel(url, &ClientOptions::default())?)
}

/// A generated client on a connection, whatever sort of connection that is.
pub fn client<T: Clone, C: Limited>(channel: &T, new: impl FnOnce(T) -> C) -> C {
    new(channel.clone()).limited(MAX_MESSAGE_BYTES)
}

/// A collection on a server.
#[derive(Debug, Clone)]
pub struct Put {
    /// Digest of the data set that lists all its spectra.
    pub dataset: String,
    /// Digest of each spectrum, in the order of the collection.
    pub spectra: Vec<String>,
}

/// Puts every spectrum of a collection and makes a data set of them.
///
/// # Errors
/// When the server does not take one.
pub async fn put(channel: &Channel, collection: &Collection) -> Result<Put> {
    put_by(channel, channel, collection).await
}

/// The same where the ingest and the control service are not one.
///
/// # Errors
/// When one of them does not take something.
pub async fn put_by(ingest: &Channel, control: &Channel, collection: &Collection) -> Result<Put> {
    let mut ingest = client(ingest, IngestServiceClient::new);
    let (mut rows, mut spectra) = (Vec::new(), Vec::new());
    for listed in &collection.spectra {
        let request = PutFileRequest {
            content: listed.content.clone(),
            file_name: listed.name.clone(),
        };
        let answer = ingest.put_file(request).await?.into_inner();
        let digest = answer.spectrum.context("no spectrum in the answer")?.digest;
        spectra.push(digest.clone());
        rows.push(DatasetRow {
            spectrum_digest: digest,
            label: listed.label.clone(),
            role: if listed.known {
                Role::Known
            } else {
                Role::Unknown
            }
            .into(),
            group: String::new(),
            file_name: listed.name.clone(),
        });
    }
    let mut datasets = client(control, DatasetServiceClient::new);
    let answer = datasets
        .create_dataset(CreateDatasetRequest { rows })
        .await?;
    Ok(Put {
        dataset: answer.into_inner().digest,
        spectra,
    })
}

/// The bytes of an artefact of a job.
///
/// # Errors
/// When the job has none of this name, or it breaks off.
pub async fn artefact(channel: &Channel, job: &str, name: &str) -> Result<Vec<u8>> {
    let mut jobs = client(channel, JobServiceClient::new);
    let request = GetArtefactRequest {
        id: job.to_owned(),
        name: name.to_owned(),
    };
    let mut parts = jobs.get_artefact(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(part) = parts.message().await? {
        bytes.extend(part.chunk);
    }
    Ok(bytes)
}
