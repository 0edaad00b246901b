//! `DatasetService`.

use crate::{
    ControlDeps,
    datasets::{create, read},
};
use assay_api::{
    datasets::{
        CreateDatasetRequest, CreateDatasetResponse, GetDatasetRequest, GetDatasetResponse,
        dataset_service_server::DatasetService, row_to_wire,
    },
    field,
};
use assay_store::BlobStore;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub(crate) struct Datasets {
    blobs: Arc<dyn BlobStore>,
}

impl Datasets {
    pub(crate) fn new(deps: ControlDeps) -> Self {
        Self { blobs: deps.blobs }
    }
}

#[tonic::async_trait]
impl DatasetService for Datasets {
    async fn create_dataset(
        &self,
        request: Request<CreateDatasetRequest>,
    ) -> Result<Response<CreateDatasetResponse>, Status> {
        let stored = create(&*self.blobs, request.into_inner().rows).await?;
        let labels = stored.known_labels().into_iter().map(str::to_owned);
        Ok(Response::new(CreateDatasetResponse {
            digest: stored.digest.to_string(),
            rows: u32::try_from(stored.list.rows().len()).unwrap_or(u32::MAX),
            labels: labels.collect(),
        }))
    }

    async fn get_dataset(
        &self,
        request: Request<GetDatasetRequest>,
    ) -> Result<Response<GetDatasetResponse>, Status> {
        let digest = field::digest("digest", &request.get_ref().digest)?;
        let (stored, _) = read(&*self.blobs, "digest", digest).await?;
        Ok(Response::new(GetDatasetResponse {
            digest: digest.to_string(),
            rows: stored.list.rows().iter().map(row_to_wire).collect(),
        }))
    }
}
