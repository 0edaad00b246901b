//! The CSV reader.

use super::columns::{self, Columns, Role, Separator};
use super::comment::Comments;
use crate::text::{self, Line, Lines};
use crate::{FormatError, Reading, WarningCode, calibration, energies, number, warning::Warnings};
use assay_spectrum::{EnergyCalibration, MAX_CHANNELS, Spectrum};

/// Energies of a table and of its comments may differ by this part of a channel.
const ALLOWED_CHANNELS: f64 = 0.1;

/// Reads a table of `counts`, `channel,counts` or `energy_kev,counts`, with or without header.
///
/// Separators are comma, semicolon, tab or blanks. Lines `# key: value` may state
/// `live_time_s`, `real_time_s`, `start_time`, `title`, `first_channel`, `intercept_kev`,
/// `slope_kev_per_channel` and `quadratic_kev_per_channel2`; other keys are kept as blocks.
///
/// # Units
/// Energies of channel centres in keV; times in seconds.
///
/// # Errors
/// When the file is too large, empty or binary; when its columns cannot be told; when a count
/// is negative or not finite, channels do not rise by one, or energies are on no parabola.
pub fn read_csv(bytes: &[u8]) -> Result<Reading, FormatError> {
    let mut warnings = Warnings::default();
    let decoded = text::decode(bytes, &mut warnings)?;
    let mut comments = Comments::default();
    let mut table = None;
    for line in Lines::new(&decoded) {
        let row = line.bytes.trim_ascii();
        if row.is_empty() {
            continue;
        }
        if row.starts_with(b"#") {
            comments.take(line, &mut warnings)?;
            continue;
        }
        match &mut table {
            Some(table) => Table::take(table, line, &mut warnings)?,
            None => table = Some(Table::begin(line, &mut warnings)?),
        }
    }
    let table = table
        .filter(|table| !table.counts.is_empty())
        .ok_or(FormatError::Missing {
            what: "rows of counts",
            advice: "one line per channel is needed",
        })?;
    let spectrum = table.finish(comments, &mut warnings)?;
    Ok(Reading {
        spectrum,
        warnings: warnings.finish(),
        further_records: 0,
    })
}

/// The columns that have been read so far.
struct Table {
    columns: Columns,
    counts: Vec<u64>,
    channels: Vec<f64>,
    energies_kev: Vec<f64>,
    axis: Vec<f64>,
    lines: RowLines,
}

/// Which line a row stands on, without a number per row where no lines lie between.
#[derive(Default)]
struct RowLines {
    /// Row and line at which a run of consecutive lines begins.
    runs: Vec<(usize, usize)>,
    rows: usize,
}

impl RowLines {
    fn push(&mut self, line: usize) {
        if self.runs.is_empty() || self.of(self.rows) != line {
            self.runs.push((self.rows, line));
        }
        self.rows += 1;
    }

    fn of(&self, row: usize) -> usize {
        let run = self.runs.partition_point(|&(first, _)| first <= row);
        self.runs
            .get(run.saturating_sub(1))
            .map_or(0, |&(first, line)| line + (row - first))
    }
}

impl Table {
    fn begin(line: Line<'_>, warnings: &mut Warnings) -> Result<Self, FormatError> {
        let row = line.bytes.trim_ascii();
        let (columns, is_header) = columns::of_first_row(row, line.number, warnings)?;
        let mut table = Self {
            columns,
            counts: Vec::new(),
            channels: Vec::new(),
            energies_kev: Vec::new(),
            axis: Vec::new(),
            lines: RowLines::default(),
        };
        if !is_header {
            table.take(line, warnings)?;
        }
        Ok(table)
    }

    fn take(&mut self, line: Line<'_>, warnings: &mut Warnings) -> Result<(), FormatError> {
        let (row, number) = (line.bytes.trim_ascii(), line.number);
        if self.counts.len() == MAX_CHANNELS as usize {
            let limit = MAX_CHANNELS as usize;
            return Err(FormatError::TooMany {
                line: number,
                what: "channels",
                limit,
            });
        }
        let mut found = 0;
        for field in self.columns.separator.split(row) {
            // A separator at the end of a row is no field.
            let Some(&role) = self.columns.roles.get(found) else {
                if field.is_empty() {
                    continue;
                }
                return Err(self.ragged(row, number));
            };
            found += 1;
            self.refuse_decimal_comma(field, number)?;
            match role {
                Role::Counts => {
                    let name = || format!("count of row {}", self.counts.len() + 1);
                    let count = number::count(field, number, name, warnings)?;
                    self.counts.push(count);
                }
                Role::Channel => self
                    .channels
                    .push(number::finite(field, number, "channel")?),
                Role::EnergyKev => {
                    self.energies_kev
                        .push(number::finite(field, number, "energy_kev")?);
                }
                Role::Axis => self
                    .axis
                    .push(number::finite(field, number, "channel or energy")?),
                Role::LeftOut => {}
            }
        }
        if found < self.columns.roles.len() {
            return Err(self.ragged(row, number));
        }
        self.lines.push(number);
        Ok(())
    }

