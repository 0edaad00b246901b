//! gRPC by hand: any bytes under any path with any headers, where a generated client would refuse
//! to send them.

use anyhow::{Context as _, Result};
use bytes::{BufMut as _, Bytes};
use http_body::{Body as _, Frame};
use std::{
    collections::VecDeque,
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Code, Status, body::Body, transport::Channel};
use tower::{Service as _, ServiceExt as _};

/// Length of what stands in front of a message.
const PREFIX_BYTES: usize = 5;

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Such as `/openassay.gate.v1.GateService/Identify`.
    pub path: String,
    /// Beside those that every request of gRPC has; one of the same name replaces it.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// A request with one message, rightly framed.
    #[must_use]
    pub fn of(path: &str, message: &impl prost::Message) -> Self {
        Self::with(path, framed(&message.encode_to_vec()))
    }

    /// A request with any bytes as its body.
    #[must_use]
    pub fn with(path: &str, body: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            headers: Vec::new(),
            body,
        }
    }

    /// The same with another header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A message with the prefix of gRPC: not compressed, its length.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    prefixed(0, u32::try_from(message.len()).unwrap_or(u32::MAX), message)
}

/// Bytes behind any prefix.
#[must_use]
pub fn prefixed(flag: u8, declared: u32, bytes: &[u8]) -> Vec<u8> {
    let mut body = vec![flag];
    body.put_u32(declared);
    body.extend_from_slice(bytes);
    body
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status of HTTP.
    pub http: http::StatusCode,
    /// Status of gRPC; unknown where the answer has none.
    pub status: Status,
    /// The messages.
    pub messages: Vec<Bytes>,
}

/// Sends a request and takes the whole answer.
///
/// # Errors
/// When the connection fails, or the answer is no gRPC.
pub async fn send(channel: &Channel, call: &Call) -> Result<Answer> {
    let mut request = http::Request::post(&call.path).body(Body::new(Sent::of(&call.body)))?;
    let headers = request.headers_mut();
    headers.insert("te", "trailers".parse()?);
    headers.insert("content-type", "application/grpc".parse()?);
    for (name, value) in &call.headers {
        headers.insert(*name, value.parse()?);
    }
    let mut channel = channel.clone();
    let response = channel.ready().await?.call(request).await?;
    let (head, mut body) = response.into_parts();
    let mut status = Status::from_header_map(&head.headers);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        match frame?.into_data() {
            Ok(data) => bytes.extend(data),
            Err(frame) => {
                let trailers = frame.into_trailers().ok();
                status = trailers
                    .and_then(|t| Status::from_header_map(&t))
                    .or(status);
            }
        }
    }
    Ok(Answer {
        http: head.status,
        status: status.unwrap_or_else(|| Status::new(Code::Unknown, "no status of gRPC")),
        messages: messages(&bytes)?,
    })
}

/// The messages of a body.
fn messages(mut bytes: &[u8]) -> Result<Vec<Bytes>> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let (prefix, rest) = bytes
            .split_at_checked(PREFIX_BYTES)
            .context("half a prefix")?;
        let length = u32::from_be_bytes(prefix[1..].try_into()?) as usize;
        let (message, rest) = rest.split_at_checked(length).context("half a message")?;
        messages.push(Bytes::copy_from_slice(message));
        bytes = rest;
    }
    Ok(messages)
}

/// A body in pieces of bounded size.
struct Sent(VecDeque<Bytes>);

impl Sent {
    fn of(body: &[u8]) -> Self {
        Self(body.chunks(1 << 14).map(Bytes::copy_from_slice).collect())
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}
