//! Why a server cannot start or does not end as it should.

use crate::{access::AccessError, tls::TlsError};
use assay_core::{Classified, ErrorKind};
use std::{io, net::SocketAddr, time::Duration};

/// A failure of the server itself; requests fail with a status of their own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// A port is taken, or the address is not one of this machine.
    #[error("cannot listen on {address} for {what}; free it or name another")]
    Bind {
        /// For what.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("cannot encrypt connections: {0}")]
    Tls(#[from] TlsError),
    /// The file of tokens or the audit log cannot be used.
    #[error("cannot tell callers apart: {0}")]
    Access(#[from] AccessError),
    /// The metrics cannot be kept.
    #[error("cannot keep metrics: {0}")]
    Metrics(String),
    /// The logs cannot be written.
    #[error("cannot start logging: {0}")]
    Logging(String),
    /// Spans cannot go where they should.
    #[error("cannot keep traces: {0}")]
    Traces(String),
    /// The descriptors of the interface are damaged.
    #[error("cannot describe the interface: {0}")]
    Reflection(String),
    /// The system does not deliver signals.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
    /// The server ended by itself.
    #[error("the server failed")]
    Serve(#[source] tonic::transport::Error),
    /// Work in the background ended although the process goes on.
    #[error("task {name} ended before its time")]
    TaskEnded {
        /// Which.
        name: String,
    },
    /// The end took longer than it may.
    #[error("not everything was finished {} s after the signal to end: {left}", .grace.as_secs())]
    GraceExceeded {
        /// How long it may take.
        grace: Duration,
        /// What was cut off.
        left: String,
    },
}

impl Classified for RuntimeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Bind { .. }
            | Self::Signals(_)
            | Self::Tls(_)
            | Self::Access(_)
            | Self::GraceExceeded { .. } => ErrorKind::Unavailable,
            Self::Metrics(_)
            | Self::Logging(_)
            | Self::Traces(_)
            | Self::Reflection(_)
            | Self::Serve(_)
            | Self::TaskEnded { .. } => ErrorKind::Internal,
        }
    }
}
