//! Artefacts of a finished job to files.

use super::Remote;
use crate::{
    failure::{Failure, Result},
    file,
};
use assay_api::jobs::{GetArtefactRequest, job_service_client::JobServiceClient};
use assay_core::ErrorKind;
use std::path::Path;

/// Fetches one artefact, checks that it is whole, and writes it.
pub(crate) fn fetch(remote: &Remote, job: &str, name: &str, to: &Path) -> Result {
    let mut jobs = remote.client(JobServiceClient::new);
    let request = GetArtefactRequest {
        id: job.to_owned(),
        name: name.to_owned(),
    };
    let received = remote.wait(async {
        let mut parts = jobs.get_artefact(request).await?.into_inner();
        let (mut bytes, mut total) = (Vec::new(), 0);
        while let Some(part) = parts.message().await? {
            total = part.total_bytes;
            bytes.extend_from_slice(&part.chunk);
        }
        Ok((bytes, total))
    });
    let (bytes, total) = received.map_err(|status| remote.failure(&status))?;
    if bytes.len() as u64 != total {
        return Err(Failure::new(
            ErrorKind::Unavailable,
            format!(
                "{name} is {total} bytes long, but only {} arrived; try again",
                bytes.len()
            ),
        ));
    }
    file::write(to, &bytes)
}
