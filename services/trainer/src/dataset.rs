//! The spectra of a data set, from the blob store into memory.

use crate::TrainerError;
use assay_core::{ClassLabel, Digest};
use assay_jobs::StopFlag;
use assay_pipeline::{
    Dataset, DatasetRow, Fault, Faults, ListedSpectrum, PipelineError, Role, SpectrumList,
};
use assay_store::BlobStore;
use assay_trace::{item, step};
use futures::{StreamExt as _, stream};
use std::{path::Path, sync::Arc};

/// Spectra that are fetched and read at a time.
const AT_A_TIME: usize = 8;

/// Reads every spectrum of the list that a blob holds. `progress` hears of each.
///
/// # Errors
/// With every spectrum that cannot be used; [`TrainerError::Stopped`].
pub(crate) async fn load(
    blobs: &Arc<dyn BlobStore>,
    dataset: Digest,
    stop: &StopFlag,
    progress: impl Fn(usize, usize),
) -> Result<Dataset, TrainerError> {
    let list = SpectrumList::from_csv(&blobs.get(dataset).await?)?;
    let total = list.rows().len();
    let mut reading = stream::iter(list.rows().iter().cloned().enumerate())
        .map(|(at, row)| {
            let reading = read(Arc::clone(blobs), at as u64 + 2, row);
            step(item(at + 1), reading)
        })
        .buffered(AT_A_TIME);
    let (mut rows, mut faults) = (Vec::with_capacity(total), Vec::new());
    while let Some(read) = reading.next().await {
        if stop.is_raised() {
            return Err(TrainerError::Stopped);
        }
        match read? {
            Ok(row) => rows.push(row),
            Err(fault) => faults.push(fault),
        }
        progress(rows.len() + faults.len(), total);
    }
    match Faults::of(faults) {
        Some(faults) => Err(PipelineError::Dataset(faults).into()),
        None => Ok(Dataset::from_rows(Path::new("data set"), rows)),
    }
}

/// One spectrum, or what is wrong with it. A store that fails is no fault of the spectrum.
async fn read(
    blobs: Arc<dyn BlobStore>,
    line: u64,
    row: ListedSpectrum,
) -> Result<Result<DatasetRow, Fault>, TrainerError> {
    let bytes = blobs.get(row.spectrum).await?;
    tokio::task::spawn_blocking(move || parse(&bytes, line, row))
        .await
        .map_err(|error| TrainerError::Defect(error.to_string()))
}

fn parse(bytes: &[u8], line: u64, row: ListedSpectrum) -> Result<DatasetRow, Fault> {
    use assay_core::Classified as _;
    let reading = assay_formats::read(bytes, None).map_err(|error| Fault {
        line,
        message: format!("spectrum {}: {error}", row.spectrum),
        kind: error.kind(),
    })?;
    Ok(DatasetRow {
        line,
        file: row.spectrum.to_string(),
        label: label(&row, line)?,
        role: row.role,
        group: row.group,
        digest: row.spectrum,
        spectrum: reading.spectrum,
        warnings: reading.warnings,
        further_records: reading.further_records,
    })
}

fn label(row: &ListedSpectrum, line: u64) -> Result<ClassLabel, Fault> {
    let fault = |message: String| Fault {
        line,
        message,
        kind: assay_core::ErrorKind::InvalidArgument,
    };
    match (&row.label, row.role) {
        (Some(label), _) => Ok(label.clone()),
        (None, Role::Known) => Err(fault(format!(
            "spectrum {} has no label, which every known spectrum needs to be learnt from",
            row.spectrum
        ))),
        (None, Role::Unknown) => {
            ClassLabel::new("unlabelled").map_err(|error| fault(error.to_string()))
        }
    }
}
