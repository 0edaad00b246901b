//! A running server and clients of it.

use crate::service::{self, Meeting};
use assay_api::ingest::{
    GetFileRequest, RenderImageStreamRequest, ingest_service_client::IngestServiceClient,
};
use assay_runtime::{AccessConfig, Component, Server, ServerConfig, Shutdown, TlsConfig};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::timeout};
use tonic::transport::Channel;

/// Longer than anything takes here; only what hangs is ended by it.
const HANGS: Duration = Duration::from_secs(300);

/// A client of the service under test.
pub(crate) type Client = IngestServiceClient<Channel>;

/// A server that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) health: Option<SocketAddr>,
    pub(crate) shutdown: Shutdown,
    pub(crate) meeting: Arc<Meeting>,
    ended: JoinHandle<anyhow::Result<()>>,
}

/// Waits for this, unless it hangs.
pub(crate) async fn unless_it_hangs<T>(what: impl Future<Output = T>) -> T {
    timeout(HANGS, what).await.unwrap()
}

/// Any free port, no time to settle, a grace that is longer than any test.
pub(crate) fn config() -> ServerConfig {
    ServerConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        shutdown_settle_ms: 0,
        shutdown_grace_s: 3600,
        ..ServerConfig::default()
    }
}

/// The service under test alone.
pub(crate) async fn serve(config: ServerConfig) -> Running {
    serve_with(config, |_| Vec::new()).await
}

/// The service under test, and others beside it.
pub(crate) async fn serve_with(
    config: ServerConfig,
    others: impl FnOnce(&Shutdown) -> Vec<Component>,
) -> Running {
    let shutdown = Shutdown::new(Duration::from_secs(config.shutdown_grace_s));
    let meeting = Meeting::new();
    let mut components = vec![service::component(&meeting, &shutdown, 64 << 20)];
    components.extend(others(&shutdown));
    start(config, shutdown, meeting, components).await
}

/// These components.
pub(crate) async fn start(
    config: ServerConfig,
    shutdown: Shutdown,
    meeting: Arc<Meeting>,
    components: Vec<Component>,
) -> Running {
    let server = Server::bind(&config).await.unwrap();
    run(server, shutdown, meeting, components)
}

/// The service under test behind encryption and a file of tokens, as far as there are any.
pub(crate) async fn serve_secured(
    config: ServerConfig,
    tls: &TlsConfig,
    access: &AccessConfig,
) -> Running {
    let shutdown = Shutdown::new(Duration::from_secs(config.shutdown_grace_s));
    let meeting = Meeting::new();
    let components = vec![service::component(&meeting, &shutdown, 64 << 20)];
    let server = Server::bind(&config).await.unwrap();
    let server = server.secured(tls, access).unwrap();
    run(server, shutdown, meeting, components)
}

fn run(
    server: Server,
    shutdown: Shutdown,
    meeting: Arc<Meeting>,
    components: Vec<Component>,
) -> Running {
    Running {
        address: server.local_address(),
        metrics: server.metrics_address(),
        health: server.health_address(),
        shutdown: shutdown.clone(),
        meeting,
        ended: tokio::spawn(server.run(components, shutdown)),
    }
}

impl Running {
    pub(crate) async fn channel(&self) -> Channel {
        connect(self.address).await
    }

    pub(crate) async fn client(&self) -> Client {
        IngestServiceClient::new(self.channel().await)
    }

    /// Begins shutdown and gives what the server ended with.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.shutdown.begin();
        self.ended().await
    }

    /// Waits for the server to end by itself.
    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        unless_it_hangs(self.ended).await.unwrap()
    }
}

/// A connection to an address.
pub(crate) async fn connect(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap()
}

/// Asks for a file whose digest tells the handler what to do.
pub(crate) fn ask(digest: &str) -> GetFileRequest {
    GetFileRequest {
        digest: digest.to_owned(),
    }
}

/// Asks for a stream likewise.
pub(crate) fn ask_stream(digest: &str) -> RenderImageStreamRequest {
    RenderImageStreamRequest {
        digest: digest.to_owned(),
        ..RenderImageStreamRequest::default()
    }
}
