//! What is wrong with a message, or with the address it should go to.

use assay_core::{Classified, ErrorKind};

/// A message or an address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A field of a message.
    #[error("{field}: {reason}")]
    Field {
        /// Its path, such as `rows[3].label`.
        field: String,
        /// Its value, what is allowed, what to do.
        reason: String,
    },
    /// The address of a service.
    #[error(
        "{url:?} is no address of a service: {reason}; write it as http://host:port or https://host:port"
    )]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate, key or token of ours.
    #[error("{reason}")]
    Credential {
        /// What is wrong; never what is secret.
        reason: String,
    },
    /// A token would be sent where others can read it.
    #[error(
        "{url:?} is on another machine, and the token would go there unencrypted; use https://, or \
         say that this is meant (insecure_token, --insecure-token)"
    )]
    PlainToken {
        /// The address.
        url: String,
    },
    /// The system gives no thread or file for a connection.
    #[error("no thread for a connection can be started: {reason}; allow the process more")]
    Thread {
        /// What the system says.
        reason: String,
    },
}

impl WireError {
    /// A field that cannot be used, and why.
    pub fn field(field: impl Into<String>, reason: impl ToString) -> Self {
        Self::Field {
            field: field.into(),
            reason: reason.to_string(),
        }
    }

    /// The same field of a message that lies in another one.
    #[must_use]
    pub fn within(self, outer: impl AsRef<str>) -> Self {
        match self {
            Self::Field { field, reason } => Self::Field {
                field: format!("{}.{field}", outer.as_ref()),
                reason,
            },
            other => other,
        }
    }
}

impl Classified for WireError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Field { .. } | Self::Address { .. } | Self::PlainToken { .. } => {
                ErrorKind::InvalidArgument
            }
            Self::Credential { .. } => ErrorKind::Unavailable,
            Self::Thread { .. } => ErrorKind::ResourceExhausted,
        }
    }
}

impl From<WireError> for tonic::Status {
    fn from(error: WireError) -> Self {
        crate::status::of(&error)
    }
}
