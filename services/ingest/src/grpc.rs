//! The gRPC service: messages to and from the domain.

mod chunks;
mod many;

use crate::{
    IngestConfig, IngestDeps, IngestError,
    images::{Studio, Wish},
    measure, numbers,
    recipes::Recipes,
    shelf::{Kept, Shelf},
};
use assay_api::{
    MAX_MESSAGE_BYTES, field,
    ingest::{
        GetFileRequest, GetFileResponse, GetSpectrumRequest, GetSpectrumResponse, PutFileRequest,
        PutFileResponse, PutSpectraRequest, PutSpectraResponse, PutSpectrumRequest,
        PutSpectrumResponse, RenderImageRequest, RenderImageResponse, RenderImageStreamRequest,
        RenderImageStreamResponse, ingest_service_server::IngestService,
    },
    spectrum::{SpectrumSummary, Warning},
    summary, warning,
};
use assay_runtime::Shutdown;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

const LONGEST_FILE_NAME: usize = 1024;

/// The service.
pub(crate) struct Service {
    shelf: Shelf,
    studio: Studio,
    shutdown: Shutdown,
    max_message_bytes: usize,
}

impl Service {
    pub(crate) fn new(config: &IngestConfig, deps: IngestDeps, shutdown: Shutdown) -> Self {
        let recipes = Recipes::new(deps.registry, config.max_recipes);
        Self {
            shelf: Shelf::new(deps.blobs, config.readers),
            studio: Studio::new(config, recipes),
            shutdown,
            max_message_bytes: config.max_message_bytes.unwrap_or(MAX_MESSAGE_BYTES),
        }
    }

    async fn file(&self, request: PutFileRequest) -> Result<Kept, IngestError> {
        let name = field::line("file_name", &request.file_name, LONGEST_FILE_NAME)?;
        let found = request.content.len();
        if found == 0 || found > self.max_message_bytes {
            let most = self.max_message_bytes;
            let reason = format!("has {found} bytes; allowed: 1 to {most}");
            return Err(IngestError::field("content", reason));
        }
        self.shelf.put_file(request.content.into(), name).await
    }

    async fn numbers(&self, request: PutSpectrumRequest) -> Result<Kept, IngestError> {
        self.shelf.put_spectrum(numbers::spectrum(request)?).await
    }

    async fn kept(&self, digest: &str) -> Result<Kept, IngestError> {
        self.shelf.get(field::digest("digest", digest)?).await
    }
}

fn described(kept: &Kept) -> (Option<SpectrumSummary>, Vec<Warning>) {
    let origin = summary::Origin {
        digest: kept.digest,
        format: kept.format,
        further_records: kept.reading.further_records,
    };
    let summary = summary::of(&kept.reading.spectrum, origin);
    (Some(summary), warning::of_reader(&kept.reading.warnings))
}

/// Counts what became of a spectrum.
fn counted(way: &'static str, result: Result<Kept, IngestError>) -> Result<Kept, IngestError> {
    match &result {
        Ok(kept) => {
            measure::spectrum(way, true);
            measure::bytes_kept(kept.content.len());
        }
        Err(error) if error.blames_the_spectrum() => measure::spectrum(way, false),
        Err(_) => {}
    }
    result
}

#[tonic::async_trait]
impl IngestService for Service {
    type RenderImageStreamStream = BoxStream<'static, Result<RenderImageStreamResponse, Status>>;

    async fn put_file(
        &self,
        request: Request<PutFileRequest>,
    ) -> Result<Response<PutFileResponse>, Status> {
        let kept = counted("file", self.file(request.into_inner()).await)?;
        let (spectrum, warnings) = described(&kept);
        Ok(Response::new(PutFileResponse { spectrum, warnings }))
    }

    async fn put_spectrum(
        &self,
        request: Request<PutSpectrumRequest>,
    ) -> Result<Response<PutSpectrumResponse>, Status> {
        let kept = counted("numbers", self.numbers(request.into_inner()).await)?;
        let (spectrum, warnings) = described(&kept);
        Ok(Response::new(PutSpectrumResponse { spectrum, warnings }))
    }

    async fn put_spectra(
        &self,
        request: Request<Streaming<PutSpectraRequest>>,
    ) -> Result<Response<PutSpectraResponse>, Status> {
        let answer = self.take_all(request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn get_spectrum(
        &self,
        request: Request<GetSpectrumRequest>,
    ) -> Result<Response<GetSpectrumResponse>, Status> {
        let kept = self.kept(&request.into_inner().digest).await?;
        let (spectrum, warnings) = described(&kept);
        Ok(Response::new(GetSpectrumResponse {
            spectrum,
            warnings,
            counts: kept.reading.spectrum.counts,
        }))
    }

    async fn get_file(
        &self,
        request: Request<GetFileRequest>,
    ) -> Result<Response<GetFileResponse>, Status> {
        let kept = self.kept(&request.into_inner().digest).await?;
        let content = kept.content.into();
        Ok(Response::new(GetFileResponse { content }))
    }

    async fn render_image(
        &self,
        request: Request<RenderImageRequest>,
    ) -> Result<Response<RenderImageResponse>, Status> {
        let wish = Wish::of(request.into_inner())?;
        let most = Some(self.max_message_bytes);
        let image = self.studio.make(&self.shelf, wish, most).await?;
        Ok(Response::new(RenderImageResponse {
            size: u32::try_from(image.side).unwrap_or(u32::MAX),
            media_type: image.encoding.media_type().to_owned(),
            image: image.bytes,
        }))
    }

    async fn render_image_stream(
        &self,
        request: Request<RenderImageStreamRequest>,
    ) -> Result<Response<Self::RenderImageStreamStream>, Status> {
        let wish = Wish::of_stream(request.into_inner())?;
        let image = self.studio.make(&self.shelf, wish, None).await?;
        Ok(Response::new(Box::pin(chunks::of(image))))
    }
}
