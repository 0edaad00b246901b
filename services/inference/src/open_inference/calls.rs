//! The calls of the protocol: what each takes, and who answers it.

use super::{NAMED, Service, describe, end, faults};
use crate::inference::moment;
use assay_api::open_inference::{self as wire, grpc_inference_service_server as server};
use assay_runtime::{request::time_left, stream};
use futures::{StreamExt, stream::BoxStream};
use tonic::{Request, Response, Status, Streaming};

/// What is offered beyond the required calls, by the names that Triton gives it.
const EXTENSIONS: [&str; 5] = [
    "classification",
    "model_configuration",
    "model_repository",
    "parameters",
    "statistics",
];

/// Requests of one stream in work at once.
const STREAM_AT_ONCE: usize = 8;

const MEMORY: &str = "this server shares no memory with clients; send tensors in the message";
const TRACES: &str = "traces are set in the server's configuration, not by its clients";
const LOGS: &str = "logs are set in the server's configuration, not by its clients";

#[tonic::async_trait]
impl server::GrpcInferenceService for Service {
    async fn server_live(
        &self,
        _request: Request<wire::ServerLiveRequest>,
    ) -> Result<Response<wire::ServerLiveResponse>, Status> {
        Ok(Response::new(wire::ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _request: Request<wire::ServerReadyRequest>,
    ) -> Result<Response<wire::ServerReadyResponse>, Status> {
        let ready = self.inference.names().all_ready();
        Ok(Response::new(wire::ServerReadyResponse { ready }))
    }

    async fn model_ready(
        &self,
        request: Request<wire::ModelReadyRequest>,
    ) -> Result<Response<wire::ModelReadyResponse>, Status> {
        let asked = request.into_inner();
        let text = faults::reference(&asked.name, &asked.version, NAMED)?;
        let found = self.inference.names().in_memory(&text);
        let found = found.map_err(|error| faults::status(error, NAMED, "name"))?;
        let ready = found.is_some();
        Ok(Response::new(wire::ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _request: Request<wire::ServerMetadataRequest>,
    ) -> Result<Response<wire::ServerMetadataResponse>, Status> {
        Ok(Response::new(wire::ServerMetadataResponse {
            name: "openassay".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extensions: EXTENSIONS.map(str::to_owned).to_vec(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<wire::ModelMetadataRequest>,
    ) -> Result<Response<wire::ModelMetadataResponse>, Status> {
        let asked = request.get_ref();
        let served = self.named(&asked.name, &asked.version, &request).await?;
        let versions = self.inference.names().versions(&served.name);
        Ok(Response::new(describe::metadata(&served, versions)))
    }

    async fn model_infer(
        &self,
        request: Request<wire::ModelInferRequest>,
    ) -> Result<Response<wire::ModelInferResponse>, Status> {
        let deadline = moment(time_left(request.metadata()));
        let answer = self.infer(request.into_inner(), deadline).await?;
        Ok(Response::new(answer))
    }

    type ModelStreamInferStream =
        BoxStream<'static, Result<wire::ModelStreamInferResponse, Status>>;

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<wire::ModelInferRequest>>,
    ) -> Result<Response<Self::ModelStreamInferStream>, Status> {
        let until = moment(time_left(request.metadata()));
        let service = self.clone();
        let answers = stream::answers(
            request.into_inner(),
            end(self.inference.shutdown().clone(), until),
            STREAM_AT_ONCE,
            move |request| service.clone().begun(request, until),
        );
        Ok(Response::new(answers.boxed()))
    }

    async fn model_config(
        &self,
        request: Request<wire::ModelConfigRequest>,
    ) -> Result<Response<wire::ModelConfigResponse>, Status> {
        let asked = request.get_ref();
        let served = self.named(&asked.name, &asked.version, &request).await?;
        let config = describe::config(&served, self.inference.max_message_bytes());
        Ok(Response::new(wire::ModelConfigResponse {
            config: Some(config),
        }))
    }

    async fn model_statistics(
        &self,
        request: Request<wire::ModelStatisticsRequest>,
    ) -> Result<Response<wire::ModelStatisticsResponse>, Status> {
        self.statistics_of(request.into_inner()).map(Response::new)
    }

    async fn repository_index(
        &self,
        request: Request<wire::RepositoryIndexRequest>,
    ) -> Result<Response<wire::RepositoryIndexResponse>, Status> {
        self.index(request).await.map(Response::new)
    }

    async fn repository_model_load(
        &self,
        request: Request<wire::RepositoryModelLoadRequest>,
    ) -> Result<Response<wire::RepositoryModelLoadResponse>, Status> {
        self.load(request).await.map(Response::new)
    }

    async fn repository_model_unload(
        &self,
        request: Request<wire::RepositoryModelUnloadRequest>,
    ) -> Result<Response<wire::RepositoryModelUnloadResponse>, Status> {
        self.unload(request).await.map(Response::new)
    }

    async fn system_shared_memory_status(
        &self,
        _request: Request<wire::SystemSharedMemoryStatusRequest>,
    ) -> Result<Response<wire::SystemSharedMemoryStatusResponse>, Status> {
        Err(Status::unimplemented(MEMORY))
    }

    async fn system_shared_memory_register(
        &self,
        _request: Request<wire::SystemSharedMemoryRegisterRequest>,
    ) -> Result<Response<wire::SystemSharedMemoryRegisterResponse>, Status> {
        Err(Status::unimplemented(MEMORY))
    }

    async fn system_shared_memory_unregister(
        &self,
        _request: Request<wire::SystemSharedMemoryUnregisterRequest>,
    ) -> Result<Response<wire::SystemSharedMemoryUnregisterResponse>, Status> {
        Err(Status::unimplemented(MEMORY))
    }

    async fn cuda_shared_memory_status(
        &self,
        _request: Request<wire::CudaSharedMemoryStatusRequest>,
    ) -> Result<Response<wire::CudaSharedMemoryStatusResponse>, Status> {
        Err(Status::unimplemented(MEMORY))
    }

    async fn cuda_shared_memory_register(
        &self,
        _request: Request<wire::CudaSharedMemoryRegisterRequest>,
    ) -> Result<Response<wire::CudaSharedMemoryRegisterResponse>, Status> {
        Err(Status::unimplemented(MEMORY))
    }

    async fn cuda_shared_memory_unregister(
        &self,
        _request: Request<wire::CudaSharedMemoryUnregisterRequest>,
    ) -> Result<Response<wire::CudaSharedMemoryUnregisterResponse>, Status> {
        Err(Status::unimplemented(MEMORY))
    }

    async fn trace_setting(
        &self,
        _request: Request<wire::TraceSettingRequest>,
    ) -> Result<Response<wire::TraceSettingResponse>, Status> {
        Err(Status::unimplemented(TRACES))
    }

    async fn log_settings(
        &self,
        _request: Request<wire::LogSettingsRequest>,
    ) -> Result<Response<wire::LogSettingsResponse>, Status> {
        Err(Status::unimplemented(LOGS))
    }
}
