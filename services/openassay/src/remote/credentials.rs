//! The options by which the user shows a server who they are, and says whom they believe.

use assay_api::{ClientOptions, Credentials, TokenSource};
use assay_core::Secret;
use clap::Args;
use std::path::PathBuf;

/// Environment variable with a token. No option has one: the arguments of a process can be read
/// by everyone on the machine.
const TOKEN_VARIABLE: &str = "OPENASSAY_TOKEN";

/// Who asks, and whom they believe.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct CredentialOptions {
    /// With https: certificates of those who sign the server's, as PEM [default: those that the
    /// system trusts]
    #[arg(long, value_name = "FILE", env = "OPENASSAY_CA")]
    ca: Option<PathBuf>,

    /// File with the token to show; where there is none, the variable OPENASSAY_TOKEN may hold the
    /// token itself
    #[arg(long, value_name = "FILE", env = "OPENASSAY_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    /// With https: certificate to show, as PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "OPENASSAY_CLIENT_CERTIFICATE",
        requires = "client_key"
    )]
    client_certificate: Option<PathBuf>,

    /// Private key of that certificate, as PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "OPENASSAY_CLIENT_KEY",
        requires = "client_certificate"
    )]
    client_key: Option<PathBuf>,

    /// Send the token over unencrypted connections to other machines too
    #[arg(long)]
    insecure_token: bool,
}

impl CredentialOptions {
    /// What a connection needs of this.
    pub(crate) fn client(&self) -> ClientOptions {
        let token = match &self.token_file {
            Some(path) => TokenSource::File(path.clone()),
            None => match std::env::var(TOKEN_VARIABLE) {
                Ok(word) if !word.is_empty() => TokenSource::Word(Secret::new(word.trim())),
                _ => TokenSource::None,
            },
        };
        ClientOptions {
            credentials: Credentials {
                ca: self.ca.clone(),
                certificate: self.client_certificate.clone(),
                key: self.client_key.clone(),
                token,
                insecure_token: self.insecure_token,
            },
            ..ClientOptions::default()
        }
    }
}
