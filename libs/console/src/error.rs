//! What can go wrong before the console is served.

/// The console cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// A descriptor set in this build is none.
    #[error("the description of the gRPC interface in this build cannot be read; build it anew")]
    Descriptors(#[from] prost::DecodeError),
    /// It cannot be written as JSON.
    #[error("the description of the gRPC interface cannot be written as JSON; this is a defect")]
    Json(#[from] serde_json::Error),
}
