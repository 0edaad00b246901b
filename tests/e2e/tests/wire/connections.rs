//! Bytes on the port that are no gRPC at all.

use assay_core::keyed_rng;
use rand::Rng as _;
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// How every client of HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longest time for the server to answer or to hang up.
const GUARD: Duration = Duration::from_secs(60);

/// Sends each to a connection of its own, waits for its end, and checks that the server lives.
pub(crate) async fn all(url: &str, check: impl AsyncFn(&str)) {
    let address = url.strip_prefix("http://").unwrap();
    for (name, bytes) in conversations() {
        let answer = tokio::task::block_in_place(|| say(address, &bytes));
        assert!(
            !answer.starts_with(b"HTTP/1.1 200"),
            "{name}: {}",
            String::from_utf8_lossy(&answer)
        );
        check(name).await;
    }
}

/// Sends bytes and nothing more; gives what comes back until the server hangs up.
fn say(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(GUARD)).unwrap();
    // The server may hang up before everything is sent.
    if connection.write_all(bytes).is_ok() {
        let _ = connection.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    match connection.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the server does not hang up: {error}"),
    }
    answer
}

/// A frame of HTTP/2.
fn frame(declared: u32, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = declared.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn conversations() -> Vec<(&'static str, Vec<u8>)> {
    let after_preface = |rest: Vec<u8>| {
        let settings = frame(0, 4, 0, 0, &[]);
        [PREFACE.to_vec(), settings, rest].concat()
    };
    let mut random = vec![0; 1 << 16];
    keyed_rng(1, "bytes on the port", &[]).fill_bytes(&mut random);
    let path = "/openassay.gate.v1.GateService/Identify";
    vec![
        ("nothing", Vec::new()),
        (
            "a page, please",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        ),
        (
            "gRPC in HTTP/1.1",
            format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\n\
                 Content-Length: 5\r\n\r\n\0\0\0\0\0"
            )
            .into(),
        ),
        (
            "a head that does not end",
            [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; 1 << 20]].concat(),
        ),
        (
            "TLS",
            [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &random[..501]].concat(),
        ),
        ("random bytes", random.clone()),
        ("half a preface", PREFACE[..10].to_vec()),
        (
            "random bytes behind the preface",
            [PREFACE, &random].concat(),
        ),
        (
            "a frame of 16 MiB",
            after_preface(frame(0xff_ffff, 0, 0, 1, &random)),
        ),
        (
            "data without a request",
            after_preface(frame(5, 0, 1, 1, &[0; 5])),
        ),
        (
            "a head that is no HPACK",
            after_preface(frame(64, 1, 4, 1, &[0xff; 64])),
        ),
        ("a head that goes on for ever", {
            let mut frames = frame(1, 1, 0, 1, &[0x82]);
            for _ in 0..10_000 {
                frames.extend(frame(1, 9, 0, 1, &[0x82]));
            }
            after_preface(frames)
        }),
        ("a window that overflows", {
            let grow = frame(4, 8, 0, 0, &0x7fff_ffff_u32.to_be_bytes());
            after_preface([grow.clone(), grow].concat())
        }),
        ("requests that are reset at once", {
            let mut frames = Vec::new();
            for n in 0..20_000_u32 {
                // POST, http, path /, and taken back.
                frames.extend(frame(3, 1, 4, 2 * n + 1, &[0x83, 0x86, 0x84]));
                frames.extend(frame(4, 3, 0, 2 * n + 1, &8_u32.to_be_bytes()));
            }
            after_preface(frames)
        }),
        (
            "a flood of settings",
            after_preface(frame(0, 4, 0, 0, &[]).repeat(20_000)),
        ),
        (
            "a flood of pings",
            after_preface(frame(8, 6, 0, 0, &[0; 8]).repeat(20_000)),
        ),
    ]
}
