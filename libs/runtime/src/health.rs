//! `grpc.health.v1`: each gRPC service by its full name, the whole process under the empty name,
//! and [`LIVENESS`] for those who only ask whether the process answers.

use crate::{Component, Readiness, Shutdown};
use futures::{StreamExt, stream::SelectAll};
use tokio_stream::wrappers::WatchStream;
use tonic_health::{ServingStatus, server::HealthReporter};

/// Serving for as long as the process answers at all, whatever else is not ready.
pub const LIVENESS: &str = "openassay.liveness";

/// One component as health sees it.
pub(crate) struct Watched {
    name: &'static str,
    services: Vec<&'static str>,
    ready: tokio::sync::watch::Receiver<Readiness>,
}

impl Watched {
    pub(crate) fn new(component: &Component) -> Self {
        Self {
            name: component.name,
            services: component.services.clone(),
            ready: component.ready.clone(),
        }
    }
}

/// Names everything before the first question can come: nothing serves yet, but the process lives.
pub(crate) async fn begin(reporter: &HealthReporter, components: &[Watched]) {
    set(reporter, LIVENESS, true).await;
    nothing_serves(reporter, components).await;
}

async fn nothing_serves(reporter: &HealthReporter, components: &[Watched]) {
    set(reporter, "", false).await;
    for component in components {
        metrics::gauge!("openassay_ready", "component" => component.name).set(0);
        for service in &component.services {
            set(reporter, service, false).await;
        }
    }
}

/// Keeps health at what the components say, until shutdown begins: then nothing serves any more.
/// `when_ready` is done the first time that everything serves.
pub(crate) async fn follow(
    reporter: HealthReporter,
    components: Vec<Watched>,
    shutdown: Shutdown,
    mut when_ready: Option<Box<dyn FnOnce() + Send>>,
) {
    let mut states = vec![false; components.len()];
    let mut changes: SelectAll<_> = components
        .iter()
        .enumerate()
        .map(|(index, component)| {
            WatchStream::new(component.ready.clone()).map(move |ready| (index, ready))
        })
        .collect();
    if components.is_empty() {
        set(&reporter, "", true).await;
        when_ready.take().into_iter().for_each(|action| action());
    }
    let end = shutdown.begun();
    tokio::pin!(end);
    loop {
        // A component's changes end with their sender; its last state stays.
        let (index, readiness) = tokio::select! {
            biased;
            () = &mut end => break,
            Some(change) = changes.next() => change,
        };
        let component = &components[index];
        tell(component, &readiness);
        states[index] = readiness == Readiness::Ready;
        for service in &component.services {
            set(&reporter, service, states[index]).await;
        }
        let all = states.iter().all(|ready| *ready);
        set(&reporter, "", all).await;
        if let Some(action) = when_ready.take_if(|_| all) {
            action();
        }
    }
    nothing_serves(&reporter, &components).await;
}

/// A component's state in logs and metrics.
fn tell(component: &Watched, readiness: &Readiness) {
    let gauge = metrics::gauge!("openassay_ready", "component" => component.name);
    match readiness {
        Readiness::Ready => {
            gauge.set(1);
            tracing::info!(component = component.name, "ready");
        }
        Readiness::NotReady(why) => {
            gauge.set(0);
            tracing::info!(component = component.name, why, "not ready");
        }
    }
}

async fn set(reporter: &HealthReporter, service: &str, serving: bool) {
    let status = if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    reporter.set_service_status(service, status).await;
}
