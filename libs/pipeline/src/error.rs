//! What can go wrong between files and verdicts.

use crate::fault::Faults;
use assay_core::{Classified, Digest, ErrorKind};
use std::{io, path::PathBuf};

/// A failure of manifests, data sets, bundles or identification.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A manifest with faults, all of them named.
    #[error("{} cannot be used: {faults}", .manifest.display())]
    Manifest {
        /// The manifest.
        manifest: PathBuf,
        /// What is wrong with it.
        faults: Faults,
    },
    /// Spectra that cannot be read or preprocessed, all of them named.
    #[error("not every spectrum can be used: {0}")]
    Dataset(Faults),
    /// A class too small for what is asked.
    #[error(
        "class {label:?} has {members} spectrum(s), but {purpose} needs {needed} or more of every \
         known class; add spectra or remove the class from the manifest"
    )]
    ClassTooSmall {
        /// The class.
        label: String,
        /// Spectra it has.
        members: usize,
        /// Spectra it needs.
        needed: usize,
        /// What needs them.
        purpose: &'static str,
    },
    /// Too few known classes for what is asked.
    #[error("there are {found} known classes, but {purpose} needs {needed} or more")]
    TooFewClasses {
        /// Classes there are.
        found: usize,
        /// Classes needed.
        needed: usize,
        /// What needs them.
        purpose: &'static str,
    },
    /// A parameter outside its range.
    #[error("{name} is {value}; allowed: {allowed}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file larger than any of its sort should be.
    #[error("{} has {size_bytes} bytes; at most {limit_bytes} are read", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size_bytes: u64,
        /// Largest size read.
        limit_bytes: u64,
    },
    /// A folder that is no bundle.
    #[error("{} is no model bundle: {reason}", .path.display())]
    NotABundle {
        /// The path.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// Something stands where a bundle was to be written.
    #[error("{} exists already and {what}", .path.display())]
    BundleExists {
        /// The path.
        path: PathBuf,
        /// What it is and what to do, as the rest of a sentence.
        what: &'static str,
    },
    /// A bundle of another format version.
    #[error(
        "{} has format version {found}; this program reads version {supported}, so use the \
         program that wrote it or train the model again",
        .file.display()
    )]
    BundleVersion {
        /// The file.
        file: PathBuf,
        /// The version found.
        found: String,
        /// The newest version that can be read.
        supported: u32,
    },
    /// A file of a bundle is not what it was when the bundle was written.
    #[error(
        "{} was changed or damaged: its digest is {found}, but {expected} was expected; copy the \
         bundle again from where it came from",
        .file.display()
    )]
    BundleDamaged {
        /// The file.
        file: PathBuf,
        /// Digest recorded when the bundle was written.
        expected: Digest,
        /// Digest of what is there now.
        found: Digest,
    },
    /// The parts of a bundle contradict each other or lack something.
    #[error("{} cannot be used: {reason}", .file.display())]
    BundleInvalid {
        /// The file.
        file: PathBuf,
        /// The field, the value and what is allowed.
        reason: String,
    },
    /// A manifest and a bundle do not go together.
    #[error("{}, line {line}: label {label:?} {problem}; the bundle knows {}", .manifest.display(), .known.join(", "))]
    LabelMismatch {
        /// The manifest.
        manifest: PathBuf,
        /// The line.
        line: u64,
        /// The label.
        label: String,
        /// What is wrong with it.
        problem: &'static str,
        /// Labels of the bundle.
        known: Vec<String>,
    },
    /// A spectrum was prepared for one bundle and is judged with another.
    #[error(
        "the spectrum was prepared for bundle {prepared}, but bundle {asked} is to judge it; \
         prepare it again with that one"
    )]
    OtherBundle {
        /// The bundle whose recipe made the input vector.
        prepared: Digest,
        /// The bundle that is to judge.
        asked: Digest,
    },
    /// One spectrum file cannot be read as a spectrum.
    #[error("{file}: {source}")]
    Format {
        /// Name of the file, or what the caller called the bytes.
        file: String,
        /// Why.
        source: assay_formats::FormatError,
    },
    /// One spectrum cannot be preprocessed.
    #[error("{file}: {source}")]
    Spectrum {
        /// Name of the file, or what the caller called the bytes.
        file: String,
        /// Why.
        source: assay_spectrum::SpectrumError,
    },
    /// The images of a model cannot be made.
    #[error(transparent)]
    Imaging(#[from] assay_gramian::GramianError),
    /// The network cannot be built or computed.
    #[error(transparent)]
    Network(#[from] assay_network::NetworkError),
    /// The model cannot be run.
    #[error(transparent)]
    Infer(#[from] assay_infer::InferError),
    /// The gate cannot be built or applied.
    #[error(transparent)]
    OpenSet(#[from] assay_openset::OpenSetError),
    /// The caller gave up.
    #[error("cancelled after {done} of {total} spectra")]
    Cancelled {
        /// Spectra finished.
        done: usize,
        /// Spectra asked for.
        total: usize,
    },
}

impl PipelineError {
    pub(crate) fn parameter(
        name: &'static str,
        value: impl ToString,
        allowed: impl ToString,
    ) -> Self {
        Self::Parameter {
            name,
            value: value.to_string(),
            allowed: allowed.to_string(),
        }
    }

    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }
}

impl Classified for PipelineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Manifest { faults, .. } | Self::Dataset(faults) => faults.kind(),
            Self::ClassTooSmall { .. }
            | Self::TooFewClasses { .. }
            | Self::Parameter { .. }
            | Self::BundleInvalid { .. }
            | Self::LabelMismatch { .. } => ErrorKind::InvalidArgument,
            Self::Read { source, .. } => io_kind(source),
            Self::Write { .. } => ErrorKind::Unavailable,
            Self::TooLarge { .. } => ErrorKind::ResourceExhausted,
            Self::NotABundle { .. } => ErrorKind::NotFound,
            Self::BundleExists { .. } => ErrorKind::AlreadyExists,
            Self::BundleVersion { .. } | Self::OtherBundle { .. } => ErrorKind::FailedPrecondition,
            Self::BundleDamaged { .. } => ErrorKind::DataLoss,
            Self::Format { source, .. } => source.kind(),
            Self::Spectrum { source, .. } => source.kind(),
            Self::Imaging(error) => error.kind(),
            Self::Network(error) => error.kind(),
            Self::Infer(error) => error.kind(),
            Self::OpenSet(error) => error.kind(),
            Self::Cancelled { .. } => ErrorKind::Cancelled,
        }
    }
}

pub(crate) fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidData => ErrorKind::InvalidArgument,
        _ => ErrorKind::Unavailable,
    }
}
