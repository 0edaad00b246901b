//! The page of metrics of a server, as Prometheus reads it.

use anyhow::{Context as _, Result, ensure};
use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// The values of one moment, by name with labels, such as `openassay_ready{component="gate"}`.
#[derive(Debug, Clone)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Asks the page at an address such as `127.0.0.1:9464`.
    ///
    /// # Errors
    /// When it does not answer, or not with metrics.
    pub fn read(address: &str) -> Result<Self> {
        let mut connection = TcpStream::connect(address)?;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        write!(connection, "{request}\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (head, page) = answer.split_once("\r\n\r\n").context("no HTTP")?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
        ensure!(!head.to_lowercase().contains("chunked"), "{head}");
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let values = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Ok(Self(values.collect()))
    }

    /// A value; 0 for one that was never set.
    #[must_use]
    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }
}
