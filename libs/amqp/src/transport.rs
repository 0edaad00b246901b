//! The line under a connection. We make it ourselves, so that we can cut it: the library keeps a
//! thread for as long as a line lives, and a silent peer never ends one.

use crate::{board::Side, message::APPLICATION, options::AmqpOptions, trouble::Trouble};
use lapin::{
    Connection, ConnectionProperties,
    tcp::{AsyncTcpStream, OwnedTLSConfig},
    uri::{AMQPScheme, AMQPUri},
};
use std::{
    fs, io,
    net::{Shutdown, SocketAddr, TcpStream},
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::timeout;
use tracing::{Dispatch, dispatcher};

/// A line, which is cut when this is dropped.
pub(crate) struct Line(Arc<Cut>);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.sever();
    }
}

/// What cuts a line that may not be there yet.
struct Cut(Mutex<State>);

enum State {
    Waiting,
    /// A second handle to the socket.
    Held(TcpStream),
    Severed,
}

impl Cut {
    fn hold(&self, socket: BorrowedFd<'_>) -> io::Result<()> {
        let socket = TcpStream::from(socket.try_clone_to_owned()?);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Severed) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        *state = State::Held(socket);
        Ok(())
    }

    fn sever(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Held(socket) = std::mem::replace(&mut *state, State::Severed) {
            // It fails when the peer was faster, which is as good.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Where the broker is and by which certificates it is known.
pub(crate) struct Target {
    uri: AMQPUri,
    /// Certificates (PEM) that vouch for it beside those of the system.
    certificates: Option<String>,
}

impl Target {
    /// Reads the certificates. An error tells what is wrong without a word of the URL.
    pub(crate) fn new(options: &AmqpOptions) -> Result<Self, String> {
        let read = |path: &PathBuf| {
            fs::read_to_string(path)
                .map_err(|error| format!("ca_file {} cannot be read: {error}", path.display()))
        };
        Ok(Self {
            uri: options.uri().map_err(|fault| format!("url: {fault}"))?,
            certificates: options.ca_file.as_ref().map(read).transpose()?,
        })
    }

    /// Makes a connection and lets the broker say that we are in, all within a time.
    pub(crate) async fn connect(
        &self,
        side: Side,
        within: Duration,
    ) -> Result<(Connection, Line), Trouble> {
        let host = &self.uri.authority;
        let address = format!("{}:{}", host.host, host.port);
        let failed = |error: &lapin::Error| Trouble::connecting(&address, error);
        let runtime = lapin::runtime::default_runtime().map_err(|error| failed(&error))?;
        let cut = Arc::new(Cut(Mutex::new(State::Waiting)));
        let line = Line(Arc::clone(&cut));
        let trusted = OwnedTLSConfig {
            identity: None,
            cert_chain: self.certificates.clone(),
        };
        let connecting = Connection::connector(
            self.uri.clone(),
            runtime,
            async move |uri, runtime| {
                // This is the library's own thread. Its lines tell what ours tell, and messages
                // that come back it prints whole.
                std::mem::forget(dispatcher::set_default(&Dispatch::none()));
                let dialled = timeout(within, async {
                    let host = uri.authority.host.as_str();
                    let found = tokio::net::lookup_host((host, uri.authority.port)).await?;
                    let found: Vec<SocketAddr> = found.collect();
                    let stream = AsyncTcpStream::connect(&runtime, found).await?;
                    if let AsyncTcpStream::Plain(plain) = &stream {
                        cut.hold(plain.get_ref().as_fd())?;
                    }
                    match uri.scheme {
                        AMQPScheme::AMQP => Ok(stream),
                        AMQPScheme::AMQPS => stream.into_tls(host, trusted.as_ref()).await,
                    }
                });
                let late = || io::Error::from(io::ErrorKind::TimedOut);
                Ok(dialled.await.unwrap_or_else(|_| Err(late()))?)
            },
            properties(side),
        );
        match timeout(within, connecting).await {
            Ok(Ok(connection)) => Ok((connection, line)),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(Trouble::NoBroker {
                reason: format!("no answer within {} s", within.as_secs_f64()),
                address,
            }),
        }
    }
}

/// What the broker shows of us.
fn properties(side: Side) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(format!("{APPLICATION} {}", side.name()).into())
        .with_client_property("product".into(), APPLICATION.into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}
