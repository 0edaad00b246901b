//! `RegistryService`.

use super::{pieces, upload::Upload};
use crate::{ControlConfig, ControlDeps, error::ControlError};
use assay_api::registry::{
    DescribeVersionRequest, DescribeVersionResponse, GetBundleRequest, GetBundleResponse,
    ListModelsRequest, ListModelsResponse, PromoteRequest, PromoteResponse, PutBundleRequest,
    PutBundleResponse, RollBackRequest, RollBackResponse, model_to_wire,
    registry_service_server::RegistryService, version_to_wire,
};
use assay_core::Digest;
use assay_pipeline::bundle::{CARD_FILE, DOCUMENT_FILE};
use assay_runtime::access::Caller;
use assay_store::{
    BundleFiles, BundleRegistry, ModelRef, ModelVersion, PRODUCTION, Resolved, StoreError,
    VersionOrigin, resolve_ref,
};
use futures::{StreamExt, stream, stream::BoxStream};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming};

/// The service.
pub(crate) struct Registry {
    registry: Arc<dyn BundleRegistry>,
    default_model: String,
    max_bundle_bytes: u64,
    uploads: Semaphore,
    max_uploads: usize,
}

impl Registry {
    pub(crate) fn new(config: &ControlConfig, deps: ControlDeps) -> Self {
        Self {
            registry: deps.registry,
            default_model: config.default_model.clone(),
            max_bundle_bytes: config.max_bundle_bytes,
            uploads: Semaphore::new(config.max_uploads),
            max_uploads: config.max_uploads,
        }
    }

    async fn resolve(&self, model: &str) -> Result<Resolved, ControlError> {
        let model = ModelRef::parse(model, &self.default_model)?;
        Ok(resolve_ref(&*self.registry, &model).await?)
    }

    /// The version of a reference; of a digest, the first version that has it.
    async fn version(&self, model: &str) -> Result<ModelVersion, ControlError> {
        let bundle = match self.resolve(model).await? {
            Resolved::Version(version) => return Ok(version),
            Resolved::Bundle(bundle) => bundle,
        };
        let models = self.registry.list().await?;
        let mut versions = models.into_iter().flat_map(|model| model.versions);
        let found = versions.find(|version| version.bundle == bundle);
        found.ok_or_else(|| {
            ControlError::Store(StoreError::NotFound {
                what: "version of bundle",
                name: bundle.to_string(),
                advice: "; put it under a name".to_owned(),
            })
        })
    }

    async fn files(&self, bundle: Digest) -> Result<BundleFiles, ControlError> {
        Ok(self.registry.files(bundle).await?)
    }
}

fn alias(alias: &str) -> &str {
    if alias.is_empty() { PRODUCTION } else { alias }
}

fn text(files: &BundleFiles, name: &str) -> String {
    let bytes = files.get(name).map(AsRef::as_ref).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

#[tonic::async_trait]
impl RegistryService for Registry {
    async fn list_models(
        &self,
        _request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let models = self.registry.list().await.map_err(ControlError::from)?;
        Ok(Response::new(ListModelsResponse {
            models: models.iter().map(model_to_wire).collect(),
        }))
    }

    async fn describe_version(
        &self,
        request: Request<DescribeVersionRequest>,
    ) -> Result<Response<DescribeVersionResponse>, Status> {
        let version = self.version(&request.get_ref().model).await?;
        let files = self.files(version.bundle).await?;
        Ok(Response::new(DescribeVersionResponse {
            version: Some(version_to_wire(&version)),
            bundle_json: text(&files, DOCUMENT_FILE),
            card: text(&files, CARD_FILE),
        }))
    }

    async fn put_bundle(
        &self,
        request: Request<Streaming<PutBundleRequest>>,
    ) -> Result<Response<PutBundleResponse>, Status> {
        let Ok(_permit) = self.uploads.try_acquire() else {
            let limit = self.max_uploads;
            return Err(ControlError::Busy { limit }.into());
        };
        let caller = Caller::of(&request);
        let upload = Upload::receive(request.into_inner(), self.max_bundle_bytes).await?;
        let checked = upload.check().await?;
        let origin = VersionOrigin {
            job: None,
            principal: caller.principal().to_owned(),
        };
        let (name, version) = (&checked.name, &checked.version);
        caller.concerns(format_args!("model {name}:{version}"));
        let put = self
            .registry
            .put(name, version, checked.bundle, checked.files, origin);
        let version = put.await.map_err(ControlError::from)?;
        Ok(Response::new(PutBundleResponse {
            version: Some(version_to_wire(&version)),
        }))
    }

    type GetBundleStream = BoxStream<'static, Result<GetBundleResponse, Status>>;

    async fn get_bundle(
        &self,
        request: Request<GetBundleRequest>,
    ) -> Result<Response<Self::GetBundleStream>, Status> {
        let bundle = self.resolve(&request.get_ref().model).await?.bundle();
        let files = self.files(bundle).await?;
        let parts = files.into_iter().flat_map(|(name, bytes)| {
            pieces::of(bytes).map(move |piece| {
                Ok(GetBundleResponse {
                    file_name: name.clone(),
                    chunk: piece.into(),
                })
            })
        });
        Ok(Response::new(stream::iter(parts).boxed()))
    }

    async fn promote(
        &self,
        request: Request<PromoteRequest>,
    ) -> Result<Response<PromoteResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let expected = Some(request.expected_version.as_str()).filter(|text| !text.is_empty());
        let (name, alias, version) = (&request.name, alias(&request.alias), &request.version);
        caller.concerns(format_args!("model {name}@{alias} to {version}"));
        let who = caller.principal();
        let promoted = self
            .registry
            .promote(name, alias, version, expected.map(Some), who);
        let change = promoted.await.map_err(ControlError::from)?;
        Ok(Response::new(PromoteResponse {
            step: change.step,
            version: change.version.unwrap_or_default(),
        }))
    }

    async fn roll_back(
        &self,
        request: Request<RollBackRequest>,
    ) -> Result<Response<RollBackResponse>, Status> {
        let caller = Caller::of(&request);
        let RollBackRequest { name, alias: to } = request.into_inner();
        let (alias, who) = (alias(&to), caller.principal());
        caller.concerns(format_args!("model {name}@{alias}"));
        let rolled = self.registry.roll_back(&name, alias, who).await;
        let change = rolled.map_err(ControlError::from)?;
        Ok(Response::new(RollBackResponse {
            step: change.step,
            version: change.version.unwrap_or_default(),
        }))
    }
}
