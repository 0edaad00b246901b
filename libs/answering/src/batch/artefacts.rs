//! The files that a finished batch leaves, made from its chunks one chunk at a time: a batch may
//! be much larger than the memory.

use super::{
    Batch,
    chunks::{Checkpoint, Chunk},
    end::End,
    line::ResultLine,
    npy,
    saying::Saying,
    shapley_table,
    table::Table,
};
use crate::{AnswerError, blocking};
use assay_core::{Digest, PartsDigest};
use assay_explain::Over;
use assay_jobs::JobResult;
use assay_pipeline::{Judge, Verdict};
use assay_store::{BlobStore, StoreError};
use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
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

impl Batch {
    /// Puts the chunks together and keeps the files.
    pub(super) async fn artefacts(
        &self,
        checkpoint: &Checkpoint,
        (judge, saying): (&Judge, &Saying),
        rows: usize,
    ) -> Result<JobResult, End> {
        let recipe = &judge.bundle().contents().recipe;
        let regions = saying.regions();
        let files = Files {
            blobs: self.answerer.sources.blobs.as_ref(),
            chunks: &checkpoint.chunks,
            table: Table { regions },
            shape: [rows, recipe.bins()],
        };
        let summary = files.summary(judge.bundle().id()).await?;
        if summary.rows != rows {
            let found = summary.rows;
            return Err(End::defect(&format!(
                "the chunks have {found} rows instead of {rows}"
            )));
        }
        let mut artefacts = BTreeMap::new();
        let mut add = |name: &str, digest| artefacts.insert(name.to_owned(), digest);
        add("results.jsonl", files.keep(File::Lines).await?);
        add("results.csv", files.keep(File::Table).await?);
        if regions.is_some() {
            add("importances.npy", files.keep(File::Importances).await?);
            let energy_kev = (0..recipe.bins()).map(|bin| recipe.energy_kev(bin));
            let energies = Bytes::from(energies(energy_kev));
            add("energies.csv", files.blobs.put(energies).await?);
        }
        if let Saying::Shapley { spec, .. } = saying {
            add("shapley.csv", files.keep(File::Shapley(spec.over)).await?);
        }
        let summary = serde_json::to_value(summary).map_err(|e| End::defect(&e))?;
        Ok(JobResult { artefacts, summary })
    }
}

/// The files that grow with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    /// `results.jsonl`.
    Lines,
    /// `results.csv`.
    Table,
    /// `importances.npy`.
    Importances,
    /// `shapley.csv`.
    Shapley(Over),
}

/// What the files are made from.
struct Files<'a> {
    blobs: &'a dyn BlobStore,
    chunks: &'a [Chunk],
    table: Table,
    /// Rows and bins.
    shape: [usize; 2],
}

/// A file, a part at a time.
type Parts<'a> = BoxStream<'a, Result<Bytes, StoreError>>;

impl Files<'_> {
    /// Makes a file twice, first for its digest, and keeps it.
    async fn keep(&self, file: File) -> Result<Digest, End> {
        let (mut digest, mut length) = (PartsDigest::default(), 0);
        let mut parts = self.parts(file)?;
        while let Some(part) = parts.try_next().await? {
            digest.add(&part);
            length += part.len();
        }
        let digest = digest.finish();
        let [rows, bins] = self.shape;
        let matrix = npy::header(rows, bins).len() + size_of::<f32>() * rows * bins;
        if file == File::Importances && length != matrix {
            return Err(End::defect(&format!(
                "importances of {rows} rows and {bins} bins take {length} bytes, not {matrix}"
            )));
        }
        self.blobs.put_parts(digest, self.parts(file)?).await?;
        Ok(digest)
    }

    fn parts(&self, file: File) -> Result<Parts<'_>, End> {
        Ok(match file {
            File::Lines => self.blobs_of(|chunk| Some(chunk.lines)),
            File::Table => {
                let table = self.table;
                let first = table.first_line().map_err(|e| End::defect(&e))?;
                after(first, self.lines_by(move |rows| table.lines(rows)))
            }
            File::Shapley(over) => {
                let first = shapley_table::first_line(over).map_err(|e| End::defect(&e))?;
                after(first, self.lines_by(shapley_table::lines))
            }
            File::Importances => {
                let [rows, bins] = self.shape;
                after(
                    npy::header(rows, bins),
                    self.blobs_of(|chunk| chunk.importances),
                )
            }
        })
    }

    /// Lines made from the rows of each chunk, one chunk at a time.
    fn lines_by(
        &self,
        make: impl Fn(&[ResultLine]) -> Result<Vec<u8>, String> + Copy + Send + Sync + 'static,
    ) -> Parts<'_> {
        let chunks = self.blobs_of(|chunk| Some(chunk.lines));
        let lines = chunks.and_then(move |chunk| async move {
            let lines = blocking::run(move || make(&parsed(&chunk)?).map_err(AnswerError::Defect));
            lines
                .await
                .map(Bytes::from)
                .map_err(|error| StoreError::Unreadable {
                    what: "a chunk of results".to_owned(),
                    reason: error.to_string(),
                })
        });
        lines.boxed()
    }

    /// One blob of each chunk, one at a time.
    fn blobs_of(&self, which: fn(&Chunk) -> Option<Digest>) -> Parts<'_> {
        let blobs = self.blobs;
        stream::iter(self.chunks.iter().filter_map(which))
            .then(move |digest| blobs.get(digest))
            .boxed()
    }

    async fn summary(&self, bundle: Digest) -> Result<Summary, End> {
        let mut summary = Summary {
            bundle: bundle.to_string(),
            ..Summary::default()
        };
        let mut chunks = self.blobs_of(|chunk| Some(chunk.lines));
        while let Some(chunk) = chunks.try_next().await? {
            let lines = blocking::run(move || parsed(&chunk)).await?;
            lines.iter().for_each(|line| summary.count(line));
        }
        Ok(summary)
    }
}

fn after(first: Vec<u8>, rest: Parts<'_>) -> Parts<'_> {
    let first = Ok(Bytes::from(first));
    stream::once(std::future::ready(first)).chain(rest).boxed()
}

fn parsed(chunk: &[u8]) -> Result<Vec<ResultLine>, AnswerError> {
    chunk
        .split_inclusive(|&byte| byte == b'\n')
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()
        .map_err(|error| AnswerError::Defect(format!("results: {error}")))
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

/// The energy of each bin's centre, as the columns of the importances are.
fn energies(energy_kev: impl Iterator<Item = f64>) -> Vec<u8> {
    let mut text = "bin,energy_kev\r\n".to_owned();
    for (bin, energy_kev) in energy_kev.enumerate() {
        text += &format!("{bin},{energy_kev}\r\n");
    }
    text.into_bytes()
}
