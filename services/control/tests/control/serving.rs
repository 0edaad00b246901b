//! A server with the service, clients of it, and the stores behind it.

use assay_api::{
    ClientOptions, Limited, RemoteWork, channel,
    datasets::{
        CreateDatasetRequest, DatasetRow, Role, dataset_service_client::DatasetServiceClient,
    },
    jobs::{
        Lane as WireLane, SubmitRequest, job_service_client::JobServiceClient,
        worker_service_client::WorkerServiceClient,
    },
    registry::registry_service_client::RegistryServiceClient,
};
use assay_backends::{Jobs, StorageConfig, Stores};
use assay_control::{ControlConfig, ControlDeps, component};
use assay_core::Digest;
use assay_pipeline::{Bundle, fixture};
use assay_runtime::{Server, ServerConfig, Shutdown};
use assay_store::{BundleFiles, VersionOrigin};
use bytes::Bytes;
use std::{path::PathBuf, sync::LazyLock, time::Duration};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt;

pub(crate) struct Serving {
    pub(crate) jobs: JobServiceClient<Channel>,
    pub(crate) datasets: DatasetServiceClient<Channel>,
    pub(crate) registry: RegistryServiceClient<Channel>,
    pub(crate) work: RemoteWork,
    pub(crate) deps: ControlDeps,
    pub(crate) shutdown: Shutdown,
    url: String,
    server: JoinHandle<anyhow::Result<()>>,
    folder: TempDir,
}

impl Serving {
    pub(crate) async fn start() -> Self {
        Self::start_with(ControlConfig::default()).await
    }

    pub(crate) async fn start_with(config: ControlConfig) -> Self {
        Self::start_with_lease(config, StorageConfig::default().lease()).await
    }

    pub(crate) async fn start_with_lease(config: ControlConfig, lease: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = StorageConfig {
            data_dir: folder.path().to_path_buf(),
            ..StorageConfig::default()
        };
        let (stores, jobs) = (
            Stores::open(&storage).unwrap(),
            Jobs::embedded(&storage).unwrap(),
        );
        let deps = ControlDeps {
            store: jobs.store,
            queue: jobs.queue,
            blobs: stores.blobs,
            registry: stores.registry,
            lease,
        };
        let shutdown = Shutdown::new(Duration::from_secs(20));
        let service = component(config, deps.clone(), &shutdown);
        let listen = ServerConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            ..ServerConfig::default()
        };
        let server = Server::bind(&listen).await.unwrap();
        let url = format!("http://{}", server.local_address());
        let server = tokio::spawn(server.run(vec![service], shutdown.clone()));
        let options = ClientOptions::default();
        let channel = channel(&url, &options).unwrap();
        let limit = options.max_message_bytes;
        Self {
            jobs: JobServiceClient::new(channel.clone()).limited(limit),
            datasets: DatasetServiceClient::new(channel.clone()).limited(limit),
            registry: RegistryServiceClient::new(channel).limited(limit),
            work: RemoteWork::new(&url, &options).unwrap(),
            deps,
            shutdown,
            url,
            server,
            folder,
        }
    }

    /// The file of a blob.
    pub(crate) fn file(&self, blob: Digest) -> PathBuf {
        let name = blob.to_string();
        let blobs = self.folder.path().join("blobs");
        blobs.join(&name[..2]).join(name)
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A client of the service for workers.
    pub(crate) fn workers(&self) -> WorkerServiceClient<Channel> {
        WorkerServiceClient::new(channel(&self.url, &ClientOptions::default()).unwrap())
    }

    /// Begins the end and waits for it.
    pub(crate) async fn end(self) {
        let Self {
            shutdown, server, ..
        } = self;
        shutdown.begin();
        server.await.unwrap().unwrap();
    }

    /// Puts bytes as if they were a spectrum.
    pub(crate) async fn spectrum(&self, text: &str) -> Digest {
        self.deps
            .blobs
            .put(Bytes::from(text.to_owned()))
            .await
            .unwrap()
    }

    /// A data set of two known materials with three spectra each.
    pub(crate) async fn dataset(&mut self) -> String {
        let mut rows = Vec::new();
        for (label, spectra) in [("Steel", ["a", "b", "c"]), ("Coal", ["d", "e", "f"])] {
            for text in spectra {
                rows.push(row(self.spectrum(text).await, label, Role::Known));
            }
        }
        let created = self
            .datasets
            .create_dataset(CreateDatasetRequest { rows })
            .await;
        created.unwrap().into_inner().digest
    }

    /// Registers the bundle of the fixture.
    pub(crate) async fn model(&self, name: &str, version: &str) {
        let files = bundle_files();
        let origin = VersionOrigin::default();
        let registry = &self.deps.registry;
        let put = registry
            .put(name, version, BUNDLE.id(), files, origin)
            .await;
        put.unwrap();
        registry
            .promote(name, "production", version, None, "")
            .await
            .unwrap();
    }

    /// Submits a training.
    pub(crate) async fn training(&mut self) -> assay_api::jobs::Job {
        let dataset = self.dataset().await;
        let submitted = self.jobs.submit(training(dataset)).await.unwrap();
        submitted.into_inner().job.unwrap()
    }
}

/// One for all tests: it takes a while to make.
pub(crate) static BUNDLE: LazyLock<Bundle> = LazyLock::new(fixture::bundle);

pub(crate) fn bundle_files() -> BundleFiles {
    let files = BUNDLE.files().into_iter();
    files
        .map(|(name, bytes)| (name.to_owned(), Bytes::copy_from_slice(bytes)))
        .collect()
}

pub(crate) fn row(spectrum: Digest, label: &str, role: Role) -> DatasetRow {
    DatasetRow {
        spectrum_digest: spectrum.to_string(),
        label: label.to_owned(),
        role: role.into(),
        ..DatasetRow::default()
    }
}

pub(crate) fn training(dataset: String) -> SubmitRequest {
    SubmitRequest {
        lane: WireLane::Train.into(),
        dataset,
        model: "steels".to_owned(),
        specification_json: r#"{"seed": 7}"#.to_owned(),
        ..SubmitRequest::default()
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
