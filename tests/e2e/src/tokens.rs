//! A file of tokens as an operator makes it: by the tool.

use crate::tool;
use anyhow::Result;
use std::path::Path;

/// The file below the folder of a test.
pub const FILE: &str = "tokens.toml";

/// Makes a token of somebody with a role, puts it into the file, and gives it.
///
/// # Errors
/// When the tool fails.
pub fn new(folder: &Path, principal: &str, role: &str) -> Result<String> {
    let new = ["token", "new", "--file", FILE, "--principal", principal];
    let printed = tool::run(folder, &[&new[..], &["--role", role]].concat())?;
    Ok(printed.trim().to_owned())
}

/// Takes all tokens of somebody back.
///
/// # Errors
/// When the tool fails.
pub fn revoke(folder: &Path, principal: &str) -> Result<()> {
    let revoke = ["token", "revoke", "--file", FILE, "--principal", principal];
    tool::run(folder, &revoke).map(drop)
}

/// What is sent with a request.
#[must_use]
pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
