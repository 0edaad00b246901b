//! An object store in which something else happens immediately before one of its writes or
//! removals, as another process would do it.

use assay_store::StoreError;
use async_trait::async_trait;
use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};
use std::{
    fmt,
    sync::{Arc, Mutex},
};

/// What happens.
pub(crate) type Deed = Box<dyn FnOnce() -> BoxFuture<'static, Result<(), StoreError>> + Send>;

/// The store.
pub(crate) struct Meddling {
    inner: Arc<InMemory>,
    writes: Arc<Meddler>,
    deletes: Arc<Meddler>,
}

/// Waits for its turn.
struct Meddler(Mutex<(usize, Option<Deed>)>);

impl Meddler {
    fn new(turn: usize, deed: Option<Deed>) -> Arc<Self> {
        Arc::new(Self(Mutex::new((turn, deed))))
    }

    async fn turn(&self) {
        let deed = {
            let mut state = self.0.lock().unwrap();
            match state.0.checked_sub(1) {
                Some(left) => {
                    state.0 = left;
                    None
                }
                None => state.1.take(),
            }
        };
        if let Some(deed) = deed {
            deed().await.unwrap();
        }
    }

    fn is_done(&self) -> bool {
        self.0.lock().unwrap().1.is_none()
    }
}

impl Meddling {
    /// It happens before the write with this number, counted from 0.
    pub(crate) fn before_write(inner: Arc<InMemory>, turn: usize, deed: Deed) -> Self {
        Self {
            inner,
            writes: Meddler::new(turn, Some(deed)),
            deletes: Meddler::new(0, None),
        }
    }

    /// It happens before the removal with this number, counted from 0.
    pub(crate) fn before_delete(inner: Arc<InMemory>, turn: usize, deed: Deed) -> Self {
        Self {
            inner,
            writes: Meddler::new(0, None),
            deletes: Meddler::new(turn, Some(deed)),
        }
    }

    /// Whether it has happened.
    pub(crate) fn is_done(&self) -> bool {
        self.writes.is_done() && self.deletes.is_done()
    }
}

impl fmt::Debug for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddling")
    }
}

impl fmt::Display for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddling")
    }
}

#[async_trait]
impl ObjectStore for Meddling {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.writes.turn().await;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (meddler, inner) = (Arc::clone(&self.deletes), Arc::clone(&self.inner));
        let deleted = locations.then(move |location| {
            let (meddler, inner) = (Arc::clone(&meddler), Arc::clone(&inner));
            async move {
                meddler.turn().await;
                let one = stream::iter([location]).boxed();
                inner.delete_stream(one).collect::<Vec<_>>().await
            }
        });
        deleted.flat_map(stream::iter).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
