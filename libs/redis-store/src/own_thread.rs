//! A runtime of one thread for one connection, which lives however busy the caller's runtime is:
//! heartbeats arrive while the work keeps every thread of the process.

use std::{future::Future, io};
use tokio::runtime::{Builder, Runtime};

/// The runtime. Dropped, it ends without waiting.
pub(crate) struct OwnThread(Option<Runtime>);

impl OwnThread {
    pub(crate) fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(name)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Begins a piece of work that nobody waits for.
    pub(crate) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(work);
        }
    }

    /// Does a piece of work here and waits for it; it goes through to its end even when nobody
    /// waits any more. `None` when the runtime is ending or the work panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.0.as_ref()?.spawn(work).await.ok()
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        // Waiting is not allowed where a runtime may drop this.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
