//! Threads of native libraries that wait without burning a core. Torch's OpenMP threads spin
//! between two steps, and a server beside them starves.

use std::{env, io, os::unix::process::CommandExt, process::Command};

/// Read by every OpenMP library when it is loaded, which is before `main`.
const POLICY: &str = "OMP_WAIT_POLICY";

/// Makes OpenMP threads of this process wait passively, unless the environment says how they are
/// to wait. As the library has read its environment already, the process starts itself anew: the
/// same program, arguments and process id. Call it first in `main`, before threads, files and
/// sockets; it returns when nothing is to be done.
///
/// # Errors
/// The program cannot be started anew; the process can go on, with spinning threads.
pub fn wait_passively() -> io::Result<()> {
    if env::var_os(POLICY).is_some() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    // Returns only when it failed.
    Err(Command::new(env::current_exe()?)
        .arg0(name)
        .args(arguments)
        .env(POLICY, "passive")
        .exec())
}
