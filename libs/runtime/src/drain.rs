//! The end of a server in order: readiness goes, then no more requests are taken, those in flight
//! and the tasks finish, and what has not finished near the end of the grace is cut.

use crate::{
    Shutdown,
    error::RuntimeError,
    layers::{Ends, Shared},
};
use anyhow::{Context, Error, Result};
use futures::future::BoxFuture;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    task::{self, JoinError, JoinHandle, JoinSet},
    time::{Instant, sleep, timeout_at},
};

/// Longest time that is kept back for telling those who are cut; at most a quarter of the grace.
const LONGEST_CUT: Duration = Duration::from_secs(1);

/// The server's own future.
type Serving = JoinHandle<Result<(), tonic::transport::Error>>;

/// Work in the background, with its names.
#[derive(Default)]
pub(crate) struct Tasks {
    running: JoinSet<Result<()>>,
    names: HashMap<task::Id, String>,
}

impl Tasks {
    /// Starts the tasks of one component.
    pub(crate) fn start(
        &mut self,
        component: &str,
        tasks: Vec<(&'static str, BoxFuture<'static, Result<()>>)>,
    ) {
        for (name, future) in tasks {
            let handle = self.running.spawn(future);
            self.names
                .insert(handle.id(), format!("{component} {name}"));
        }
    }

    /// The next one that ends, or never when there is none.
    async fn next(&mut self) -> (String, Result<()>) {
        match self.running.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, result))) => (self.forget(id), result),
            Some(Err(panic)) => (self.forget(panic.id()), Err(Error::new(panic))),
        }
    }

    fn forget(&mut self, id: task::Id) -> String {
        self.names.remove(&id).unwrap_or_default()
    }

    /// Waits for all; the failures are kept.
    async fn finish(&mut self, failures: &mut Vec<Error>) {
        while !self.running.is_empty() {
            let (name, result) = self.next().await;
            if let Err(error) = result {
                failures.push(error.context(format!("task {name} failed")));
            }
        }
    }
}

/// How one server ends.
pub(crate) struct Drain {
    pub(crate) grace: Duration,
    pub(crate) settle: Duration,
    pub(crate) ends: Ends,
    pub(crate) shared: Arc<Shared>,
    /// Ends when health has told that nothing serves any more.
    pub(crate) following: JoinHandle<()>,
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.ends.over.cancel();
    }
}

impl Drain {
    /// Waits for shutdown, or begins it when something fails, and goes through it.
    ///
    /// # Errors
    /// The first thing that failed.
    pub(crate) async fn run(
        mut self,
        mut serving: Serving,
        mut tasks: Tasks,
        shutdown: &Shutdown,
    ) -> Result<()> {
        let mut failures = Vec::new();
        let served = tokio::select! {
            biased;
            () = shutdown.begun() => false,
            ended = &mut serving => {
                failures.push(stopped(ended));
                true
            }
            (name, result) = tasks.next() => {
                failures.push(match result {
                    Ok(()) => RuntimeError::TaskEnded { name }.into(),
                    Err(error) => error.context(format!("task {name} failed")),
                });
                false
            }
        };
        for failure in &failures {
            tracing::error!(error = format!("{failure:#}"), "shutting down");
        }
        shutdown.begin();
        let end = Instant::now() + self.grace;
        // Whoever watches health is to hear of it before the connection goes.
        if let Err(error) = timeout_at(end, &mut self.following).await {
            tracing::error!(%error, "health was not told");
        }
        let serving = (!served).then_some(serving);
        self.end(end, serving, tasks, &mut failures).await;
        match failures.into_iter().next() {
            None => {
                tracing::info!("ended in order");
                Ok(())
            }
            Some(failure) => Err(failure),
        }
    }

    async fn end(
        &self,
        end: Instant,
        mut serving: Option<Serving>,
        mut tasks: Tasks,
        failures: &mut Vec<Error>,
    ) {
        let cut = end - (self.grace / 4).min(LONGEST_CUT);
        sleep(self.settle).await;
        tracing::info!(
            requests.in_flight = self.shared.in_flight(),
            "no more requests are taken"
        );
        self.ends.drain.cancel();
        let mut rest = async |failures: &mut Vec<Error>| {
            if let Some(running) = &mut serving {
                if let Err(error) = flatten(running.await) {
                    failures.push(error);
                }
                serving = None;
            }
            tasks.finish(failures).await;
        };
        if timeout_at(cut, rest(failures)).await.is_ok() {
            return;
        }
        let requests = self.shared.in_flight();
        self.ends.cut.cancel();
        let in_time = timeout_at(end, rest(failures)).await.is_ok();
        let mut left: Vec<_> = tasks.names.into_values().collect();
        left.sort();
        if requests > 0 {
            left.push(format!("{requests} requests"));
        }
        if left.is_empty() && !in_time {
            // Nobody on them waits for an answer.
            tracing::warn!("connections that their peers do not close are left");
        }
        if !left.is_empty() {
            let left = left.join(", ");
            let grace = self.grace;
            failures.push(RuntimeError::GraceExceeded { grace, left }.into());
        }
    }
}

/// The server's end before its time, as a failure.
fn stopped(ended: Result<Result<(), tonic::transport::Error>, JoinError>) -> Error {
    match flatten(ended) {
        Ok(()) => RuntimeError::TaskEnded {
            name: "server".to_owned(),
        }
        .into(),
        Err(error) => error,
    }
}

fn flatten(ended: Result<Result<(), tonic::transport::Error>, JoinError>) -> Result<()> {
    ended
        .context("the server panicked")?
        .map_err(|error| RuntimeError::Serve(error).into())
}
