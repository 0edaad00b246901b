//! A runtime of one thread for one connection, which lives however busy the caller's runtime is.

use std::{future::Future, io};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// The runtime. Dropped, it ends without waiting.
#[derive(Debug)]
pub(super) struct OwnThread(Option<Runtime>, Handle);

impl OwnThread {
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(name)
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self(Some(runtime), handle))
    }

    /// Makes something that belongs to this runtime.
    pub(super) fn within<T>(&self, make: impl FnOnce() -> T) -> T {
        let _entered = self.1.enter();
        make()
    }

    /// Runs a future here and waits for it; it ends with the one who waits. `None` when the
    /// runtime is ending.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        AbortOnDropHandle::new(self.1.spawn(work)).await.ok()
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
