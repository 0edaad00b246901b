//! One kind per failure. It decides the exit code of the command line, the gRPC status and
//! whether a job is retried, so that no caller has to guess from a message.

use serde::{Deserialize, Serialize};

/// What sort of failure an error is, independent of the crate it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's data or parameter is wrong; the same call fails again.
    InvalidArgument,
    /// Something that was named does not exist.
    NotFound,
    /// Something that was to be created exists already.
    AlreadyExists,
    /// The data is well-formed but lacks what the operation needs, such as a calibration.
    FailedPrecondition,
    /// Too much work at once, or a file larger than allowed; retry later or send less.
    ResourceExhausted,
    /// A dependency is missing or down; retry once it is there.
    Unavailable,
    /// The caller gave the operation up.
    Cancelled,
    /// Stored data is damaged: a checksum or digest does not match.
    DataLoss,
    /// A defect of this program.
    Internal,
}

impl ErrorKind {
    /// Exit code of the command-line tool, after BSD `sysexits.h`.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::InvalidArgument | Self::FailedPrecondition | Self::DataLoss => 65,
            Self::NotFound => 66,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::AlreadyExists => 73,
            Self::ResourceExhausted => 75,
            Self::Cancelled => 130,
        }
    }
}

/// An error that knows its kind.
pub trait Classified: std::error::Error {
    /// The kind of this failure.
    fn kind(&self) -> ErrorKind;
}
