//! Runs a program in sight of the user: the command line first, its own output, then a clear
//! word when it failed.

use crate::checkout::Checkout;
use anyhow::{Context as _, Result, ensure};
use std::{
    env,
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

/// The cargo that runs this task, working at the top of the checkout.
pub(crate) fn cargo(checkout: &Checkout) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(checkout.root()).stdin(Stdio::null());
    command
}

/// Shows and runs `command`; `remedy` says what to do when it fails.
pub(crate) fn run(checkout: &Checkout, command: &mut Command, remedy: &str) -> Result<()> {
    let line = line(checkout.root(), command);
    eprintln!("\n$ {}", folded(&line));
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`"))?;
    ensure!(status.success(), "`{line}` failed ({status}). {remedy}");
    Ok(())
}

/// The command as one would type it at the top of the checkout.
pub(crate) fn line(root: &Path, command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        let name = name.to_str().filter(|n| n.starts_with("OPENASSAY_"))?;
        Some(format!("{name}={}", quoted(value?)))
    });
    let program = shown(root, command.get_program());
    let arguments = command.get_args().map(|a| shown(root, a));
    variables
        .chain([program])
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Long lines broken before options, still good to be pasted into a shell.
fn folded(line: &str) -> String {
    const WIDTH: usize = 96;
    let mut folded = String::new();
    let mut width = 0;
    for (at, piece) in line.split(" --").enumerate() {
        let piece = if at == 0 {
            piece.to_owned()
        } else {
            format!("--{piece}")
        };
        if at > 0 && width + piece.len() > WIDTH {
            folded.push_str(" \\\n      ");
            width = 6;
        } else if at > 0 {
            folded.push(' ');
        }
        width += piece.len() + 1;
        folded.push_str(&piece);
    }
    folded
}

fn shown(root: &Path, word: &OsStr) -> String {
    let path = Path::new(word);
    if path.is_absolute() && path.file_name() == Some(OsStr::new("cargo")) {
        return "cargo".to_owned();
    }
    quoted(path.strip_prefix(root).unwrap_or(path).as_os_str())
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_before_options() {
        let option = format!("--{}", "x".repeat(60));
        let line = format!("tool {option} {option} --last");
        assert_eq!(
            folded(&line),
            format!("tool {option} \\\n      {option} --last")
        );
        assert_eq!(folded("tool -- --x"), "tool -- --x");
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/c/target/release/openassay");
        command
            .args([
                "train",
                "--manifest",
                "/c/.openassay/demo/train.csv",
                "--note",
                "it's",
            ])
            .env("OPENASSAY_BASES_DIR", "/c/a b")
            .env("OTHER", "hidden");
        assert_eq!(
            line(Path::new("/c"), &command),
            r"OPENASSAY_BASES_DIR='/c/a b' target/release/openassay train --manifest .openassay/demo/train.csv --note 'it'\''s'"
        );
        let cargo = Command::new("/toolchains/stable/bin/cargo");
        assert_eq!(line(Path::new("/c"), &cargo), "cargo");
    }
}
