//! Connections as they come. Each encrypted one is greeted in a task of its own, so that a peer
//! that is slow with its handshake holds up nobody, and within the time that a plain one has for
//! its first words.

use super::{Tls, Wire};
use crate::{connection::Connection, layers::Shared, settings::ServerConfig};
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use std::{
    io::{self, ErrorKind},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Sender},
    time::{Instant, sleep, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::TcpIncoming;

/// Pause after a connection could not be accepted, which goes on for as long as the process has too
/// many open files: without it the server would do nothing but try again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Greeted connections that wait to be served.
const GREETED: usize = 64;

/// Why most handshakes fail: the peer went away.
const CLOSED: &str = "closed";

/// Connections as they come.
pub(crate) fn connections(
    listener: TcpListener,
    config: &ServerConfig,
    tls: Option<Arc<Tls>>,
    shared: &Arc<Shared>,
) -> BoxStream<'static, io::Result<Connection>> {
    let patience = Duration::from_secs(config.keepalive_timeout_s);
    let greeting = Greeting {
        shared: Arc::clone(shared),
        patience,
    };
    let silence = Duration::from_secs(config.keepalive_interval_s);
    let accepted = accepted(listener, silence);
    let Some(tls) = tls else {
        let greet = move |stream| greeting.begin(Wire::plain(stream), Instant::now() + patience);
        return accepted.map_ok(greet).boxed();
    };
    let (sender, greeted) = mpsc::channel(GREETED);
    tokio::spawn(greet_all(accepted, tls, greeting, sender));
    ReceiverStream::new(greeted).boxed()
}

/// Connections, each asked by the system whether it lives after so much silence: HTTP/1.1, which
/// browsers speak, has no pings of its own.
fn accepted(
    listener: TcpListener,
    silence: Duration,
) -> impl Stream<Item = io::Result<TcpStream>> + Send + Unpin {
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(silence));
    Box::pin(incoming.then(|accepted| async move {
        if let Err(error) = &accepted {
            tracing::warn!(%error, "a connection could not be accepted");
            sleep(ACCEPT_PAUSE).await;
        }
        accepted
    }))
}

/// How connections begin.
#[derive(Clone)]
struct Greeting {
    shared: Arc<Shared>,
    /// Time for handshake and first words.
    patience: Duration,
}

impl Greeting {
    fn begin(&self, wire: Wire, deadline: Instant) -> Connection {
        Connection::new(wire, Arc::clone(&self.shared), deadline)
    }
}

/// Accepts until nobody serves any more.
async fn greet_all(
    mut accepted: impl Stream<Item = io::Result<TcpStream>> + Unpin,
    tls: Arc<Tls>,
    greeting: Greeting,
    sender: Sender<io::Result<Connection>>,
) {
    loop {
        let stream = tokio::select! {
            biased;
            () = sender.closed() => return,
            stream = accepted.next() => stream,
        };
        match stream {
            None => return,
            // It was logged; the server goes on.
            Some(Err(_)) => {}
            Some(Ok(stream)) => {
                tokio::spawn(greet(
                    stream,
                    Arc::clone(&tls),
                    greeting.clone(),
                    sender.clone(),
                ));
            }
        }
    }
}

/// One handshake.
async fn greet(
    stream: TcpStream,
    tls: Arc<Tls>,
    greeting: Greeting,
    sender: Sender<io::Result<Connection>>,
) {
    let deadline = Instant::now() + greeting.patience;
    let address = stream.peer_addr().ok();
    let drain = greeting.shared.ends().drain.clone();
    let greeted = tokio::select! {
        biased;
        () = drain.cancelled() => return,
        greeted = timeout_at(deadline, tls.acceptor().accept(stream)) => greeted,
    };
    let failure = match greeted {
        Ok(Ok(stream)) => {
            let connection = greeting.begin(Wire::encrypted(stream), deadline);
            // Nobody serves any more.
            let _ = sender.send(Ok(connection)).await;
            return;
        }
        Ok(Err(error)) => error,
        Err(late) => io::Error::new(ErrorKind::TimedOut, late),
    };
    let reason = reason(&failure);
    metrics::counter!("openassay_tls_handshake_failures_total", "reason" => reason).increment(1);
    let address = address.map(tracing::field::display);
    // Who only looks whether the port is open says nothing.
    if reason == CLOSED {
        tracing::debug!(peer.address = address, error = %failure, "a connection said nothing");
    } else {
        tracing::info!(
            peer.address = address,
            error = %failure,
            reason,
            "a connection was not encrypted"
        );
    }
}

/// A failed handshake in words that metrics can bear.
fn reason(failure: &io::Error) -> &'static str {
    use rustls::Error;
    let inner = failure.get_ref().and_then(|inner| inner.downcast_ref());
    match (failure.kind(), inner) {
        (ErrorKind::TimedOut, _) => "timeout",
        (_, Some(Error::InvalidMessage(_))) => "not_tls",
        (_, Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented)) => "certificate",
        (_, Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol)) => "incompatible",
        // What the peer says of our certificate.
        (_, Some(Error::AlertReceived(_))) => "refused_by_peer",
        (_, Some(_)) => "protocol",
        (_, None) => CLOSED,
    }
}
