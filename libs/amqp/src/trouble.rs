//! What stands between us and the broker, in words for those who run both. No word holds the URL.

use crate::topology::Topology;
use assay_jobs::JobError;
use lapin::{ErrorKind, protocol::AMQPError};
use std::{io, time::Duration};

/// What errors call this queue.
pub(crate) const WHAT: &str = "the queue";

// Numbers of the protocol.
const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

/// Why there is no connection, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("{address} cannot be reached: {reason}")]
    Unreachable { address: String, reason: String },
    #[error(
        "{address} does not speak as a broker does ({reason}); name the port for AMQP, usually \
         5672, or 5671 with amqps://"
    )]
    NoBroker { address: String, reason: String },
    #[error("the broker does not let us in ({reason}); correct user and password in the URL")]
    Login { reason: String },
    #[error(
        "the broker does not open the virtual host ({reason}); create it, let the user in, or \
         correct the end of the URL"
    )]
    Host { reason: String },
    #[error(
        "{what} is there already with other properties ({reason}); delete it, for its hints are \
         published again, or set another prefix"
    )]
    Foreign { what: String, reason: String },
    #[error(
        "the broker does not let us have {what} ({reason}); the user needs to configure, write and \
         read what begins with {prefix}, and to write amq.default"
    )]
    Forbidden {
        what: String,
        reason: String,
        prefix: String,
    },
    #[error("{what} cannot be declared: {reason}")]
    Undeclared { what: String, reason: String },
    #[error("the broker did not confirm a hint within {} s", within.as_secs_f64())]
    Unconfirmed { within: Duration },
    #[error("the broker said nothing for {} s", within.as_secs_f64())]
    Silent { within: Duration },
    #[error("the connection ended: {reason}")]
    Ended { reason: String },
    #[error("the queue was closed")]
    Closed,
}

impl Trouble {
    /// Why a connection to an address was not made.
    pub(crate) fn connecting(address: &str, error: &lapin::Error) -> Self {
        let address = address.to_owned();
        let reason = words(error);
        match error.kind() {
            // Between the connection and the first word in the protocol.
            ErrorKind::IOError(error) if hung_up(error) => Self::NoBroker {
                address,
                reason: "it hung up".to_owned(),
            },
            ErrorKind::IOError(_) => Self::Unreachable { address, reason },
            ErrorKind::ProtocolError(error) if error.get_id() == ACCESS_REFUSED => {
                Self::Login { reason }
            }
            ErrorKind::ProtocolError(error) if error.get_id() == NOT_ALLOWED => {
                Self::Host { reason }
            }
            ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => Self::NoBroker {
                address,
                reason: "it said something else".to_owned(),
            },
            _ => Self::Ended { reason },
        }
    }

    /// Why a queue or exchange was not declared.
    pub(crate) fn declaring(what: &str, topology: &Topology, error: &lapin::Error) -> Self {
        let (what, reason) = (what.to_owned(), words(error));
        match error.kind() {
            ErrorKind::ProtocolError(error) if error.get_id() == PRECONDITION_FAILED => {
                Self::Foreign { what, reason }
            }
            ErrorKind::ProtocolError(error) if error.get_id() == ACCESS_REFUSED => {
                Self::Forbidden {
                    what,
                    reason,
                    prefix: topology.prefix().to_owned(),
                }
            }
            _ => Self::Undeclared { what, reason },
        }
    }

    /// The end of a connection.
    pub(crate) fn ended(error: &lapin::Error) -> Self {
        Self::Ended {
            reason: words(error),
        }
    }

    /// The error of whoever asked for something meanwhile.
    pub(crate) fn unavailable(&self) -> JobError {
        unavailable(self.to_string())
    }
}

/// Something may work later.
pub(crate) fn unavailable(reason: impl Into<String>) -> JobError {
    JobError::Unavailable {
        what: WHAT,
        reason: reason.into(),
    }
}

/// What the library says, or better what the broker said itself.
pub(crate) fn words(error: &lapin::Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(error) => told(error),
        ErrorKind::IOError(error) => error.to_string(),
        _ => error.to_string(),
    }
}

fn told(error: &AMQPError) -> String {
    let message = error.get_message().to_string();
    if message.is_empty() {
        return error.to_string();
    }
    message
}

fn hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
    )
}
