//! What is asked, and by whom: clients of the gate with a connection each.

use crate::{
    models::{IMAGE, VECTOR},
    server::Server,
    spectra::Spectra,
};
use anyhow::Result;
use assay_api::{
    ClientOptions, Limited, channel,
    gate::{IdentifyRequest, gate_service_client::GateServiceClient},
    ingest::{PutFileRequest, ingest_service_client::IngestServiceClient},
};
use std::sync::atomic::{AtomicU64, Ordering};
use tonic::transport::Channel;

/// How a spectrum comes to the server, and what answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// Named by its digest; features cached.
    CachedDigest,
    /// In the message; features cached.
    CachedContent,
    /// In the message and never seen before; model on input vectors, nothing cached.
    New,
}

impl Case {
    pub(crate) const ALL: [Self; 3] = [Self::CachedDigest, Self::CachedContent, Self::New];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CachedDigest => "cached features, by digest",
            Self::CachedContent => "cached features, in the message",
            Self::New => "new spectrum, 1D model",
        }
    }

    pub(crate) const fn is_cached(self) -> bool {
        matches!(self, Self::CachedDigest | Self::CachedContent)
    }
}

/// Makes questions.
pub(crate) struct Questions<'a> {
    spectra: &'a Spectra,
    digests: Vec<String>,
    next: AtomicU64,
}

impl<'a> Questions<'a> {
    /// Puts every file, so that it can be named by its digest.
    pub(crate) async fn new(server: &Server, spectra: &'a Spectra) -> Result<Self> {
        let options = ClientOptions::default();
        let mut ingest = IngestServiceClient::new(channel(&server.ingest, &options)?)
            .limited(options.max_message_bytes);
        let mut digests = Vec::new();
        for file in &spectra.files {
            let request = PutFileRequest {
                content: file.bytes.clone(),
                file_name: String::new(),
            };
            let put = ingest.put_file(request).await?.into_inner();
            digests.push(put.spectrum.unwrap_or_default().digest);
        }
        Ok(Self {
            spectra,
            digests,
            next: AtomicU64::new(0),
        })
    }

    /// The next question; no two of [`Case::New`] are about the same spectrum.
    pub(crate) fn next(&self, case: Case) -> IdentifyRequest {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let at = usize::try_from(number).unwrap_or_default() % self.digests.len();
        let model = if case.is_cached() { IMAGE } else { VECTOR };
        let mut request = IdentifyRequest {
            model: model.to_owned(),
            ..IdentifyRequest::default()
        };
        match case {
            Case::CachedDigest => request.spectrum_digest.clone_from(&self.digests[at]),
            Case::CachedContent => request.content = self.spectra.files[at].bytes.clone(),
            Case::New => request.content = self.spectra.variant(number),
        }
        request
    }

    /// Number of files.
    pub(crate) fn files(&self) -> usize {
        self.digests.len()
    }
}

/// A client with a connection of its own.
pub(crate) fn client(server: &Server) -> Result<GateServiceClient<Channel>> {
    let options = ClientOptions::default();
    let client = GateServiceClient::new(channel(&server.gate, &options)?);
    Ok(client.limited(options.max_message_bytes))
}
