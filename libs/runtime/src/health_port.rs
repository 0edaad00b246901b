//! Health on a port of its own, in the clear and open to whoever reaches it: for probes that know
//! neither certificates nor tokens, such as those of Kubernetes. Nothing else is answered there.

use std::time::Duration;
use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};
use tonic_health::pb::health_server::{Health, HealthServer};

/// Questions at a time on one connection; a probe asks one.
const STREAMS: u32 = 16;
/// After this silence a connection is asked whether it lives.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Answers until it is dropped. Without it nobody would learn how the process is, so its failure is
/// told and left to the probes, which then fail.
pub(crate) async fn serve<T: Health>(listener: TcpListener, health: HealthServer<T>) {
    let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
    let served = Server::builder()
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .add_service(health)
        .serve_with_incoming(connections)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the port of health is answered no more");
    }
}
