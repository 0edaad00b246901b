//! Reads the files of a manifest in parallel and names every one that cannot be used.

use super::{Dataset, DatasetRow};
use crate::{Manifest, ManifestRow, PipelineError, Watch, fault::Fault, fault::Faults};
use assay_core::{Classified, Digest, ErrorKind};
use assay_formats::MAX_FILE_BYTES;
use rayon::prelude::*;
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

impl Dataset {
    /// Reads every spectrum of a manifest, several at a time; reports progress after each.
    ///
    /// # Errors
    /// With every file that cannot be read, or on cancellation.
    pub fn load(manifest: &Manifest, watch: &Watch<'_>) -> Result<Self, PipelineError> {
        let total = manifest.rows.len();
        let done = AtomicUsize::new(0);
        let read: Vec<Option<Result<DatasetRow, Fault>>> = manifest
            .rows
            .par_iter()
            .map(|row| {
                if watch.is_cancelled() {
                    return None;
                }
                let read = read_row(row);
                watch.report(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                Some(read)
            })
            .collect();
        let mut rows = Vec::with_capacity(total);
        let mut faults = Vec::new();
        for outcome in read {
            match outcome {
                Some(Ok(row)) => rows.push(row),
                Some(Err(fault)) => faults.push(fault),
                None => {
                    let done = done.into_inner();
                    return Err(PipelineError::Cancelled { done, total });
                }
            }
        }
        match Faults::of(faults) {
            Some(faults) => Err(PipelineError::Dataset(faults)),
            None => Ok(Self::from_rows(&manifest.source, rows)),
        }
    }
}

/// Bytes of a spectrum file, no more than any spectrum has.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, PipelineError> {
    let size_bytes = fs::metadata(path).map_err(PipelineError::read(path))?.len();
    let limit_bytes = MAX_FILE_BYTES as u64;
    if size_bytes > limit_bytes {
        return Err(PipelineError::TooLarge {
            path: path.to_path_buf(),
            size_bytes,
            limit_bytes,
        });
    }
    fs::read(path).map_err(PipelineError::read(path))
}

fn read_row(row: &ManifestRow) -> Result<DatasetRow, Fault> {
    let fault = |kind: ErrorKind, message: String| Fault {
        line: row.line,
        message,
        kind,
    };
    let bytes = read_bytes(&row.path).map_err(|e| fault(e.kind(), e.to_string()))?;
    let name = row.path.file_name().and_then(|name| name.to_str());
    let reading = assay_formats::read(&bytes, name)
        .map_err(|e| fault(e.kind(), format!("{}: {e}", row.path.display())))?;
    Ok(DatasetRow {
        line: row.line,
        file: row.file.clone(),
        label: row.label.clone(),
        role: row.role,
        group: row.group.clone(),
        digest: Digest::of(&bytes),
        spectrum: reading.spectrum,
        warnings: reading.warnings,
        further_records: reading.further_records,
    })
}
