//! Removes blobs that nothing refers to and that are old, and what killed writers left behind.
//! Models stay.

use crate::BackendError;
use assay_core::Digest;
use assay_jobs::{JobFilter, JobRecord, JobStore};
use assay_store::{BlobStore, BundleRegistry, StoreError};
use futures::TryStreamExt;
use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

/// How a canonical list of spectra begins.
pub const DATASET_START: &[u8] = b"spectrum,label,role,group\n";
const DIGEST_DIGITS: usize = 64;
/// From this age on, what a writer left belongs to none that still writes: pushes take minutes.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// Records read at a time.
const PAGE: usize = 500;

/// What a collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that stay.
    pub kept: u64,
    /// Blobs that were removed.
    pub removed: u64,
    /// What killed writers had left, and was removed: bundles without a version, files without a
    /// bundle, files whose writing was cut off.
    pub leftovers: u64,
}

/// Where garbage is.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// Blobs.
    pub blobs: &'a dyn BlobStore,
    /// Models.
    pub registry: &'a dyn BundleRegistry,
    /// The jobs that need blobs.
    pub jobs: &'a dyn JobStore,
}

/// Removes every blob that was put more than `retention` before `now` and that is not needed: by a
/// job's record (its data set, checkpoint, artefacts), or by a data set that is needed or young.
///
/// What is needed is looked up twice, before and after the old blobs are found, and the age of
/// each is looked at once more before it goes. So what is put again while a collection runs stays;
/// a job that takes up an old data set within the moment between may find a spectrum gone, and
/// says which.
///
/// What killed writers left behind goes after a day, whatever the retention.
///
/// # Errors
/// When a store cannot be reached; what was removed until then is gone rightly.
pub async fn collect_garbage(
    places: Places<'_>,
    now: SystemTime,
    retention: Duration,
) -> Result<Collected, BackendError> {
    let mut collected = Collected::default();
    if let Some(moment) = now.checked_sub(ABANDONED_AFTER) {
        collected.leftovers = places.registry.remove_leftovers(moment).await?.total()
            + places.blobs.remove_leftovers(moment).await?;
    }
    if let Some(moment) = now.checked_sub(retention) {
        collect_blobs(places.blobs, places.jobs, moment, &mut collected).await?;
    }
    Ok(collected)
}

async fn collect_blobs(
    blobs: &dyn BlobStore,
    jobs: &dyn JobStore,
    moment: SystemTime,
    collected: &mut Collected,
) -> Result<(), BackendError> {
    let (mut old, kept) = unneeded(blobs, jobs, moment).await?;
    collected.kept = kept;
    if !old.is_empty() {
        let (still, _) = unneeded(blobs, jobs, moment).await?;
        collected.kept += old.difference(&still).count() as u64;
        old.retain(|digest| still.contains(digest));
    }
    for digest in old {
        if blobs.remove_if_older(digest, moment).await? {
            collected.removed += 1;
        } else {
            collected.kept += 1;
        }
    }
    Ok(())
}

/// Blobs last put before `moment` that nothing refers to, and the number of the others.
async fn unneeded(
    blobs: &dyn BlobStore,
    jobs: &dyn JobStore,
    moment: SystemTime,
) -> Result<(HashSet<Digest>, u64), BackendError> {
    let mut old = HashSet::new();
    let mut young = Vec::new();
    let mut listed = blobs.list();
    while let Some((digest, put_at)) = listed.try_next().await? {
        if put_at < moment {
            old.insert(digest);
        } else {
            young.push(digest);
        }
    }
    let mut kept = young.len() as u64;
    if old.is_empty() {
        return Ok((old, kept));
    }
    let Needed {
        mut blobs_needed,
        followed,
    } = needed_by_jobs(jobs).await?;
    for digest in followed {
        blobs_needed.extend(digests_in_blob(blobs, digest).await?);
    }
    for digest in young {
        if begins_like_a_dataset(blobs, digest).await? {
            blobs_needed.extend(digests_in_blob(blobs, digest).await?);
        }
    }
    let before = old.len();
    old.retain(|digest| !blobs_needed.contains(digest));
    kept += (before - old.len()) as u64;
    Ok((old, kept))
}

/// What the records of jobs refer to.
#[derive(Default)]
struct Needed {
    blobs_needed: HashSet<Digest>,
    /// Those among them that refer to further blobs.
    followed: HashSet<Digest>,
}

impl Needed {
    fn add(&mut self, record: &JobRecord) {
        let specification = record.job.specification.to_string();
        self.followed.extend(digests_in(specification.as_bytes()));
        if !record.state.is_final() {
            self.followed.extend(record.checkpoint);
        }
        let artefacts = record.result.iter().flat_map(|r| r.artefacts.values());
        self.blobs_needed.extend(artefacts);
    }
}

async fn needed_by_jobs(jobs: &dyn JobStore) -> Result<Needed, BackendError> {
    let mut needed = Needed::default();
    let mut after = None;
    loop {
        let page = jobs.list(&JobFilter::default(), after, PAGE).await?;
        for record in &page.records {
            needed.add(record);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    needed.blobs_needed.extend(needed.followed.iter().copied());
    Ok(needed)
}

async fn begins_like_a_dataset(
    blobs: &dyn BlobStore,
    digest: Digest,
) -> Result<bool, BackendError> {
    match blobs.start(digest, DATASET_START.len()).await {
        Ok(start) => Ok(start == DATASET_START),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Every digest that is written in a blob. One that is damaged still says what it can.
async fn digests_in_blob(
    blobs: &dyn BlobStore,
    digest: Digest,
) -> Result<Vec<Digest>, BackendError> {
    match blobs.start(digest, usize::MAX).await {
        Ok(bytes) => Ok(digests_in(&bytes).collect()),
        // A specification names models too, which are no blobs.
        Err(StoreError::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Words of exactly 64 hexadecimal digits.
fn digests_in(bytes: &[u8]) -> impl Iterator<Item = Digest> + '_ {
    bytes
        .split(|byte| !byte.is_ascii_hexdigit())
        .filter(|word| word.len() == DIGEST_DIGITS)
        .filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_in_any_text() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let text = format!("{{\"x\":\"{a}\"}},{b}\n{a}0 {}", &b.to_string()[1..]);
        assert_eq!(digests_in(text.as_bytes()).collect::<Vec<_>>(), [a, b]);
    }
}
