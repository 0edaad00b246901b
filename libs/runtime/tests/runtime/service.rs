//! The generated ingestion service, whose handlers do what the digest in a request tells them.

use assay_api::ingest::{
    GetFileRequest, GetFileResponse, GetSpectrumRequest, GetSpectrumResponse, PutFileRequest,
    PutFileResponse, PutSpectraRequest, PutSpectraResponse, PutSpectrumRequest,
    PutSpectrumResponse, RenderImageRequest, RenderImageResponse, RenderImageStreamRequest,
    RenderImageStreamResponse,
    ingest_service_server::{IngestService, IngestServiceServer},
};
use assay_runtime::{Component, Shutdown, access::Caller, request};
use futures::{StreamExt, stream::BoxStream};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming};

/// Full name of the service.
pub(crate) const NAME: &str = "openassay.ingest.v1.IngestService";

/// Parts of a long answer, far more than a peer lets come unread.
pub(crate) const LONG_PARTS: usize = 64;
/// Size of one of them.
pub(crate) const LONG_PART_BYTES: usize = 1 << 18;

/// Size of an answer that is one part.
pub(crate) const LARGE_BYTES: usize = 1 << 20;

/// Where a test meets the handlers.
#[derive(Debug)]
pub(crate) struct Meeting {
    arrived: Semaphore,
    released: Semaphore,
}

impl Meeting {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            arrived: Semaphore::new(0),
            released: Semaphore::new(0),
        })
    }

    /// Waits until one more handler waits.
    pub(crate) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets one waiting handler go on.
    pub(crate) fn release(&self) {
        self.released.add_permits(1);
    }

    async fn wait(&self) {
        self.arrived.add_permits(1);
        self.released.acquire().await.unwrap().forget();
    }
}

/// The service.
pub(crate) struct Told {
    meeting: Arc<Meeting>,
    shutdown: Shutdown,
}

/// The service as a component. `limit`: tonic's own limit of a message, either way.
pub(crate) fn component(meeting: &Arc<Meeting>, shutdown: &Shutdown, limit: usize) -> Component {
    let service = Told {
        meeting: Arc::clone(meeting),
        shutdown: shutdown.clone(),
    };
    let server = IngestServiceServer::new(service)
        .max_decoding_message_size(limit)
        .max_encoding_message_size(limit);
    Component::new("told", vec![NAME], |routes| {
        routes.add_service(server);
    })
}

/// What a request carries as a handler sees it.
fn carried<T>(request: &Request<T>) -> String {
    let trace = request.metadata().get(request::TRACE_PARENT).unwrap();
    let id = request::id(request.metadata()).unwrap();
    format!("{id} {}", trace.to_str().unwrap())
}

#[tonic::async_trait]
impl IngestService for Told {
    async fn get_file(
        &self,
        request: Request<GetFileRequest>,
    ) -> Result<Response<GetFileResponse>, Status> {
        let carried = carried(&request);
        let shown = request.metadata().get("authorization").is_some();
        let caller = format!("{} {shown}", Caller::of(&request).principal());
        let digest = request.into_inner().digest;
        match digest.as_str() {
            "panic" => panic!("a secret word"),
            "wait" => self.meeting.wait().await,
            "never" => std::future::pending().await,
            "missing" => return Err(Status::not_found("no such file")),
            _ => {}
        }
        let content = match digest.as_str() {
            "who" => carried.into_bytes(),
            "caller" => caller.into_bytes(),
            "large" => vec![7; LARGE_BYTES],
            _ => digest.into_bytes(),
        };
        Ok(Response::new(GetFileResponse { content }))
    }

    async fn put_file(
        &self,
        _request: Request<PutFileRequest>,
    ) -> Result<Response<PutFileResponse>, Status> {
        Ok(Response::new(PutFileResponse::default()))
    }

    async fn put_spectra(
        &self,
        request: Request<Streaming<PutSpectraRequest>>,
    ) -> Result<Response<PutSpectraResponse>, Status> {
        let mut spectra = request.into_inner();
        let mut accepted = 0;
        while spectra.message().await?.is_some() {
            accepted += 1;
            self.meeting.arrived.add_permits(1);
        }
        Ok(Response::new(PutSpectraResponse {
            accepted,
            ..PutSpectraResponse::default()
        }))
    }

    type RenderImageStreamStream = BoxStream<'static, Result<RenderImageStreamResponse, Status>>;

    async fn render_image_stream(
        &self,
        request: Request<RenderImageStreamRequest>,
    ) -> Result<Response<Self::RenderImageStreamStream>, Status> {
        let whole = match request.get_ref().digest.as_str() {
            "long" => Some((LONG_PARTS, LONG_PART_BYTES)),
            "large" => Some((1, LARGE_BYTES)),
            _ => None,
        };
        if let Some((parts, bytes)) = whole {
            let part = RenderImageStreamResponse {
                chunk: vec![7; bytes],
                ..RenderImageStreamResponse::default()
            };
            let parts = futures::stream::iter(vec![Ok(part); parts]);
            return Ok(Response::new(parts.boxed()));
        }
        let first = futures::stream::iter([Ok(RenderImageStreamResponse::default())]);
        let begun = self.shutdown.begun();
        let meeting = Arc::clone(&self.meeting);
        let digest = request.into_inner().digest;
        let rest = futures::stream::once(async move {
            match digest.as_str() {
                "panic" => {
                    meeting.wait().await;
                    panic!("a secret word")
                }
                "follow" => {
                    begun.await;
                    Err(Status::unavailable("shutting down; go on elsewhere"))
                }
                "short" => Ok(RenderImageStreamResponse::default()),
                "wait" => {
                    meeting.wait().await;
                    Ok(RenderImageStreamResponse::default())
                }
                _ => std::future::pending().await,
            }
        });
        Ok(Response::new(first.chain(rest).boxed()))
    }

    async fn put_spectrum(
        &self,
        _request: Request<PutSpectrumRequest>,
    ) -> Result<Response<PutSpectrumResponse>, Status> {
        Err(Status::out_of_range("a value"))
    }

    async fn get_spectrum(
        &self,
        _request: Request<GetSpectrumRequest>,
    ) -> Result<Response<GetSpectrumResponse>, Status> {
        Ok(Response::new(GetSpectrumResponse::default()))
    }

    async fn render_image(
        &self,
        _request: Request<RenderImageRequest>,
    ) -> Result<Response<RenderImageResponse>, Status> {
        Ok(Response::new(RenderImageResponse::default()))
    }
}
