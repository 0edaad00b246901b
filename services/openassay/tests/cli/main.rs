//! The tool as a user runs it: a process with arguments, files, output and an exit code.

mod command_line;
mod tokens;
mod tool;

#[cfg(feature = "train")]
mod bad_input;
#[cfg(feature = "train")]
mod explain;
#[cfg(feature = "train")]
mod training;
#[cfg(feature = "train")]
mod truth;
