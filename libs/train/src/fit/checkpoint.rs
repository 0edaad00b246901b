//! The state of a run on disk: one safetensors file with weights and moments, whose metadata
//! holds the position as JSON. Written aside, flushed and renamed, so that a file is always whole.

use super::EpochRecord;
use crate::{
    error::{Result, TrainError},
    fit::step::BatchResult,
};
use assay_core::Digest;
use assay_network::Tensor;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

const FORMAT: u32 = 1;
const KEY: &str = "openassay.checkpoint";

/// Where and how often the state of a run is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointPlan {
    /// The folder; it is made when missing.
    pub folder: PathBuf,
    /// Name of the run within the folder, without extension.
    pub name: String,
    /// Steps between two checkpoints, at least 1. The end of a run is always written.
    pub every_steps: u64,
}

/// How far a run is: what follows is a function of this and of the tensors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    pub(super) epoch: usize,
    /// Batches of this epoch that are done.
    pub(super) batch: usize,
    pub(super) loss_sum: f64,
    pub(super) right: usize,
    pub(super) history: Vec<EpochRecord>,
}

impl Cursor {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a batch has far fewer than 2^53 rows"
    )]
    pub(super) fn add(&mut self, result: BatchResult) {
        self.batch += 1;
        self.loss_sum += result.loss * result.rows as f64;
        self.right += result.right;
    }

    pub(super) fn begin_next_epoch(&mut self, record: EpochRecord) {
        self.history.push(record);
        *self = Self {
            epoch: self.epoch + 1,
            history: std::mem::take(&mut self.history),
            ..Self::default()
        };
    }
}

/// Everything that a run needs to go on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Checkpoint {
    pub(super) cursor: Cursor,
    pub(super) step: u64,
    pub(super) names: Vec<String>,
    pub(super) parameters: Vec<Tensor>,
    pub(super) first: Vec<Tensor>,
    pub(super) second: Vec<Tensor>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    run: Digest,
    step: u64,
    names: Vec<String>,
    cursor: Cursor,
}

/// The checkpoints of one run.
#[derive(Debug)]
pub(super) struct Checkpoints {
    path: PathBuf,
    every_steps: u64,
    run: Digest,
}

impl Checkpoints {
    pub(super) fn new(plan: &CheckpointPlan, run: Digest) -> Result<Self> {
        fs::create_dir_all(&plan.folder).map_err(TrainError::io(&plan.folder))?;
        Ok(Self {
            path: plan.folder.join(format!("{}.safetensors", plan.name)),
            every_steps: plan.every_steps.max(1),
            run,
        })
    }

    /// Whether the state after so many steps is to be written.
    pub(super) const fn is_due(&self, steps: u64) -> bool {
        steps.is_multiple_of(self.every_steps)
    }

    /// Writes the state and returns its path.
    pub(super) fn save(&self, checkpoint: &Checkpoint) -> Result<PathBuf> {
        let bytes = encode(checkpoint, self.run).map_err(|reason| self.refuse(&reason))?;
        write_durably(&self.path, &bytes)?;
        Ok(self.path.clone())
    }

    /// The state of this very run, or `None` where there is none yet.
    pub(super) fn load(&self) -> Result<Option<Checkpoint>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(TrainError::io(&self.path)(error)),
        };
        let (checkpoint, run) = decode(&bytes).map_err(|reason| self.refuse(&reason))?;
        if run != self.run {
            return Err(self.refuse(
                "it belongs to a run with other data, settings, threads or starting weights: \
                 give another --checkpoint folder or delete it",
            ));
        }
        Ok(Some(checkpoint))
    }

    fn refuse(&self, reason: &str) -> TrainError {
        TrainError::Checkpoint {
            path: self.path.clone(),
            reason: reason.to_owned(),
        }
    }
}

fn encode(checkpoint: &Checkpoint, run: Digest) -> Result<Vec<u8>, String> {
    let header = Header {
        format: FORMAT,
        run,
        step: checkpoint.step,
        names: checkpoint.names.clone(),
        cursor: checkpoint.cursor.clone(),
    };
    let header = serde_json::to_string(&header).map_err(|e| e.to_string())?;
    let mut views = Vec::new();
    for (part, tensors) in [
        ("parameter", &checkpoint.parameters),
        ("first", &checkpoint.first),
        ("second", &checkpoint.second),
    ] {
        for (name, tensor) in checkpoint.names.iter().zip(tensors) {
            let bytes = bytemuck::cast_slice(&tensor.data);
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)
                .map_err(|e| e.to_string())?;
            views.push((format!("{part}.{name}"), view));
        }
    }
    let metadata = HashMap::from([(KEY.to_owned(), header)]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
}

fn decode(bytes: &[u8]) -> Result<(Checkpoint, Digest), String> {
    let damaged = |e: safetensors::SafeTensorError| format!("it is damaged ({e}): delete it");
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let header = metadata
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(KEY))
        .ok_or("it is no checkpoint of this program: delete it")?;
    let header: Header = serde_json::from_str(header)
        .map_err(|e| format!("its position cannot be read ({e}): delete it"))?;
    if header.format != FORMAT {
        return Err(format!(
            "its format is {}, this program writes {FORMAT}: delete it",
            header.format
        ));
    }
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let part = |part: &str| {
        header
            .names
            .iter()
            .map(|name| {
                let view = file.tensor(&format!("{part}.{name}")).map_err(damaged)?;
                let values = view.data().chunks_exact(4);
                let data = values.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                Tensor::new(view.shape().to_vec(), data.collect()).map_err(|e| e.to_string())
            })
            .collect::<Result<Vec<_>, String>>()
    };
    let checkpoint = Checkpoint {
        step: header.step,
        parameters: part("parameter")?,
        first: part("first")?,
        second: part("second")?,
        names: header.names,
        cursor: header.cursor,
    };
    Ok((checkpoint, header.run))
}

/// Writes aside, flushes to the disk, renames, and flushes the folder.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let aside = path.with_extension("tmp");
    let mut file = File::create(&aside).map_err(TrainError::io(&aside))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(TrainError::io(&aside))?;
    fs::rename(&aside, path).map_err(TrainError::io(path))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(TrainError::io(folder))
}
