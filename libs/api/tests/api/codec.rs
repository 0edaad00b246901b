//! A small request that would be large in memory is refused before it is.

use assay_api::{
    Limited, MAX_MESSAGE_BYTES,
    codec::MAX_FIELDS,
    datasets::{
        CreateDatasetRequest, CreateDatasetResponse, DatasetRow, GetDatasetRequest,
        GetDatasetResponse, MAX_ROWS,
        dataset_service_client::DatasetServiceClient,
        dataset_service_server::{DatasetService, DatasetServiceServer},
    },
};
use tokio::net::TcpListener;
use tonic::{
    Code, Request, Response, Status, codec::CompressionEncoding, transport::server::TcpIncoming,
};
use tonic_types::StatusExt;

/// Counts rows and keeps nothing.
struct Counting;

#[tonic::async_trait]
impl DatasetService for Counting {
    async fn create_dataset(
        &self,
        request: Request<CreateDatasetRequest>,
    ) -> Result<Response<CreateDatasetResponse>, Status> {
        Ok(Response::new(CreateDatasetResponse {
            rows: u32::try_from(request.into_inner().rows.len()).unwrap(),
            ..CreateDatasetResponse::default()
        }))
    }

    async fn get_dataset(
        &self,
        _: Request<GetDatasetRequest>,
    ) -> Result<Response<GetDatasetResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }
}

#[tokio::test]
async fn rows_beyond_all_limits_are_refused_before_they_are_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = DatasetServiceServer::new(Counting).limited(MAX_MESSAGE_BYTES);
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let client = DatasetServiceClient::connect(url).await.unwrap();
    let mut client = client.send_compressed(CompressionEncoding::Gzip);
    // One row too many is still the service's to refuse, in its own words.
    for rows in [MAX_ROWS, MAX_ROWS + 1, MAX_FIELDS] {
        let rows = vec![DatasetRow::default(); rows];
        let asked = rows.len();
        let answer = client.create_dataset(CreateDatasetRequest { rows }).await;
        assert_eq!(answer.unwrap().into_inner().rows as usize, asked);
    }
    let rows = vec![DatasetRow::default(); MAX_FIELDS + 1];
    let refused = client.create_dataset(CreateDatasetRequest { rows }).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    let reason = refused.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "MESSAGE_TOO_LARGE");
    assert!(
        refused.message().contains(&format!("{MAX_FIELDS} fields")),
        "{refused}"
    );
}
