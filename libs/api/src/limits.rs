//! The one place that knows how large a message may be.

use crate::{
    open_inference,
    openassay::{
        datasets::v1 as datasets, explain::v1 as explain, gate::v1 as gate,
        inference::v1 as inference, ingest::v1 as ingest, jobs::v1 as jobs,
        registry::v1 as registry,
    },
};
use tonic::{
    body::Body,
    client::GrpcService,
    codec::CompressionEncoding,
    codegen::{Body as HttpBody, Bytes, StdError},
};

/// Largest message unless configured otherwise: 16 MiB.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// What a message may have above the limit for its other fields, so that a file of exactly the
/// limit still fits.
pub const ROOM_BYTES: usize = 64 << 10;

/// Generated servers and clients, whose own limit is 4 MiB.
pub trait Limited: Sized {
    /// The same with another limit in both directions. A server also takes compressed requests;
    /// the limit holds for what they unpack to.
    #[must_use]
    fn limited(self, max_message_bytes: usize) -> Self;
}

macro_rules! limited {
    ($($module:ident :: $server:ident :: $Server:ident, $client:ident :: $Client:ident;)*) => {$(
        impl<T> Limited for $module::$server::$Server<T> {
            fn limited(self, max_message_bytes: usize) -> Self {
                let bytes = max_message_bytes.saturating_add(ROOM_BYTES);
                self.max_decoding_message_size(bytes)
                    .max_encoding_message_size(bytes)
                    .accept_compressed(CompressionEncoding::Gzip)
            }
        }

        impl<T> Limited for $module::$client::$Client<T>
        where
            T: GrpcService<Body, Error: Into<StdError>>,
            T::ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
        {
            fn limited(self, max_message_bytes: usize) -> Self {
                let bytes = max_message_bytes.saturating_add(ROOM_BYTES);
                self.max_decoding_message_size(bytes)
                    .max_encoding_message_size(bytes)
            }
        }
    )*};
}

limited! {
    ingest::ingest_service_server::IngestServiceServer,
        ingest_service_client::IngestServiceClient;
    inference::inference_service_server::InferenceServiceServer,
        inference_service_client::InferenceServiceClient;
    open_inference::grpc_inference_service_server::GrpcInferenceServiceServer,
        grpc_inference_service_client::GrpcInferenceServiceClient;
    gate::gate_service_server::GateServiceServer, gate_service_client::GateServiceClient;
    explain::explain_service_server::ExplainServiceServer,
        explain_service_client::ExplainServiceClient;
    datasets::dataset_service_server::DatasetServiceServer,
        dataset_service_client::DatasetServiceClient;
    registry::registry_service_server::RegistryServiceServer,
        registry_service_client::RegistryServiceClient;
    jobs::job_service_server::JobServiceServer, job_service_client::JobServiceClient;
    jobs::worker_service_server::WorkerServiceServer,
        worker_service_client::WorkerServiceClient;
}
