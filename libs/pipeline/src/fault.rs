//! Faults collected from many places, so that a user sees them together and not one per run.

use assay_core::ErrorKind;
use std::fmt;

/// Most faults that one error shows.
pub const MAX_FAULTS: usize = 10;

/// One thing that is wrong, where, and of which kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line of the manifest, counted from 1.
    pub line: u64,
    /// What is wrong: the field or file, its value and what is allowed.
    pub message: String,
    /// What sort of failure it is.
    pub kind: ErrorKind,
}

/// One or more faults in the order of their lines, the first [`MAX_FAULTS`] in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    first: Vec<Fault>,
    total: usize,
}

impl Faults {
    /// `None` when there are no faults.
    #[must_use]
    pub fn of(mut faults: Vec<Fault>) -> Option<Self> {
        let total = faults.len();
        faults.sort_by_key(|fault| fault.line);
        faults.truncate(MAX_FAULTS);
        (total > 0).then_some(Self {
            first: faults,
            total,
        })
    }

    /// The first faults, [`MAX_FAULTS`] at most.
    #[must_use]
    pub fn first(&self) -> &[Fault] {
        &self.first
    }

    /// How many there are.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.total
    }

    /// The kind that all shown faults share; faults of several kinds are bad input.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        let mut kinds = self.first.iter().map(|fault| fault.kind);
        match kinds.next() {
            Some(kind) if kinds.all(|other| other == kind) => kind,
            _ => ErrorKind::InvalidArgument,
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.first.as_slice()
            && self.total == 1
        {
            return write!(f, "line {}: {}", only.line, only.message);
        }
        write!(f, "{} faults", self.total)?;
        for fault in &self.first {
            write!(f, "\n  line {}: {}", fault.line, fault.message)?;
        }
        match self.total - self.first.len() {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
