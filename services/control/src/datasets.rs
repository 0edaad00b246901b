//! Data sets: checked, stored under the digest of their canonical text, read again.

use crate::error::{ControlError, blocking};
use assay_api::{
    WireError,
    datasets::{DatasetRow, MAX_ROWS, row_from_wire},
    field,
};
use assay_backends::DATASET_START;
use assay_core::{ClassLabel, Digest};
use assay_pipeline::{ListedSpectrum, Role, SpectrumList};
use assay_store::{BlobStore, StoreError};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Faults that are looked for before a request is refused.
const MAX_FAULTS: usize = 16;
/// Spectra that are looked up at the same time.
const LOOK_UPS: usize = 32;
const LONGEST_FILE_NAME: usize = 1024;

/// A stored data set.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) digest: Digest,
    pub(crate) list: SpectrumList,
}

impl Stored {
    /// Labels of the known rows, sorted.
    pub(crate) fn known_labels(&self) -> BTreeSet<&str> {
        let known = self
            .list
            .rows()
            .iter()
            .filter(|row| row.role == Role::Known);
        let labels = known.filter_map(|row| row.label.as_ref());
        labels.map(ClassLabel::as_str).collect()
    }
}

/// Checks rows and stores them.
pub(crate) async fn create(
    blobs: &dyn BlobStore,
    rows: Vec<DatasetRow>,
) -> Result<Stored, ControlError> {
    let (list, text) = blocking(move || {
        let list = checked(&rows)?;
        let text = list.to_csv();
        Ok((list, text))
    })
    .await?;
    require_spectra(blobs, &list).await?;
    let digest = blobs.put(Bytes::from(text)).await?;
    Ok(Stored { digest, list })
}

/// Reads a data set and renews its age, because it is needed again; `field` is its place in the
/// request. Its spectra, which stay while it is young, must still be there.
pub(crate) async fn take_up(
    blobs: &dyn BlobStore,
    field: &str,
    digest: Digest,
) -> Result<Stored, ControlError> {
    let (stored, text) = read(blobs, field, digest).await?;
    blobs.put(text).await?;
    // After that, for until then a collection of garbage may have taken some.
    require_spectra(blobs, &stored.list).await?;
    Ok(stored)
}

/// Reads a data set and its text.
pub(crate) async fn read(
    blobs: &dyn BlobStore,
    field: &str,
    digest: Digest,
) -> Result<(Stored, Bytes), ControlError> {
    let missing = |error| match error {
        StoreError::NotFound { name, .. } => StoreError::NotFound {
            what: "data set",
            name,
            advice: "; make it first with DatasetService.CreateDataset".to_owned(),
        },
        error => error,
    };
    // The whole of what is no data set could be large.
    let start = blobs
        .start(digest, DATASET_START.len())
        .await
        .map_err(missing)?;
    if start != DATASET_START {
        let reason = format!("{digest} is no data set, but other bytes");
        return Err(ControlError::field(field, reason));
    }
    let text = blobs.get(digest).await.map_err(missing)?;
    let (bytes, field) = (text.clone(), field.to_owned());
    let list = blocking(move || {
        SpectrumList::from_csv(&bytes).map_err(|error| ControlError::field(&field, error))
    });
    let list = list.await?;
    Ok((Stored { digest, list }, text))
}

/// The list of rows whose fields are all right, and whose labels have one role each.
fn checked(rows: &[DatasetRow]) -> Result<SpectrumList, ControlError> {
    if rows.is_empty() || rows.len() > MAX_ROWS {
        let reason = format!("has {} rows; allowed: 1 to {MAX_ROWS}", rows.len());
        return Err(ControlError::field("rows", reason));
    }
    let mut roles: BTreeMap<&str, (Role, usize)> = BTreeMap::new();
    let mut list = Vec::with_capacity(rows.len());
    let mut faults = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match checked_row(row) {
            Ok(listed) => {
                let label = row.label.trim();
                let (role, first) = *roles.entry(label).or_insert((listed.role, at));
                if role != listed.role && !label.is_empty() {
                    let reason = format!(
                        "label {label:?} is {} here but {} in rows[{first}]; a label has one role",
                        listed.role.as_str(),
                        role.as_str()
                    );
                    faults.push((format!("rows[{at}].role"), reason));
                }
                list.push(listed);
            }
            Err(WireError::Field { field, reason }) => {
                faults.push((format!("rows[{at}].{field}"), reason));
            }
            Err(error) => return Err(error.into()),
        }
        if faults.len() >= MAX_FAULTS {
            break;
        }
    }
    ControlError::unless_empty(faults)?;
    Ok(SpectrumList::new(list))
}

fn checked_row(row: &DatasetRow) -> Result<ListedSpectrum, WireError> {
    field::line("file_name", &row.file_name, LONGEST_FILE_NAME)?;
    row_from_wire(row)
}

/// Every spectrum must have been put before.
async fn require_spectra(blobs: &dyn BlobStore, list: &SpectrumList) -> Result<(), ControlError> {
    let spectra: HashSet<_> = list.rows().iter().map(|row| row.spectrum).collect();
    let total = spectra.len();
    let missing: Vec<Digest> = stream::iter(spectra)
        .map(async |digest| Ok((digest, blobs.size(digest).await?)))
        .buffer_unordered(LOOK_UPS)
        .try_filter_map(async |(digest, size)| {
            Ok::<_, StoreError>(size.is_none().then_some(digest))
        })
        .try_collect()
        .await?;
    let Some(first) = missing.iter().min() else {
        return Ok(());
    };
    Err(ControlError::Store(StoreError::NotFound {
        what: "spectrum",
        name: first.to_string(),
        advice: format!(
            "; put it first with IngestService ({} of the {total} spectra are missing)",
            missing.len()
        ),
    }))
}
