//! The judges of the bundles that were asked for last. A bundle that cannot be used is an error
//! of its own requests only.

use crate::AnswerError;
use assay_core::Digest;
use assay_pipeline::{Bundle, Clock, Judge};
use assay_store::BundleRegistry;
use moka::{future::Cache, policy::EvictionPolicy};
use std::{collections::BTreeMap, path::Path, sync::Arc};

pub(crate) struct Judges {
    registry: Arc<dyn BundleRegistry>,
    kept: Cache<Digest, Arc<Judge>>,
    clock: Option<Clock>,
}

impl Judges {
    pub(crate) fn new(
        registry: Arc<dyn BundleRegistry>,
        most: usize,
        clock: Option<Clock>,
    ) -> Self {
        Self {
            registry,
            kept: Cache::builder()
                .max_capacity(most.max(1) as u64)
                // The default weighs how often something was asked for, and would read a new
                // model again and again while an old favourite keeps its place.
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            clock,
        }
    }

    /// The judge of a bundle; those who ask while it is being read wait for the same reading. A
    /// failure is not kept, so that a restored bundle is found by the next request.
    pub(crate) async fn get(&self, bundle: Digest) -> Result<Arc<Judge>, AnswerError> {
        let mut read_here = false;
        let reading = async {
            read_here = true;
            self.load(bundle).await
        };
        let judge = self.kept.try_get_with(bundle, reading).await;
        if read_here {
            // The cache would let others go at some later request; a bundle is too large to stay.
            self.kept.run_pending_tasks().await;
        }
        judge.map_err(|source| AnswerError::Model { bundle, source })
    }

    async fn load(&self, digest: Digest) -> Result<Arc<Judge>, AnswerError> {
        let files = self.registry.files(digest).await?;
        let clock = self.clock;
        let origin = format!("bundle {}", digest.short());
        crate::blocking::run(move || {
            let files: BTreeMap<_, _> = files
                .into_iter()
                .map(|(name, bytes)| (name, Vec::from(bytes)))
                .collect();
            let bundle = Bundle::from_files(files, Path::new(&origin))?;
            if bundle.id() != digest {
                return Err(AnswerError::OtherBundle {
                    expected: digest,
                    found: bundle.id(),
                });
            }
            tracing::info!(model.digest = %digest, "model.judge.loaded");
            Ok(Arc::new(Judge::new(bundle, clock)))
        })
        .await
    }
}
