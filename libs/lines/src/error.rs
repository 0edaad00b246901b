//! Why the line tables do not answer.

use assay_core::{Classified, ErrorKind};

/// Why lines could not be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinesError {
    /// An element without lines.
    #[error("element {element:?} has no entry in captures.csv; add it there")]
    UnknownElement {
        /// The symbol.
        element: String,
    },
    /// A committed table that does not read.
    #[error("{table}, line {line}: {reason}; write it again with extract_egaf.py")]
    Table {
        /// File name of the table.
        table: &'static str,
        /// 1-based line.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

impl Classified for LinesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownElement { .. } => ErrorKind::NotFound,
            Self::Table { .. } => ErrorKind::Internal,
        }
    }
}
