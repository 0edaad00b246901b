//! One failure of a command: what to tell the user and how to exit.

use assay_core::{Classified, ErrorKind};
use std::{error::Error, fmt, process::ExitCode};

/// Exit code of a wrong command line, after BSD `sysexits.h`.
pub(crate) const USAGE: u8 = 64;
/// Exit code where somebody may not do what they ask for, after the same.
const NO_PERMISSION: u8 = 77;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell the user.
    Told { message: String, exit_code: u8 },
    /// Whoever read our output has gone: nobody is left to be told.
    OutputClosed,
}

pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure of this program's own.
    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self::Told {
            message: message.to_string(),
            exit_code: kind.exit_code(),
        }
    }

    /// Options that do not fit together.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::Told {
            message: format!("{message}\n\nFor more information, try '--help'."),
            exit_code: USAGE,
        }
    }

    /// Something that the user may not do.
    pub(crate) fn not_allowed(message: impl fmt::Display) -> Self {
        Self::Told {
            message: message.to_string(),
            exit_code: NO_PERMISSION,
        }
    }

    /// Says in front what was being done.
    pub(crate) fn while_doing(self, what: impl fmt::Display) -> Self {
        match self {
            Self::Told { message, exit_code } => Self::Told {
                message: format!("{what}: {message}"),
                exit_code,
            },
            Self::OutputClosed => Self::OutputClosed,
        }
    }

    /// Names the file that was sent to a server, whose message may call it by the field of the
    /// interface that brought it.
    pub(crate) fn about_file(self, file: &str) -> Self {
        match self {
            Self::Told { message, exit_code } => {
                let said = message.strip_prefix("content: ").unwrap_or(&message);
                let message = match said.strip_prefix(file) {
                    Some(rest) if rest.starts_with(':') => said.to_owned(),
                    _ => format!("{file}: {said}"),
                };
                Self::Told { message, exit_code }
            }
            Self::OutputClosed => Self::OutputClosed,
        }
    }

    /// What to tell the user.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Told { message, .. } => message,
            Self::OutputClosed => "standard output is closed",
        }
    }

    /// Tells the user, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Told { message, exit_code } => {
                crate::terminal::tell(&format!("error: {message}\n"));
                ExitCode::from(*exit_code)
            }
            Self::OutputClosed => ExitCode::SUCCESS,
        }
    }
}

impl<E: Classified> From<E> for Failure {
    fn from(error: E) -> Self {
        let kind = error.kind();
        let mut message = chain(&error);
        if kind == ErrorKind::Internal {
            message += "\nThis is a defect of OpenAssay; please report it with this message.";
        }
        Self::new(kind, message)
    }
}

/// The messages of an error and its causes, one clause each; a cause that its parent quotes
/// already is not said twice.
fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message += &format!(": {text}");
        }
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_sent_is_named_once() {
        for said in ["content: a.SPE: no text", "a.SPE: no text", "no text"] {
            let failure = Failure::new(ErrorKind::InvalidArgument, said).about_file("a.SPE");
            assert_eq!(failure.message(), "a.SPE: no text");
        }
    }

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|e| e as &(dyn Error + 'static))
        }
    }

    #[test]
    fn every_cause_is_said_once() {
        let inner = Layer("no such file", None);
        let middle = Layer("cannot read a.SPE: no such file", Some(Box::new(inner)));
        let outer = Layer("training failed", Some(Box::new(middle)));
        assert_eq!(
            chain(&outer),
            "training failed: cannot read a.SPE: no such file"
        );
    }
}
