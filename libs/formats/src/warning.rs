//! What a reader had to forgive, as typed values that programs can count and people can read.

use serde::{Deserialize, Serialize};

/// What was odd about a file that could be read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningCode {
    /// A byte order mark in front of UTF-8 text.
    ByteOrderMark,
    /// The text is UTF-16.
    Utf16,
    /// Bytes that are not UTF-8 were read as Latin-1.
    Latin1Text,
    /// Text in front of the first block was left out.
    TextBeforeFirstBlock,
    /// No `$ENDRECORD:` at the end.
    MissingEndRecord,
    /// The file has further records; only the first was read.
    FurtherRecords,
    /// A block stands in one record more than once; the first one counts.
    DuplicateBlock,
    /// No live or real time.
    TimeMissing,
    /// Two blanks or more between live and real time.
    TimeSpacing,
    /// A live or real time of zero says nothing.
    TimeZero,
    /// A live or real time that is no number or is negative.
    TimeUnusable,
    /// The live time is longer than the real time.
    LiveExceedsReal,
    /// No date of measurement.
    DateMissing,
    /// The date lacks digits, such as `10:17:0`; it was completed.
    DateClipped,
    /// The date cannot be understood.
    DateUnusable,
    /// The day stands in front of the month.
    DateDayFirst,
    /// `$DATA` declares the number of channels where the last channel belongs.
    DeclaredCountOffByOne,
    /// Several counts per line.
    SeveralCountsPerLine,
    /// Whole counts written as decimal fractions.
    FloatCounts,
    /// Counts that are not whole were rounded.
    RoundedCounts,
    /// No energy calibration.
    CalibrationMissing,
    /// All terms of the calibration are zero: the instrument was not calibrated.
    CalibrationAllZero,
    /// The calibration cannot be understood.
    CalibrationUnusable,
    /// The calibration does not rise over all channels.
    CalibrationNotIncreasing,
    /// Two calibrations in one file say different things.
    CalibrationsDisagree,
    /// Terms above the quadratic one were left out.
    CalibrationTermsLeftOut,
    /// The file does not say what its columns are; their values decided.
    ColumnsGuessed,
    /// Columns that are not needed were left out.
    ColumnsLeftOut,
    /// The end of a CHN file is missing, short or of an unknown kind.
    TrailerIncomplete,
    /// Bytes behind the end of a CHN file were left out.
    TrailingBytes,
    /// A text of a CHN file declares more bytes than it has room for.
    TextUnusable,
    /// Counts so large that they may carry a mark of their channel in the highest bit.
    LargeCounts,
    /// A duration that is a plain number was read as seconds.
    DurationPlain,
    /// None of the spectra is a measurement of a sample; another one was read.
    NotForeground,
    /// The spectrum names no calibration; the only one of the file was taken.
    CalibrationAssumed,
}

/// One thing that was forgiven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What sort of oddity.
    pub code: WarningCode,
    /// The first line it was met on, counted from 1; `None` for the file as a whole.
    pub line: Option<usize>,
    /// What was found and what was made of it.
    pub message: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Collects warnings, one per code: a file with a million oddities must not become a million
/// messages.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Vec<Warning>);

impl Warnings {
    pub(crate) fn add(
        &mut self,
        code: WarningCode,
        line: impl Into<Option<usize>>,
        message: impl FnOnce() -> String,
    ) {
        if !self.0.iter().any(|warning| warning.code == code) {
            self.0.push(Warning {
                code,
                line: line.into(),
                message: message(),
            });
        }
    }

    pub(crate) fn finish(self) -> Vec<Warning> {
        self.0
    }
}
