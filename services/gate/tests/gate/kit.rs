//! A server with inference and gate, its stores in a folder, and a client.

use assay_answering::{
    AnswerError, Explaining, FeatureSource, Features, ImportanceRow, ServedModel,
};
use assay_api::{
    ClientOptions, channel,
    gate::{IdentifyRequest, gate_service_client::GateServiceClient},
};
use assay_backends::{Jobs, StorageConfig, Stores};
use assay_core::Digest;
use assay_gate::{GateConfig, GateDeps};
use assay_inference::{Inference, InferenceConfig, InferenceDeps};
use assay_jobs::LocalWork;
use assay_pipeline::{Bundle, fixture};
use assay_runtime::{Readiness, Server, ServerConfig, Shutdown};
use assay_store::{PRODUCTION, VersionOrigin};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    num::NonZeroUsize,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use tonic::transport::Channel;

/// A small network on vectors.
pub(crate) static BUNDLE: LazyLock<Bundle> = LazyLock::new(fixture::bundle);

pub(crate) struct Kit {
    pub(crate) gate: GateServiceClient<Channel>,
    pub(crate) features: Arc<Watched>,
    pub(crate) stores: Stores,
    pub(crate) jobs: Jobs,
    pub(crate) shutdown: Shutdown,
    pub(crate) url: String,
    server: JoinHandle<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

impl Kit {
    pub(crate) async fn start() -> Self {
        Self::start_with(GateConfig::default()).await
    }

    pub(crate) async fn start_with(config: GateConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageConfig {
            data_dir: folder.path().to_path_buf(),
            ..StorageConfig::default()
        };
        let (stores, jobs) = (
            Stores::open(&storage).unwrap(),
            Jobs::embedded(&storage).unwrap(),
        );
        register(&stores).await;
        let shutdown = Shutdown::new(Duration::from_secs(60));
        let inference = inference(&stores, &shutdown).await;
        let features = Arc::new(Watched::new(Arc::clone(&inference)));
        let work = LocalWork {
            store: Arc::clone(&jobs.store),
            queue: Arc::clone(&jobs.queue),
            lease: Duration::from_secs(60),
        };
        let deps = GateDeps {
            blobs: Arc::clone(&stores.blobs),
            registry: Arc::clone(&stores.registry),
            features: Arc::clone(&features) as _,
            work: Some(Arc::new(work)),
        };
        let components = vec![
            assay_inference::component(inference),
            assay_gate::component(&config, deps, &shutdown),
        ];
        let (url, server) = serve(components, &shutdown).await;
        Self {
            gate: GateServiceClient::new(channel(&url, &ClientOptions::default()).unwrap()),
            features,
            stores,
            jobs,
            shutdown,
            url,
            server,
            _folder: folder,
        }
    }

    /// Waits for the end, which has begun, in order.
    pub(crate) async fn ended(self) {
        self.server.await.unwrap().unwrap();
    }

    /// Stores a spectrum; gives the question about it.
    pub(crate) async fn stored(&self, material: u64, replicate: u64) -> IdentifyRequest {
        let bytes = assay_formats::write_spe(&fixture::spectrum(material, replicate));
        let digest = self.stores.blobs.put(Bytes::from(bytes)).await.unwrap();
        IdentifyRequest {
            spectrum_digest: digest.to_string(),
            ..IdentifyRequest::default()
        }
    }
}

/// Serves on a free port.
pub(crate) async fn serve(
    components: Vec<assay_runtime::Component>,
    shutdown: &Shutdown,
) -> (String, JoinHandle<anyhow::Result<()>>) {
    let config = ServerConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        ..ServerConfig::default()
    };
    let server = Server::bind(&config).await.unwrap();
    let url = format!("http://{}", server.local_address());
    let running = tokio::spawn(server.run(components, shutdown.clone()));
    (url, running)
}

async fn register(stores: &Stores) {
    let files = BUNDLE.files().into_iter();
    let files = files.map(|(name, bytes)| (name.to_owned(), Bytes::copy_from_slice(bytes)));
    let (files, origin) = (files.collect(), VersionOrigin::default());
    let put = stores
        .registry
        .put("default", "1", BUNDLE.id(), files, origin);
    put.await.unwrap();
    let promote = stores
        .registry
        .promote("default", PRODUCTION, "1", None, "");
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

/// The real source of features, watched and held up.
pub(crate) struct Watched {
    inner: Arc<Inference>,
    places: Semaphore,
    full: AtomicBool,
    pub(crate) seen: watch::Sender<Seen>,
}

/// What has been asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Rows asked for so far.
    pub(crate) asked: usize,
    /// Rows that somebody waits for now.
    pub(crate) at_work: usize,
}

/// More rows than any test asks for.
const ALL: usize = 1_000_000;

impl Watched {
    fn new(inner: Arc<Inference>) -> Self {
        Self {
            inner,
            places: Semaphore::new(ALL),
            full: AtomicBool::new(false),
            seen: watch::Sender::default(),
        }
    }

    /// Answers nobody until [`Watched::release`].
    pub(crate) fn hold(&self) {
        self.places.forget_permits(ALL);
    }

    pub(crate) fn release(&self) {
        self.places.add_permits(ALL);
    }

    /// Takes nobody from now on.
    pub(crate) fn fill(&self) {
        self.full.store(true, SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.seen.borrow().asked
    }

    /// Waits until something was seen.
    pub(crate) async fn until(&self, holds: impl FnMut(&Seen) -> bool) {
        self.seen.subscribe().wait_for(holds).await.unwrap();
    }
}

struct AtWork<'a>(&'a watch::Sender<Seen>);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|seen| seen.at_work -= 1);
    }
}

#[async_trait]
impl FeatureSource for Watched {
    async fn resolve(&self, model: &str) -> Result<ServedModel, AnswerError> {
        self.inner.resolve(model).await
    }

    async fn features(
        &self,
        bundle: Digest,
        vectors: Vec<Vec<f32>>,
        deadline: Option<Duration>,
    ) -> Result<Features, AnswerError> {
        if self.full.load(SeqCst) {
            return Err(AnswerError::Overloaded {
                what: "9 rows wait".to_owned(),
                retry_after: Duration::from_millis(70),
            });
        }
        self.seen.send_modify(|seen| {
            seen.asked += 1;
            seen.at_work += 1;
        });
        let _at_work = AtWork(&self.seen);
        let _place = self.places.acquire().await.unwrap();
        self.inner.features(bundle, vectors, deadline).await
    }

    async fn importances(
        &self,
        bundle: Digest,
        vector: Vec<f32>,
        asked: Explaining,
        deadline: Option<Duration>,
    ) -> Result<ImportanceRow, AnswerError> {
        self.inner
            .importances(bundle, vector, asked, deadline)
            .await
    }
}
