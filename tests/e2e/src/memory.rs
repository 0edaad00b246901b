//! How much memory a process uses, as the kernel counts it.

use anyhow::{Context as _, Result};
use std::fs;

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Now.
    pub resident_bytes: u64,
    /// The most since it was started, or since [`reset_peak`].
    pub peak_bytes: u64,
}

/// The memory of a process now.
///
/// # Errors
/// When there is no such process.
pub fn of(process_id: u32) -> Result<Memory> {
    let path = format!("/proc/{process_id}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let bytes = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        let number = number.with_context(|| format!("{path} has no {name}"))?;
        Ok(number.parse::<u64>()? << 10)
    };
    Ok(Memory {
        resident_bytes: bytes("VmRSS:")?,
        peak_bytes: bytes("VmHWM:")?,
    })
}

/// Lets the peak begin anew at what is used now.
///
/// # Errors
/// When there is no such process, or the kernel does not allow it.
pub fn reset_peak(process_id: u32) -> Result<()> {
    let path = format!("/proc/{process_id}/clear_refs");
    fs::write(&path, "5").with_context(|| format!("cannot write {path}"))
}
