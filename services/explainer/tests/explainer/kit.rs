//! A server with inference, gate and explainer, its stores in a folder, and clients.

use assay_api::{
    ClientOptions, channel,
    explain::explain_service_client::ExplainServiceClient,
    gate::{IdentifyRequest, gate_service_client::GateServiceClient},
};
use assay_backends::{Jobs, StorageConfig, Stores};
use assay_explainer::{ExplainerConfig, ExplainerDeps};
use assay_gate::{GateConfig, GateDeps};
use assay_inference::{Inference, InferenceConfig, InferenceDeps};
use assay_jobs::LocalWork;
use assay_pipeline::{Bundle, fixture};
use assay_runtime::{Readiness, Server, ServerConfig, Shutdown};
use assay_store::{PRODUCTION, VersionOrigin};
use bytes::Bytes;
use std::{
    num::NonZeroUsize,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tonic::transport::Channel;

/// A small network on images.
pub(crate) static IMAGES: LazyLock<Bundle> = LazyLock::new(fixture::image_bundle);
/// A small network on vectors.
pub(crate) static VECTORS: LazyLock<Bundle> = LazyLock::new(fixture::bundle);

pub(crate) struct Kit {
    pub(crate) explainer: ExplainServiceClient<Channel>,
    pub(crate) gate: GateServiceClient<Channel>,
    pub(crate) stores: Stores,
    pub(crate) jobs: Jobs,
    shutdown: Shutdown,
    _folder: tempfile::TempDir,
}

impl Kit {
    /// Serves models under their names.
    pub(crate) async fn start(models: &[(&str, &Bundle)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageConfig {
            data_dir: folder.path().to_path_buf(),
            ..StorageConfig::default()
        };
        let (stores, jobs) = (
            Stores::open(&storage).unwrap(),
            Jobs::embedded(&storage).unwrap(),
        );
        for (name, bundle) in models {
            register(&stores, name, bundle).await;
        }
        let shutdown = Shutdown::new(Duration::from_secs(60));
        let features = inference(&stores, &shutdown).await;
        let work = LocalWork {
            store: Arc::clone(&jobs.store),
            queue: Arc::clone(&jobs.queue),
            lease: Duration::from_secs(60),
        };
        let explainer = ExplainerDeps {
            blobs: Arc::clone(&stores.blobs),
            registry: Arc::clone(&stores.registry),
            features: Arc::clone(&features) as _,
            work: Some(Arc::new(work)),
        };
        let gate = GateDeps {
            blobs: Arc::clone(&stores.blobs),
            registry: Arc::clone(&stores.registry),
            features: Arc::clone(&features) as _,
            work: None,
        };
        let components = vec![
            assay_inference::component(features),
            assay_gate::component(&GateConfig::default(), gate, &shutdown),
            assay_explainer::component(&ExplainerConfig::default(), explainer, &shutdown),
        ];
        let config = ServerConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            ..ServerConfig::default()
        };
        let server = Server::bind(&config).await.unwrap();
        let url = format!("http://{}", server.local_address());
        tokio::spawn(server.run(components, shutdown.clone()));
        let channel = channel(&url, &ClientOptions::default()).unwrap();
        Self {
            explainer: ExplainServiceClient::new(channel.clone()),
            gate: GateServiceClient::new(channel),
            stores,
            jobs,
            shutdown,
            _folder: folder,
        }
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

async fn register(stores: &Stores, name: &str, bundle: &Bundle) {
    let files = bundle.files().into_iter();
    let files = files.map(|(name, bytes)| (name.to_owned(), Bytes::copy_from_slice(bytes)));
    let (files, origin) = (files.collect(), VersionOrigin::default());
    let put = stores.registry.put(name, "1", bundle.id(), files, origin);
    put.await.unwrap();
    let promote = stores.registry.promote(name, PRODUCTION, "1", None, "");
    promote.await.unwrap();
}

async fn inference(stores: &Stores, shutdown: &Shutdown) -> Arc<Inference> {
    let config = InferenceConfig {
        poll_interval_s: 3600.0,
        threads: NonZeroUsize::new(1),
        ..InferenceConfig::default()
    };
    let deps = InferenceDeps {
        registry: Arc::clone(&stores.registry),
        cache: Arc::clone(&stores.cache),
    };
    let inference = Inference::start(config, deps, shutdown).await.unwrap();
    let mut ready = inference.readiness();
    let ready = ready.wait_for(|ready| *ready == Readiness::Ready);
    ready.await.unwrap();
    inference
}

/// The question about a spectrum's file by a model.
pub(crate) fn question(model: &str, bytes: &[u8]) -> IdentifyRequest {
    IdentifyRequest {
        model: model.to_owned(),
        content: bytes.to_vec(),
        file_name: "a.spe".to_owned(),
        ..IdentifyRequest::default()
    }
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}
