//! HTTP/1.1 by hand, as a browser speaks it without encryption, and gRPC-Web in it.

use crate::raw::framed;
use anyhow::{Context as _, Result, bail};
use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Longer than any answer takes; only what hangs is ended by it.
const HANGS: Duration = Duration::from_secs(120);
/// The flag of a frame with trailers.
const TRAILERS: u8 = 0x80;

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Question {
    /// For a page.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self {
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A call of gRPC-Web with one message.
    #[must_use]
    pub fn call(path: &str, message: &impl prost::Message) -> Self {
        Self {
            method: "POST",
            path: path.to_owned(),
            headers: vec![("content-type", "application/grpc-web+proto".to_owned())],
            body: framed(&message.encode_to_vec()),
        }
    }

    /// The same with another method.
    #[must_use]
    pub const fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// The same with a header, in place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    /// Sends it to an address and begins to read the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(&self, address: &str) -> Result<Answer> {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(HANGS))?;
        let has_host = self.headers.iter().any(|(name, _)| *name == "host");
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !has_host {
            head += &format!("host: {address}\r\n");
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!(
            "content-length: {}\r\nconnection: close\r\n\r\n",
            self.body.len()
        );
        connection.write_all(head.as_bytes())?;
        connection.write_all(&self.body)?;
        Answer::begin(connection)
    }
}

/// An answer whose head has come.
pub struct Answer {
    reader: BufReader<Box<dyn Read>>,
    /// Status of HTTP.
    pub status: u16,
    headers: Vec<(String, String)>,
}

/// A frame of gRPC-Web.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Message(Vec<u8>),
    /// What ends the answer.
    Trailers(String),
}

impl Answer {
    fn begin(connection: TcpStream) -> Result<Self> {
        let mut reader = BufReader::new(Box::new(connection) as Box<dyn Read>);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .with_context(|| format!("no HTTP: {line:?}"))?;
        let status = status.parse()?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer = Self {
            reader,
            status,
            headers,
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            let empty: Box<dyn Read> = Box::new(std::io::empty());
            let chunked = std::mem::replace(&mut answer.reader, BufReader::new(empty));
            answer.reader = BufReader::with_capacity(
                1,
                Box::new(Chunks {
                    inner: chunked,
                    left: 0,
                }),
            );
        }
        Ok(answer)
    }

    /// A header of the answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn body(mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        self.reader.read_to_end(&mut body)?;
        Ok(body)
    }

    /// The next frame, as soon as it is there; `None` at the end.
    ///
    /// # Errors
    /// When the body is no gRPC-Web.
    pub fn frame(&mut self) -> Result<Option<Frame>> {
        let mut prefix = [0; 5];
        if self.reader.read(&mut prefix[..1])? == 0 {
            return Ok(None);
        }
        self.reader.read_exact(&mut prefix[1..])?;
        let [flag, length @ ..] = prefix;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        self.reader.read_exact(&mut bytes)?;
        Ok(Some(match flag {
            0 => Frame::Message(bytes),
            TRAILERS => Frame::Trailers(String::from_utf8(bytes)?),
            flag => bail!("a frame has the flag {flag}"),
        }))
    }

    /// The messages, and the code of gRPC with its message, from headers or trailers.
    ///
    /// # Errors
    /// When the body is no gRPC-Web.
    pub fn outcome(mut self) -> Result<(Vec<Vec<u8>>, String, String)> {
        let mut messages = Vec::new();
        let mut ending = String::new();
        while let Some(frame) = self.frame()? {
            match frame {
                Frame::Message(message) => messages.push(message),
                Frame::Trailers(text) => ending = text,
            }
        }
        let value = |name: &str| {
            let in_trailers = ending.lines().find_map(|line| {
                let (known, value) = line.split_once(':')?;
                (known == name).then(|| value.trim().to_owned())
            });
            in_trailers.or_else(|| self.header(name).map(str::to_owned))
        };
        let status = value("grpc-status").context("no status of gRPC")?;
        Ok((messages, status, value("grpc-message").unwrap_or_default()))
    }
}

/// A body in chunks.
struct Chunks {
    inner: BufReader<Box<dyn Read>>,
    left: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let mut line = String::new();
            self.inner.read_line(&mut line)?;
            if line.trim().is_empty() {
                line.clear();
                self.inner.read_line(&mut line)?;
            }
            self.left = usize::from_str_radix(line.trim(), 16).unwrap_or_default();
            if self.left == 0 {
                return Ok(0);
            }
        }
        let most = buffer.len().min(self.left);
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}

/// `127.0.0.1:50051` of `http://127.0.0.1:50051`.
///
/// # Errors
/// When it is another scheme.
pub fn address(url: &str) -> Result<&str> {
    url.strip_prefix("http://")
        .with_context(|| format!("{url} is not unencrypted HTTP"))
}
