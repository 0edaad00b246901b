//! Ctrl-C and a request to terminate: the first asks the work to stop, the second ends at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Exit code of a program ended by an interrupt.
const INTERRUPTED: i32 = 130;

/// A flag that becomes true when the user wants the work to stop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. Where the system does not allow it, an interrupt ends the program
    /// as it would without.
    pub(crate) fn listen() -> Self {
        let interrupt = Self::default();
        let flag = Arc::clone(&interrupt.0);
        let listening = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED);
            }
            crate::terminal::tell("\nstopping; press Ctrl-C again to stop at once\n");
        });
        if let Err(error) = listening {
            tracing::debug!(%error, "interrupts are not caught");
        }
        interrupt
    }

    /// The flag itself.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0
    }
}
