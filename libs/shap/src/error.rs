//! Everything that can be wrong with an explanation's settings, its data or its state.

use assay_core::{Classified, ErrorKind};

/// Why an explanation was refused or given up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShapError {
    /// The budget cannot pay for a single split.
    #[error(
        "max_evals {max_evals} is too small for {players} players: at least {smallest} rows are \
         needed"
    )]
    Budget {
        /// The budget given.
        max_evals: usize,
        /// Number of players in the partition.
        players: usize,
        /// The smallest budget allowed.
        smallest: usize,
    },
    /// A setting is outside its range.
    #[error("{name} {value} is not allowed: {allowed}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is allowed, in words.
        allowed: String,
    },
    /// Two things that belong together differ in length.
    #[error("{what} has length {actual}, expected {expected}")]
    Length {
        /// What has the wrong length.
        what: &'static str,
        /// Its length.
        actual: usize,
        /// The length needed.
        expected: usize,
    },
    /// NaN or infinity in the data.
    #[error("{value} at position {position} of the {what}: only finite numbers are allowed")]
    NotFinite {
        /// What holds the value.
        what: &'static str,
        /// Position, counted from 0 in row-major order.
        position: usize,
        /// The value.
        value: f64,
    },
    /// The model could not be evaluated.
    #[error("the model could not be evaluated on masked rows")]
    Game(
        #[source] Box<dyn std::error::Error + Send + Sync>,
        ErrorKind,
    ),
    /// The caller gave up between two batches; the state can be taken up again.
    #[error("cancelled after {rows} of {max_evals} model rows")]
    Cancelled {
        /// Rows evaluated.
        rows: usize,
        /// The budget.
        max_evals: usize,
    },
    /// Values were asked for before the budget was spent.
    #[error("the explanation is not finished: {rows} of {max_evals} model rows are evaluated")]
    Unfinished {
        /// Rows evaluated.
        rows: usize,
        /// The budget.
        max_evals: usize,
    },
    /// A stored state does not belong here or is damaged.
    #[error("the stored state cannot be taken up: {reason}; start the explanation anew")]
    State {
        /// What is wrong with it.
        reason: String,
    },
    /// The values do not add up to the model's output.
    #[error(
        "base {base} and the values of output {output} add up to {sum}, but the model gives \
         {full}; {tolerance:e} is allowed"
    )]
    NotAdditive {
        /// Index of the model's output.
        output: usize,
        /// Output with everything hidden.
        base: f64,
        /// Base plus the sum of the values.
        sum: f64,
        /// Output with nothing hidden.
        full: f64,
        /// The difference allowed.
        tolerance: f64,
    },
}

impl ShapError {
    /// A failure of the model, from whatever runs it.
    pub fn game<E: Classified + Send + Sync + 'static>(error: E) -> Self {
        let kind = error.kind();
        Self::Game(Box::new(error), kind)
    }

    pub(crate) fn setting(
        name: &'static str,
        value: impl ToString,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Setting {
            name,
            value: value.to_string(),
            allowed: allowed.into(),
        }
    }
}

impl Classified for ShapError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Budget { .. }
            | Self::Setting { .. }
            | Self::Length { .. }
            | Self::NotFinite { .. } => ErrorKind::InvalidArgument,
            Self::Game(_, kind) => *kind,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::Unfinished { .. } => ErrorKind::FailedPrecondition,
            Self::State { .. } => ErrorKind::DataLoss,
            Self::NotAdditive { .. } => ErrorKind::Internal,
        }
    }
}

/// Refuses NaN and infinity.
pub(crate) fn check_finite(
    what: &'static str,
    values: impl IntoIterator<Item = f64>,
) -> Result<(), ShapError> {
    match values
        .into_iter()
        .enumerate()
        .find(|(_, value)| !value.is_finite())
    {
        None => Ok(()),
        Some((position, value)) => Err(ShapError::NotFinite {
            what,
            position,
            value,
        }),
    }
}

/// Refuses a length other than the expected one.
pub(crate) fn check_length(
    what: &'static str,
    actual: usize,
    expected: usize,
) -> Result<(), ShapError> {
    if actual == expected {
        return Ok(());
    }
    Err(ShapError::Length {
        what,
        actual,
        expected,
    })
}
