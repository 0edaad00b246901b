//! A server with the service and a client of it.

use assay_api::{
    ClientOptions, Limited, channel,
    ingest::{PutSpectrumRequest, ingest_service_client::IngestServiceClient},
};
use assay_ingest::{IngestConfig, IngestDeps, component};
use assay_runtime::{Server, ServerConfig, Shutdown};
use assay_store::{BundleRegistry, ObjectBlobs, ObjectRegistry};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt;

pub(crate) struct Serving {
    pub(crate) client: IngestServiceClient<Channel>,
    pub(crate) registry: Arc<dyn BundleRegistry>,
    pub(crate) shutdown: Shutdown,
    folder: TempDir,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Serving {
    pub(crate) async fn start() -> Self {
        Self::start_with(IngestConfig::default()).await
    }

    pub(crate) async fn start_with(config: IngestConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry: Arc<dyn BundleRegistry> =
            Arc::new(ObjectRegistry::local(&folder.path().join("registry")).unwrap());
        let deps = IngestDeps {
            blobs: Arc::new(ObjectBlobs::local(&folder.path().join("blobs")).unwrap()),
            registry: Arc::clone(&registry),
        };
        let address = ServerConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            ..ServerConfig::default()
        };
        let shutdown = Shutdown::new(Duration::from_secs(20));
        let service = component(config, deps, &shutdown);
        let server = Server::bind(&address).await.unwrap();
        let url = format!("http://{}", server.local_address());
        let server = tokio::spawn(server.run(vec![service], shutdown.clone()));
        let options = ClientOptions {
            max_message_bytes: 64 << 20,
            ..ClientOptions::default()
        };
        let client = IngestServiceClient::new(channel(&url, &options).unwrap());
        Self {
            client: client.limited(options.max_message_bytes),
            registry,
            shutdown,
            folder,
            server,
        }
    }

    /// Every file under the folder of blobs.
    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.path().join("blobs")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }

    pub(crate) async fn end(self) {
        drop(self.client);
        self.shutdown.begin();
        self.server.await.unwrap().unwrap();
    }
}

/// A spectrum that the default recipe takes: a slope, three peaks, its own numbers each time.
pub(crate) fn spectrum(seed: u64) -> PutSpectrumRequest {
    let counts = (0..16_384u64).map(|channel| {
        let peak = [1000, 5000 + seed, 11_000]
            .iter()
            .map(|&at| 4000 / (1 + channel.abs_diff(at).pow(2)))
            .sum::<u64>();
        200 - channel / 100 + peak + (channel * (seed + 7)) % 13
    });
    PutSpectrumRequest {
        counts: counts.collect(),
        live_time_s: 90.25,
        real_time_s: 100.5,
        calibration_kev: vec![-1.5, 0.7152],
        start_time: "2026-05-01T12:00:00Z".to_owned(),
        title: format!("probe {seed}"),
    }
}

/// The fields that a status complains of.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    let violations = status
        .get_details_bad_request()
        .map(|request| request.field_violations);
    let violations = violations.unwrap_or_default().into_iter();
    violations.map(|violation| violation.field).collect()
}
