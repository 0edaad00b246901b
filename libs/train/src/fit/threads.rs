//! Where torch computes. Its number of threads holds for the thread that set it, so training
//! runs on a thread of its own.

use crate::error::{Result, TrainError};
use std::thread;

/// Runs work with torch on a thread of its own with so many threads for each operation.
///
/// # Errors
/// Those of the work; when no thread can be started.
pub fn on_training_thread<T: Send>(
    threads: usize,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .name("training".to_owned())
            .spawn_scoped(scope, || {
                tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
                work()
            })
            .map_err(TrainError::io("a thread for training"))?;
        worker
            .join()
            .unwrap_or_else(|_| Err(TrainError::Defect("the training thread panicked")))
    })
}
