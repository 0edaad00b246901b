//! The command line as a client of a server: connection, uploads, jobs as they go on. What is
//! asked and how it is shown is the commands' business.

mod artefacts;
mod connection;
mod credentials;
mod upload;
mod watch;

pub(crate) use artefacts::fetch;
pub(crate) use connection::{Connection, Remote, SERVER, ServerOption};
pub(crate) use credentials::CredentialOptions;
pub(crate) use upload::{Listed, Servers, Uploaded, upload};
pub(crate) use watch::{is_final, state_name, watch};
