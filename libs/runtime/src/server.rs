//! One gRPC server for any number of components: ports, services, layers. Its end is in `drain`.

use crate::{
    Component, Pages, Shutdown,
    access::{Access, AccessConfig},
    browser::BrowserLayer,
    drain::{Drain, Tasks},
    error::RuntimeError,
    health::{self, Watched},
    health_port,
    layers::{Ends, FrontLayer, Shared},
    metrics_page, reflection,
    settings::ServerConfig,
    tls::{self, Tls, TlsConfig},
};
use anyhow::Result;
use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};
use tonic::{service::Routes, transport};
use tower::util::option_layer;

/// What is done once when everything is ready for the first time.
type WhenReady = Box<dyn FnOnce() + Send>;

/// A server whose ports are bound and which takes no requests yet.
pub struct Server {
    config: ServerConfig,
    listener: TcpListener,
    address: SocketAddr,
    metrics: Option<(TcpListener, SocketAddr)>,
    health: Option<(TcpListener, SocketAddr)>,
    when_ready: Option<WhenReady>,
    tls: Option<Arc<Tls>>,
    access: Arc<Access>,
}

impl Server {
    /// Binds the ports.
    ///
    /// # Errors
    /// One of them cannot be bound.
    pub async fn bind(config: &ServerConfig) -> Result<Self, RuntimeError> {
        let (listener, address) = bind(config.listen, "requests").await?;
        let metrics = match config.metrics_listen {
            Some(address) => Some(bind(address, "metrics").await?),
            None => None,
        };
        let health = match config.health_listen {
            Some(address) => Some(bind(address, "health").await?),
            None => None,
        };
        Ok(Self {
            config: config.clone(),
            listener,
            address,
            metrics,
            health,
            when_ready: None,
            tls: None,
            access: Arc::new(Access::for_everyone()),
        })
    }

    /// Encrypts connections, and asks callers who they are, as far as that is configured.
    ///
    /// # Errors
    /// A certificate, a key or the file of tokens cannot be used.
    pub fn secured(mut self, tls: &TlsConfig, access: &AccessConfig) -> Result<Self, RuntimeError> {
        self.tls = Tls::open(tls)?;
        self.access = Arc::new(Access::open(access)?);
        if !self.address.ip().is_loopback() {
            self.access.warn_if_open(self.address, self.tls.is_some());
        }
        Ok(self)
    }

    /// Where requests are taken, as clients write it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Where requests are taken, with the real port.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Where the page of metrics is, with the real port.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(_, address)| *address)
    }

    /// Where health alone is answered, with the real port.
    #[must_use]
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health.as_ref().map(|(_, address)| *address)
    }

    /// Does this once when every component is ready for the first time.
    #[must_use]
    pub fn when_ready(mut self, action: impl FnOnce() + Send + 'static) -> Self {
        self.when_ready = Some(Box::new(action));
        self
    }

    /// Serves until shutdown has begun and everything has ended. A failure begins shutdown itself.
    ///
    /// # Errors
    /// The server or a task of a component failed, or the grace was not enough.
    pub async fn run(self, mut components: Vec<Component>, shutdown: Shutdown) -> Result<()> {
        let Self {
            config,
            listener,
            address,
            metrics,
            health: health_port,
            when_ready,
            tls,
            access,
        } = self;
        // Dropped at the end of this function, and with it everything that only watches.
        let mut watching = JoinSet::new();
        if let Some((listener, address)) = metrics {
            let recorder = metrics_page::record()?;
            watching.spawn(metrics_page::serve(listener, recorder, shutdown.clone()));
            tracing::info!(metrics.address = %address, "metrics");
        }
        if let Some(tls) = tls.clone() {
            watching.spawn(tls.follow());
        }
        watching.spawn(Arc::clone(&access).follow());
        let (reporter, health_service) = tonic_health::server::health_reporter();
        if let Some((listener, address)) = health_port {
            watching.spawn(health_port::serve(listener, health_service.clone()));
            tracing::info!(health.address = %address, "health");
        }
        let pages = Pages::of(&mut components);
        let mut routes = Routes::builder();
        routes.add_service(health_service);
        let services: Vec<_> = components
            .iter()
            .flat_map(|component| component.services.iter().copied())
            .collect();
        if access.reflection() {
            reflection::mount(&mut routes, &services)?;
        }
        let watched: Vec<_> = components.iter().map(Watched::new).collect();
        health::begin(&reporter, &watched).await;
        let mut tasks = Tasks::default();
        for component in components {
            (component.mount)(&mut routes);
            tasks.start(component.name, component.tasks);
        }
        let following = health::follow(reporter, watched, shutdown.clone(), when_ready);
        let following = tokio::spawn(following);
        let ends = Ends::default();
        let shared = Arc::new(Shared::new(&config, services, ends.clone(), access));
        // Without pages nothing is translated, and what is no gRPC is refused as such.
        let browsers = pages.map(|pages| BrowserLayer::new(pages, tls.is_some()));
        let connections = tls::connections(listener, &config, tls, &shared);
        let serving = tokio::spawn(
            builder(&config)
                .accept_http1(browsers.is_some())
                .layer(option_layer(browsers))
                .layer(FrontLayer(Arc::clone(&shared)))
                .add_routes(routes.routes())
                .serve_with_incoming_shutdown(connections, ends.drain.clone().cancelled_owned()),
        );
        tracing::info!(server.address = %address, "listening");
        let drain = Drain {
            grace: shutdown.grace(),
            settle: config.settle(),
            ends,
            shared,
            following,
        };
        drain.run(serving, tasks, &shutdown).await
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.config)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A server with the limits of a configuration.
fn builder(config: &ServerConfig) -> transport::Server {
    transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(config.keepalive_interval_s)))
        .http2_keepalive_timeout(Some(Duration::from_secs(config.keepalive_timeout_s)))
        .max_concurrent_streams(config.max_streams_per_connection)
        .http2_max_header_list_size(config.max_header_bytes)
}

async fn bind(
    address: SocketAddr,
    what: &'static str,
) -> Result<(TcpListener, SocketAddr), RuntimeError> {
    let fail = |source| RuntimeError::Bind {
        what,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, address))
}
