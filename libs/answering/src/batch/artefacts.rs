//! The files that a finished batch leaves, made from its chunks.

use super::{Batch, BatchKind, chunks::Checkpoint, end::End, line::ResultLine, table::Table};
use crate::{AnswerError, blocking};
use assay_jobs::JobResult;
use assay_pipeline::{Judge, Verdict};
use bytes::Bytes;
use ndarray::Array2;
use ndarray_npy::WriteNpyExt;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the summary of a finished job says.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
struct Summary {
    /// Digest of the bundle that answered.
    bundle: String,
    /// Rows of the data set.
    rows: usize,
    /// Rows whose material is known.
    known: usize,
    /// Rows whose material is not.
    unknown: usize,
    /// Rows whose spectrum cannot be used.
    errors: usize,
    /// Rows by the material that they show.
    labels: BTreeMap<String, usize>,
}

/// Files by name.
type Files = Vec<(&'static str, Vec<u8>)>;

impl Batch {
    /// Puts the chunks together and keeps the files.
    pub(super) async fn artefacts(
        &self,
        checkpoint: &Checkpoint,
        judge: &Judge,
        rows: usize,
    ) -> Result<JobResult, End> {
        let blobs = &self.answerer.sources.blobs;
        let (mut lines, mut importances) = (Vec::new(), Vec::new());
        for chunk in &checkpoint.chunks {
            lines.push(blobs.get(chunk.lines).await?);
            if let Some(digest) = chunk.importances {
                importances.push(blobs.get(digest).await?);
            }
        }
        let recipe = &judge.bundle().contents().recipe;
        let energy_kev: Vec<f64> = (0..recipe.bins())
            .map(|bin| recipe.energy_kev(bin))
            .collect();
        let (kind, bundle) = (self.kind, judge.bundle().id().to_string());
        let (files, summary) = blocking::run(move || {
            let (mut files, mut summary) = results(kind, lines)?;
            if summary.rows != rows {
                return Err(AnswerError::Defect(format!(
                    "the chunks have {} rows instead of {rows}",
                    summary.rows
                )));
            }
            if let BatchKind::Explain { .. } = kind {
                files.push((
                    "importances.npy",
                    matrix(importances, rows, energy_kev.len())?,
                ));
                files.push(("energies.csv", energies(&energy_kev)));
            }
            summary.bundle = bundle;
            Ok((files, summary))
        })
        .await?;
        let mut artefacts = BTreeMap::new();
        for (name, bytes) in files {
            artefacts.insert(name.to_owned(), blobs.put(Bytes::from(bytes)).await?);
        }
        let summary = serde_json::to_value(summary).map_err(|e| End::defect(&e))?;
        Ok(JobResult { artefacts, summary })
    }
}

fn results(kind: BatchKind, chunks: Vec<Bytes>) -> Result<(Files, Summary), AnswerError> {
    let defect = |e: &dyn std::fmt::Display| AnswerError::Defect(format!("results: {e}"));
    let regions = match kind {
        BatchKind::Identify => None,
        BatchKind::Explain { regions } => Some(regions),
    };
    let mut table = Table::new(regions).map_err(|e| defect(&e))?;
    let mut json_lines = Vec::new();
    let mut summary = Summary::default();
    for chunk in chunks {
        for line in chunk.split_inclusive(|&byte| byte == b'\n') {
            let line: ResultLine = serde_json::from_slice(line).map_err(|e| defect(&e))?;
            summary.count(&line);
            table.push(&line).map_err(|e| defect(&e))?;
        }
        json_lines.extend_from_slice(&chunk);
    }
    let table = table.finish().map_err(|e| defect(&e))?;
    let files = vec![("results.jsonl", json_lines), ("results.csv", table)];
    Ok((files, summary))
}

impl Summary {
    fn count(&mut self, line: &ResultLine) {
        self.rows += 1;
        let Some(answer) = &line.answer else {
            self.errors += 1;
            return;
        };
        match answer.verdict {
            Verdict::Known => self.known += 1,
            Verdict::Unknown => self.unknown += 1,
        }
        if let Some(label) = &answer.label {
            *self.labels.entry(label.to_string()).or_default() += 1;
        }
    }
}

/// A NumPy file, `[rows, bins]` f32; each chunk is let go once it is copied.
fn matrix(chunks: Vec<Bytes>, rows: usize, bins: usize) -> Result<Vec<u8>, AnswerError> {
    let defect = |e: &dyn std::fmt::Display| AnswerError::Defect(format!("importances: {e}"));
    let mut values = Vec::with_capacity(rows * bins);
    for chunk in chunks {
        let (each, _) = chunk.as_chunks::<4>();
        values.extend(each.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
    let matrix = Array2::from_shape_vec((rows, bins), values).map_err(|e| defect(&e))?;
    let mut file = Vec::new();
    matrix.write_npy(&mut file).map_err(|e| defect(&e))?;
    Ok(file)
}

/// The energy of each bin's centre, as the columns of the importances are.
fn energies(energy_kev: &[f64]) -> Vec<u8> {
    let mut text = "bin,energy_kev\r\n".to_owned();
    for (bin, energy_kev) in energy_kev.iter().enumerate() {
        text += &format!("{bin},{energy_kev}\r\n");
    }
    text.into_bytes()
}
