//! The connection to a server, and its errors as failures of a command.

use super::CredentialOptions;
use crate::failure::{Failure, Result};
use assay_api::{Limited, Link, Traced, WireError, link, status};
use assay_core::ErrorKind;
use assay_formats::MAX_FILE_BYTES;
use clap::Args;
use std::{error::Error as _, future::Future, io};
use tokio::runtime::{Builder, Runtime};
use tonic::{Code, Status};

/// The option that names the server.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerOption {
    /// Address of the server, such as http://127.0.0.1:50051; of services that run apart, the
    /// control service
    #[arg(
        long,
        value_name = "URL",
        env = "OPENASSAY_SERVER",
        default_value = "http://127.0.0.1:50051"
    )]
    pub(crate) server: String,

    #[command(flatten)]
    pub(crate) credentials: CredentialOptions,
}

impl ServerOption {
    /// Prepares the connection, which is made at the first request.
    pub(crate) fn connect(&self) -> Result<Remote> {
        Remote::new(&self.server, SERVER, &self.credentials)
    }
}

/// The option that names the server.
pub(crate) const SERVER: &str = "--server";

/// What requests go over: each belongs to the trace of the command.
pub(crate) type Connection = Traced<Link>;

/// A server, and the threads that wait for it.
pub(crate) struct Remote {
    runtime: Runtime,
    connection: Connection,
    url: String,
    /// The option that named the address.
    option: &'static str,
}

impl Remote {
    /// Prepares the connection to an address that an option names.
    pub(crate) fn new(
        url: &str,
        option: &'static str,
        credentials: &CredentialOptions,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error: io::Error| Failure::new(ErrorKind::ResourceExhausted, error))?;
        let link = {
            let _inside = runtime.enter();
            link(url, &credentials.client()).map_err(|error| match error {
                WireError::Credential { .. } => Failure::from(error),
                error => Failure::usage(format!("{option} {error}")),
            })?
        };
        Ok(Self {
            runtime,
            connection: Traced(link),
            url: url.to_owned(),
            option,
        })
    }

    /// A generated client of this server. How large a message may be is the server's to say, in
    /// its own words.
    pub(crate) fn client<C: Limited>(&self, new: impl FnOnce(Connection) -> C) -> C {
        new(self.connection.clone()).limited(MAX_FILE_BYTES)
    }

    /// Waits for something that ends by itself.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits for an answer.
    pub(crate) fn call<T>(
        &self,
        request: impl Future<Output = Result<tonic::Response<T>, Status>>,
    ) -> Result<T> {
        match self.runtime.block_on(request) {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(self.failure(&status)),
        }
    }

    /// What a status means for the user.
    pub(crate) fn failure(&self, status: &Status) -> Failure {
        let nobody = status.code() == Code::Unavailable && status.details().is_empty();
        if let Some(reason) = unencrypted(status) {
            return Failure::new(
                ErrorKind::Unavailable,
                format!(
                    "the connection to {} cannot be encrypted: {reason}; see --ca, \
                     --client-certificate and --client-key",
                    self.url
                ),
            );
        }
        if nobody || status::is_connection_lost(status) {
            // Such a server hangs up without a word that reaches this side.
            let certificate = if self.url.starts_with("https://") {
                "; where callers must show a certificate, --client-certificate and --client-key do"
            } else {
                ""
            };
            return Failure::new(
                ErrorKind::Unavailable,
                format!(
                    "no server answers at {} ({}); start one with `openassay serve`, or name \
                     another with {}{certificate}",
                    self.url,
                    status.message(),
                    self.option
                ),
            );
        }
        if status.code() == Code::Unimplemented {
            return Failure::new(
                ErrorKind::Unavailable,
                format!(
                    "the server at {} does not offer this service; where every service has an \
                     address of its own, name the one that is asked with --server, and the \
                     ingestion service with --ingest-server",
                    self.url
                ),
            );
        }
        match status.code() {
            Code::Unauthenticated => Failure::not_allowed(format!(
                "the server at {} does not know who asks; show a valid token with --token-file or \
                 OPENASSAY_TOKEN, or a certificate with --client-certificate",
                self.url
            )),
            Code::PermissionDenied => Failure::not_allowed(status.message()),
            _ => Failure::new(status::kind(status), status.message()),
        }
    }
}

/// Why the two sides do not agree on encryption, if that is what broke the connection.
fn unencrypted(status: &Status) -> Option<String> {
    let mut cause = status.source();
    while let Some(error) = cause {
        let said = error.to_string();
        let lower = said.to_ascii_lowercase();
        if ["certificate", "alert", "tls"]
            .iter()
            .any(|word| lower.contains(word))
        {
            return Some(said);
        }
        cause = error.source();
    }
    None
}
