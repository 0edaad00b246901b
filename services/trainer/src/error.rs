//! Why a training job cannot be done.

use assay_core::{Classified, ErrorKind};
use assay_jobs::JobError;
use assay_pipeline::PipelineError;
use assay_store::StoreError;
use assay_train::TrainError;
use std::{io, path::PathBuf};

/// A failure of a training job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// What was asked for cannot be understood.
    #[error("the training specification cannot be used: {0}")]
    Specification(String),
    /// Training itself.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A spectrum or a bundle.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Blobs or the registry.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The job itself.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The report page.
    #[error("the report cannot be written: {0}")]
    Report(#[from] assay_report::ReportError),
    /// A file of this machine.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// There are no pretrained bases.
    #[error(
        "no folder with converted bases is there; set trainer.bases_dir, or run set-up on the \
         trainer's machine"
    )]
    NoBases,
    /// The work was told to stop.
    #[error("the training was told to stop")]
    Stopped,
    /// A thread of this program died.
    #[error("a thread of the trainer died: {0}")]
    Defect(String),
}

impl Classified for TrainerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Specification(_) => ErrorKind::InvalidArgument,
            Self::Train(error) => error.kind(),
            Self::Pipeline(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Job(error) => error.kind(),
            Self::Report(error) => error.kind(),
            Self::Io { .. } => ErrorKind::Unavailable,
            // Another trainer may have them.
            Self::NoBases => ErrorKind::FailedPrecondition,
            Self::Stopped => ErrorKind::Cancelled,
            Self::Defect(_) => ErrorKind::Internal,
        }
    }
}
