//! What is wrong before a service is asked: paths, frames, compression, and bytes that are no
//! message.

use crate::case::{Case, GATE, INGEST, JOBS, Stage, path};
use assay_api::gate::IdentifyRequest;
use assay_e2e::raw::{Call, framed, prefixed};
use http::StatusCode;
use prost::Message as _;
use std::{
    io::Write as _,
    process::{Command, Stdio},
};
use tonic::Code;

pub(crate) fn cases(stage: &Stage) -> Vec<Case> {
    let good = IdentifyRequest {
        spectrum_digest: stage.spectrum.clone(),
        ..IdentifyRequest::default()
    };
    let good = good.encode_to_vec();
    let all = [
        paths(&good),
        kinds(&good),
        frames(&good),
        compression(&good),
        bytes(),
    ];
    all.into_iter().flatten().collect()
}

fn identify(body: Vec<u8>) -> Call {
    Call::with(&path(GATE, "Identify"), body)
}

fn paths(good: &[u8]) -> Vec<Case> {
    [
        path(GATE, "Nothing"),
        path(GATE, ""),
        path(GATE, "identify"),
        path(GATE, "Identify/Identify"),
        path("openassay.gate.v2.GateService", "Identify"),
        path("", "Identify"),
        "/".to_owned(),
        "/../../etc/passwd".to_owned(),
    ]
    .into_iter()
    .map(|path| {
        let call = Call::with(&path, framed(good));
        Case::refused(format!("path {path}"), call, Code::Unimplemented)
    })
    .collect()
}

/// Good messages that do not say that they are gRPC.
fn kinds(good: &[u8]) -> Vec<Case> {
    let kinds = [
        "",
        "text/html",
        "application/json",
        "application/grpc-web+json",
        "application/x-www-form-urlencoded",
    ];
    let cases = kinds.map(|kind| {
        let call = identify(framed(good)).header("content-type", kind);
        Case::foreign(
            format!("content type {kind:?}"),
            call,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        )
    });
    cases.into()
}

fn frames(good: &[u8]) -> Vec<Case> {
    let length = u32::try_from(good.len()).unwrap();
    let cases = [
        ("no message", Vec::new(), Code::Internal),
        ("half a prefix", vec![0, 0, 0], Code::Internal),
        (
            "a message that is cut off",
            prefixed(0, length + 100, good),
            Code::Internal,
        ),
        (
            "a message of 4 GiB that does not come",
            prefixed(0, u32::MAX, good),
            Code::ResourceExhausted,
        ),
        (
            "a message beyond the limit",
            framed(&vec![0; 17 << 20]),
            Code::ResourceExhausted,
        ),
        (
            "an unknown compression flag",
            prefixed(7, length, good),
            Code::Internal,
        ),
    ];
    let cases = cases.map(|(name, body, code)| Case::refused(name, identify(body), code));
    let mut cases = Vec::from(cases);
    for (service, method) in [
        (GATE, "IdentifyStream"),
        (INGEST, "PutSpectra"),
        (JOBS, "Watch"),
    ] {
        let call = Call::with(&path(service, method), prefixed(0, u32::MAX, &[0; 64]));
        let name = format!("4 GiB for {method}");
        cases.push(Case::refused(name, call, Code::ResourceExhausted));
    }
    cases
}

fn compression(good: &[u8]) -> Vec<Case> {
    let length = u32::try_from(good.len()).unwrap();
    let unpacks = zeros_packed(256 << 20);
    let packed = u32::try_from(unpacks.len()).unwrap();
    vec![
        Case::refused(
            "compressed in no way that was named",
            identify(prefixed(1, length, good)),
            Code::Internal,
        ),
        Case::refused(
            "compressed in a way that is not spoken",
            identify(prefixed(1, length, good)).header("grpc-encoding", "snappy"),
            Code::Unimplemented,
        ),
        Case::refused(
            "bytes that do not unpack",
            identify(prefixed(1, length, good)).header("grpc-encoding", "gzip"),
            Code::Internal,
        ),
        Case::refused(
            "a small message that unpacks to 256 MiB",
            identify(prefixed(1, packed, &unpacks)).header("grpc-encoding", "gzip"),
            Code::ResourceExhausted,
        ),
    ]
}

/// Many zeros in few bytes, by the program that every Linux has.
fn zeros_packed(count: usize) -> Vec<u8> {
    let mut gzip = Command::new("gzip")
        .arg("-1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let zeros = vec![0; 1 << 20];
        for _ in 0..count >> 20 {
            input.write_all(&zeros).unwrap();
        }
    });
    let output = gzip.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// What gRPC calls an error in parsing a request.
fn bytes() -> Vec<Case> {
    let cases: [(&str, &str, &str, Vec<u8>); 6] = [
        (
            "bytes that are no message",
            GATE,
            "Identify",
            vec![0xff; 64],
        ),
        (
            "a name that is no UTF-8",
            GATE,
            "Identify",
            vec![0x0a, 2, 0xff, 0xfe],
        ),
        (
            "a number where a text belongs",
            GATE,
            "Identify",
            vec![0x08, 1],
        ),
        (
            "a text longer than its message",
            GATE,
            "Identify",
            vec![0x0a, 100, b'a'],
        ),
        (
            "a number that does not end",
            JOBS,
            "Watch",
            vec![0x10; 20].into_iter().chain([0xff; 12]).collect(),
        ),
        ("a text of 2^63 bytes", JOBS, "Get", {
            let mut bytes = vec![0x0a];
            prost::encoding::encode_varint(1 << 63, &mut bytes);
            bytes
        }),
    ];
    cases
        .map(|(name, service, method, bytes)| {
            let call = Call::with(&path(service, method), framed(&bytes));
            Case::refused(name, call, Code::Internal)
        })
        .into()
}
