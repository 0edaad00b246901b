//! Where spectra are kept: the bytes of their files under the digest of these.

use crate::{IngestError, measure};
use assay_core::Digest;
use assay_formats::{Format, FormatError, MAX_FILE_BYTES, Reading, canonical_spe};
use assay_spectrum::Spectrum;
use assay_store::BlobStore;
use assay_trace::{STEP, step};
use bytes::Bytes;
use std::{sync::Arc, time::Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::debug_span;

/// A spectrum that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) digest: Digest,
    pub(crate) format: Format,
    pub(crate) reading: Reading,
    pub(crate) content: Bytes,
}

/// Reads, checks and keeps spectra. Reading is work for threads that may be busy for a while.
#[derive(Clone)]
pub(crate) struct Shelf {
    blobs: Arc<dyn BlobStore>,
    readers: Arc<Semaphore>,
}

impl Shelf {
    pub(crate) fn new(blobs: Arc<dyn BlobStore>, readers: usize) -> Self {
        let readers = Arc::new(Semaphore::new(readers));
        Self { blobs, readers }
    }

    /// Keeps a file, if it is a spectrum. Only the content tells the format: whoever reads it
    /// later knows no name.
    pub(crate) async fn put_file(
        &self,
        content: Bytes,
        file_name: &str,
    ) -> Result<Kept, IngestError> {
        let (format, reading) = self.read(content.clone()).await?.map_err(|source| {
            let file = match file_name {
                "" => String::new(),
                name => format!("{name}: "),
            };
            IngestError::File {
                file,
                source: Box::new(source),
            }
        })?;
        self.put(content, format, reading).await
    }

    /// Keeps a spectrum in the one form that equal spectra share.
    pub(crate) async fn put_spectrum(&self, spectrum: Spectrum) -> Result<Kept, IngestError> {
        let reader = self.reader().await?;
        let written = move || {
            let _reader = reader;
            let content = canonical_spe(&spectrum);
            // Read again, so that what is told now is what everybody will read later.
            let read = read(&content).map_err(IngestError::defect)?;
            if read.1.spectrum.counts != spectrum.counts {
                return Err(IngestError::defect(
                    "a spectrum was not read as it was written",
                ));
            }
            Ok((Bytes::from(content), read))
        };
        let (content, (format, reading)) = tokio::task::spawn_blocking(written)
            .await
            .map_err(IngestError::defect)??;
        self.put(content, format, reading).await
    }

    /// A spectrum that was kept before.
    pub(crate) async fn get(&self, digest: Digest) -> Result<Kept, IngestError> {
        let begun = Instant::now();
        // A digest may be that of anything: what is larger than any spectrum is not fetched.
        let size_bytes = self.blobs.size(digest).await?.unwrap_or(0);
        let size_bytes = usize::try_from(size_bytes).unwrap_or(usize::MAX);
        if size_bytes > MAX_FILE_BYTES {
            let source = Box::new(FormatError::TooLarge {
                size_bytes,
                limit_bytes: MAX_FILE_BYTES,
            });
            return Err(IngestError::NoSpectrum { digest, source });
        }
        let content = self.blobs.get(digest).await?;
        measure::stage("fetch", begun);
        let (format, reading) =
            self.read(content.clone())
                .await?
                .map_err(|source| IngestError::NoSpectrum {
                    digest,
                    source: Box::new(source),
                })?;
        Ok(Kept {
            digest,
            format,
            reading,
            content,
        })
    }

    async fn put(
        &self,
        content: Bytes,
        format: Format,
        reading: Reading,
    ) -> Result<Kept, IngestError> {
        let begun = Instant::now();
        let digest = self.blobs.put(content.clone()).await?;
        measure::stage("store", begun);
        Ok(Kept {
            digest,
            format,
            reading,
            content,
        })
    }

    /// A place among those who read. It goes with the work: a caller who leaves does not stop it.
    async fn reader(&self) -> Result<OwnedSemaphorePermit, IngestError> {
        let readers = Arc::clone(&self.readers);
        readers.acquire_owned().await.map_err(IngestError::defect)
    }

    async fn read(
        &self,
        content: Bytes,
    ) -> Result<Result<(Format, Reading), FormatError>, IngestError> {
        let reader = self.reader().await?;
        let begun = Instant::now();
        let reading = move || {
            let _reader = reader;
            read(&content)
        };
        let span = debug_span!(target: STEP, "read");
        let found = step(span, tokio::task::spawn_blocking(reading)).await;
        measure::stage("read", begun);
        found.map_err(IngestError::defect)
    }
}

fn read(content: &[u8]) -> Result<(Format, Reading), FormatError> {
    let reading = assay_formats::read(content, None)?;
    // Only a format that was detected can have been read.
    let format = Format::detect(None, content).unwrap_or(Format::Spe);
    Ok((format, reading))
}
