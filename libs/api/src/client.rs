//! Clients that stand behind ports, and how they reach their services.

mod features;
mod own_thread;
mod traced;
mod work;

pub use features::RemoteFeatures;
pub use traced::Traced;
pub use work::RemoteWork;

use crate::{MAX_MESSAGE_BYTES, WireError};
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};

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
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            max_message_bytes: MAX_MESSAGE_BYTES,
            connect_timeout: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}

/// A connection that is made at the first request and made again when it breaks. Must be called
/// within a tokio runtime.
///
/// # Errors
/// When the address is no `http://host:port`.
pub fn channel(url: &str, options: &ClientOptions) -> Result<Channel, WireError> {
    let endpoint = endpoint(url)?
        .connect_timeout(options.connect_timeout)
        .http2_keep_alive_interval(options.keepalive_interval)
        .keep_alive_timeout(options.keepalive_timeout)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    Ok(endpoint.connect_lazy())
}

/// Whether an address can be used at all; nothing is connected.
///
/// # Errors
/// When it is no `http://host:port`.
pub fn check_address(url: &str) -> Result<(), WireError> {
    endpoint(url).map(|_| ())
}

fn endpoint(url: &str) -> Result<Endpoint, WireError> {
    let refuse = |reason: String| WireError::Address {
        url: url.to_owned(),
        reason,
    };
    let endpoint =
        Endpoint::from_shared(url.to_owned()).map_err(|error| refuse(error.to_string()))?;
    match (endpoint.uri().scheme_str(), endpoint.uri().host()) {
        (Some("http"), Some(_)) => Ok(endpoint),
        (Some("http"), None) => Err(refuse("it names no host".to_owned())),
        _ => Err(refuse("only http is spoken".to_owned())),
    }
}
