//! What one service brings to a server: gRPC services, their names for health, work in the
//! background.

use crate::Pages;
use anyhow::Result;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tonic::service::RoutesBuilder;

/// Adds gRPC services to a server.
type Mount = Box<dyn FnOnce(&mut RoutesBuilder) + Send>;

/// One service, ready to be served alone or beside others.
pub struct Component {
    /// Its name in logs, metrics and health, such as `gate`.
    pub name: &'static str,
    /// Full names of its gRPC services, such as `openassay.gate.v1.GateService`.
    pub services: Vec<&'static str>,
    /// Adds them.
    pub mount: Mount,
    /// Whether it can answer now; health follows it.
    pub ready: watch::Receiver<Readiness>,
    /// Work beside the requests, such as a lane's worker. Each task ends soon after shutdown
    /// begins; one that ends before, or with an error, ends the process in order.
    pub tasks: Vec<(&'static str, BoxFuture<'static, Result<()>>)>,
    /// Pages for browsers. A server with one component that brings some answers gRPC-Web as well.
    pub pages: Option<Pages>,
}

/// Whether a service can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Not yet, or not at the moment; why, for people.
    NotReady(String),
    /// Yes.
    Ready,
}

impl Component {
    /// A service without work in the background that is ready at once.
    pub fn new(
        name: &'static str,
        services: Vec<&'static str>,
        mount: impl FnOnce(&mut RoutesBuilder) + Send + 'static,
    ) -> Self {
        Self {
            name,
            services,
            mount: Box::new(mount),
            ready: watch::channel(Readiness::Ready).1,
            tasks: Vec::new(),
            pages: None,
        }
    }

    /// Follows this instead of being ready always. A dropped sender keeps its last value.
    #[must_use]
    pub fn ready_when(mut self, ready: watch::Receiver<Readiness>) -> Self {
        self.ready = ready;
        self
    }

    /// Brings pages for browsers.
    #[must_use]
    pub fn with_pages(mut self, pages: Pages) -> Self {
        self.pages = Some(pages);
        self
    }

    /// Adds work in the background.
    #[must_use]
    pub fn with_task(
        mut self,
        name: &'static str,
        task: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Self {
        self.tasks.push((name, Box::pin(task)));
        self
    }
}
