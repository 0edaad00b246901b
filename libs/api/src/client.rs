//! Clients that stand behind ports, and how they reach their services.

mod credentials;
mod endpoint;
mod features;
mod link;
mod own_thread;
mod traced;
mod work;

pub use credentials::{Credentials, TokenSource};
pub use endpoint::{check_address, check_peer};
pub use features::RemoteFeatures;
pub use link::{Link, link};
pub use traced::Traced;
pub use work::RemoteWork;

use crate::{MAX_MESSAGE_BYTES, WireError};
use std::time::Duration;
use tonic::transport::Channel;

/// How a service is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// Largest message in either direction.
    pub max_message_bytes: usize,
    /// Time to make a connection.
    pub connect_timeout: Duration,
    /// After this silence the connection is asked whether it lives.
    pub keepalive_interval: Duration,
    /// A connection that does not answer for this long is given up.
    pub keepalive_timeout: Duration,
    /// Who the client is, and whom it believes.
    pub credentials: Credentials,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            max_message_bytes: MAX_MESSAGE_BYTES,
            connect_timeout: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
            credentials: Credentials::default(),
        }
    }
}

/// A connection that is made at the first request and made again when it breaks. It carries no
/// token; [`link`] does, and also follows certificates that change. Must be called within a tokio
/// runtime.
///
/// # Errors
/// When the address is none, a file cannot be used, or there is a token that would not be sent.
pub fn channel(url: &str, options: &ClientOptions) -> Result<Channel, WireError> {
    if options.credentials.token != TokenSource::None {
        return Err(WireError::Credential {
            reason: "a plain channel sends no token; make a link".to_owned(),
        });
    }
    let material = options.credentials.read()?;
    Ok(endpoint::with(url, options, &material)?.connect_lazy())
}