    fn ragged(&self, row: &[u8], line: usize) -> FormatError {
        let allowed = format!(
            "{} fields, as in the first row; a decimal comma must be a point",
            self.columns.roles.len()
        );
        FormatError::field(line, "a row", row, allowed)
    }

    fn refuse_decimal_comma(&self, field: &[u8], line: usize) -> Result<(), FormatError> {
        let splits_at_comma = self.columns.separator == Separator::Byte(b',');
        if splits_at_comma || !field.contains(&b',') {
            return Ok(());
        }
        let allowed = "numbers with a decimal point; replace decimal commas, or export with an \
                       English locale";
        Err(FormatError::field(line, "a number", field, allowed))
    }

    fn finish(
        mut self,
        comments: Comments,
        warnings: &mut Warnings,
    ) -> Result<Spectrum, FormatError> {
        self.name_the_axis(warnings);
        let first_channel = match self.first_listed_channel()? {
            Some(listed) => listed,
            None => comments.first_channel.unwrap_or(0),
        };
        let end_channel = first_channel as usize + self.counts.len();
        if end_channel > MAX_CHANNELS as usize {
            let (line, limit) = (self.lines.of(self.counts.len() - 1), MAX_CHANNELS as usize);
            return Err(FormatError::TooMany {
                line,
                what: "channels",
                limit,
            });
        }
        let calibration = self.calibration(&comments, first_channel, warnings)?;
        match &calibration {
            Some(calibration) => {
                calibration::warn_unless_rising(calibration, end_channel, warnings);
            }
            None => warnings.add(WarningCode::CalibrationMissing, None, || {
                "the file has no usable energy calibration; add a column energy_kev, or \
                 # intercept_kev: and # slope_kev_per_channel:"
                    .to_owned()
            }),
        }
        comments.times.warn(None, warnings);
        if comments.start_time.is_none() {
            warnings.add(WarningCode::DateMissing, None, || {
                "the file has no # start_time:".to_owned()
            });
        }
        Ok(Spectrum {
            counts: self.counts,
            first_channel,
            calibration,
            live_time_s: comments.times.live_s,
            real_time_s: comments.times.real_s,
            start_time: comments.start_time,
            title: comments.title,
            blocks: comments.blocks,
        })
    }

    /// Decides whether an unnamed first column holds channels or energies.
    fn name_the_axis(&mut self, warnings: &mut Warnings) {
        let axis = std::mem::take(&mut self.axis);
        if axis.is_empty() {
            return;
        }
        let whole = axis[0].fract() == 0.0 && axis[0] >= 0.0;
        let are_channels = whole && axis.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
        let (what, column) = if are_channels {
            (
                "channels, because they are whole and rise by one",
                &mut self.channels,
            )
        } else {
            (
                "energies in keV, because they do not rise by one",
                &mut self.energies_kev,
            )
        };
        *column = axis;
        warnings.add(WarningCode::ColumnsGuessed, self.lines.of(0), || {
            format!("the columns have no names; the first one was taken for {what}")
        });
    }

    /// The first channel of the channel column, where there is one.
    fn first_listed_channel(&self) -> Result<Option<u32>, FormatError> {
        let Some(&first) = self.channels.first() else {
            return Ok(None);
        };
        let refuse = |row: usize, allowed: String| {
            let (line, value) = (self.lines.of(row), self.channels[row]);
            FormatError::out_of_range(line, "channel", value, allowed)
        };
        if !(first.fract() == 0.0 && (0.0..f64::from(MAX_CHANNELS)).contains(&first)) {
            let allowed = format!("a whole number from 0 to {}", MAX_CHANNELS - 1);
            return Err(refuse(0, allowed));
        }
        match self
            .channels
            .windows(2)
            .position(|pair| pair[1] - pair[0] != 1.0)
        {
            Some(row) => {
                let next = self.channels[row] + 1.0;
                let allowed =
                    format!("{next}, because channels rise by one; write zero counts out");
                Err(refuse(row + 1, allowed))
            }
            None => Ok(Some(first as u32)),
        }
    }

    /// The calibration of the comments, else the one behind the column of energies.
    fn calibration(
        &self,
        comments: &Comments,
        first_channel: u32,
        warnings: &mut Warnings,
    ) -> Result<Option<EnergyCalibration>, FormatError> {
        let stated = comments.calibration(warnings);
        if self.energies_kev.is_empty() {
            return Ok(stated);
        }
        let fitted = energies::fit(&self.energies_kev, first_channel, |row| self.lines.of(row))?;
        let Some(stated) = stated else {
            return Ok(Some(fitted));
        };
        let last = f64::from(first_channel) + (self.counts.len() - 1) as f64;
        let agree = [f64::from(first_channel), last].iter().all(|&channel| {
            let difference = stated.energy_kev(channel) - fitted.energy_kev(channel);
            difference.abs() <= ALLOWED_CHANNELS * fitted.gain_kev_per_channel(channel).abs()
        });
        if !agree {
            warnings.add(WarningCode::CalibrationsDisagree, self.lines.of(0), || {
                "the calibration of the comment lines and the column of energies disagree; the \
                 comment lines were taken"
                    .to_owned()
            });
        }
        Ok(Some(stated))
    }
}
