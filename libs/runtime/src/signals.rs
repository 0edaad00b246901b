//! SIGTERM and SIGINT: the first begins shutdown, the second ends the process at once.

use crate::{Shutdown, error::RuntimeError};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code of a process that was told twice, after shells.
const INTERRUPTED: i32 = 130;

/// Listens from now on.
///
/// # Errors
/// The system does not deliver signals.
pub fn listen(shutdown: &Shutdown) -> Result<(), RuntimeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RuntimeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RuntimeError::Signals)?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        let name = one_of(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = name, "shutting down; once more ends at once");
        shutdown.begin();
        let name = one_of(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal = name, "ended at once");
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}

async fn one_of(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
