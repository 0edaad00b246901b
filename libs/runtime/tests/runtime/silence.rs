//! Peers that say nothing: they are let go, and hold nobody up.

use crate::{
    harness::{Client, ask, ask_stream, config, serve, unless_it_hangs},
    service::LARGE_BYTES,
};
use assay_runtime::ServerConfig;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::transport::Channel;

/// What an HTTP/2 connection begins with (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// Type and flags of the frame that acknowledges it.
const ACKNOWLEDGED: [u8; 2] = [4, 1];
/// A PING frame.
const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

/// A connection that has sent this.
async fn sent(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    connection
}

/// A connection that speaks HTTP/2 and on which nobody has asked anything.
async fn established(address: SocketAddr) -> TcpStream {
    let mut connection = sent(address, &[&PREFACE[..], &SETTINGS].concat()).await;
    let mut head = [0; 9];
    loop {
        connection.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        connection.read_exact(&mut payload).await.unwrap();
        if head[3..5] == ACKNOWLEDGED {
            return connection;
        }
    }
}

/// Waits until the server closes this.
async fn closes(mut connection: TcpStream) {
    // A connection that is reset is closed as well.
    let _ = unless_it_hangs(connection.read_to_end(&mut Vec::new())).await;
}

#[tokio::test]
async fn silent_connections_do_not_delay_the_end() {
    let running = serve(config()).await;
    let silent = sent(running.address, b"").await;
    let half = sent(running.address, &PREFACE[..12]).await;
    let mute = established(running.address).await;
    let mut idle = running.client().await;
    // Connections are accepted in their order: the others are there too.
    idle.get_file(ask("x")).await.unwrap();
    running.end().await.unwrap();
    for connection in [silent, half, mute] {
        closes(connection).await;
    }
    idle.get_file(ask("x")).await.unwrap_err();
}

#[tokio::test]
async fn a_peer_that_does_not_go_is_no_failure_and_is_closed_in_the_end() {
    let running = serve(ServerConfig {
        shutdown_grace_s: 1,
        ..config()
    })
    .await;
    let mut restless = established(running.address).await;
    let mut answer = [0; 1024];
    let restless = tokio::spawn(async move {
        // It never acknowledges the ping that asks it to go, but it is never silent.
        while restless.write_all(&PING).await.is_ok()
            && restless.read(&mut answer).await.is_ok_and(|read| read > 0)
        {}
    });
    running.end().await.unwrap();
    unless_it_hangs(restless).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_does_not_begin_is_closed() {
    let running = serve(ServerConfig {
        keepalive_timeout_s: 1,
        ..config()
    })
    .await;
    closes(sent(running.address, b"").await).await;
    closes(sent(running.address, &PREFACE[..23]).await).await;
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_reader_that_pauses_gets_its_whole_answer() {
    let running = serve(config()).await;
    let channel = Channel::from_shared(format!("http://{}", running.address)).unwrap();
    // The answer is handed over whole; nearly all of it waits for room at the reader.
    let channel = channel.initial_stream_window_size(1 << 16);
    let mut client = Client::new(channel.connect().await.unwrap());
    let stream = client.render_image_stream(ask_stream("large")).await;
    let mut stream = stream.unwrap().into_inner();
    let mute = established(running.address).await;
    running.shutdown.begin();
    // The pause: until whoever says nothing at all has been let go.
    closes(mute).await;
    let part = stream.message().await.unwrap().unwrap();
    assert_eq!(part.chunk.len(), LARGE_BYTES);
    assert_eq!(stream.message().await.unwrap(), None);
    running.ended().await.unwrap();
}
