//! The SPE reader: takes the first record of a file apart into its blocks.

use super::{Header, INTERPRETED, data, data::Data, times::Times};
use crate::calibration::{self, Terms};
use crate::text::{self, Lines};
use crate::{FormatError, Reading, WarningCode, date, warning::Warnings};
use assay_spectrum::{Spectrum, StartTime};

/// Most blocks that are kept: far above what instruments write.
const MAX_BLOCKS: usize = 1000;

/// Reads the first record of an SPE file.
///
/// # Units
/// Counts per channel; live and real time in seconds; calibration in keV.
///
/// # Errors
/// When the file is too large, empty, binary, has no `$DATA` or fewer or more counts than it
/// declares, or when a count, time or calibration term is negative, not finite or out of range.
///
/// # Source
/// The file format of ORTEC's MAESTRO (ASCII SPE).
pub fn read_spe(bytes: &[u8]) -> Result<Reading, FormatError> {
    let mut warnings = Warnings::default();
    let decoded = text::decode(bytes, &mut warnings)?;
    let mut lines = Lines::new(&decoded);
    let mut record = Record::default();
    let ended = record.read(&mut lines, &mut warnings)?;
    if !ended {
        warnings.add(WarningCode::MissingEndRecord, lines.number, || {
            "the record does not end with $ENDRECORD:".to_owned()
        });
    }
    let is_data =
        |line: &text::Line<'_>| Header::parse(line.bytes).is_some_and(|h| h.name == "DATA");
    let line = lines.number;
    let further_records = lines.filter(is_data).count();
    if further_records > 0 {
        warnings.add(WarningCode::FurtherRecords, line, || {
            format!("the file has {further_records} further spectra; the first one was read")
        });
    }
    let spectrum = record.finish(&mut warnings)?;
    Ok(Reading {
        spectrum,
        warnings: warnings.finish(),
        further_records,
    })
}

/// What the blocks of one record say.
#[derive(Default)]
struct Record {
    seen: Vec<String>,
    title: String,
    times: Times,
    times_line: Option<usize>,
    start_time: Option<StartTime>,
    data: Option<Data>,
    fit: Option<Terms>,
    full: Option<Terms>,
    blocks: Vec<(String, String)>,
}

impl Record {
    /// Reads up to the end of the record and says whether that was marked.
    fn read(
        &mut self,
        lines: &mut Lines<'_>,
        warnings: &mut Warnings,
    ) -> Result<bool, FormatError> {
        while let Some(line) = lines.peek() {
            let Some(header) = Header::parse(line.bytes) else {
                if !line.bytes.trim_ascii().is_empty() {
                    warnings.add(WarningCode::TextBeforeFirstBlock, line.number, || {
                        "text before the first block was left out".to_owned()
                    });
                }
                lines.next();
                continue;
            };
            // A title after the counts can only belong to the next record.
            if header.name == "SPEC_ID" && self.data.is_some() {
                return Ok(false);
            }
            if header.rest.is_empty() {
                lines.next();
            } else {
                // The body begins on the header's own line.
                let colon = line
                    .bytes
                    .iter()
                    .position(|&byte| byte == b':')
                    .unwrap_or(0);
                lines.rest = &lines.rest[colon + 1..];
            }
            if header.name == "ENDRECORD" {
                return Ok(true);
            }
            self.read_block(header.name, line.number, lines, warnings)?;
        }
        Ok(false)
    }

    fn read_block(
        &mut self,
        name: String,
        line: usize,
        lines: &mut Lines<'_>,
        warnings: &mut Warnings,
    ) -> Result<(), FormatError> {
        let repeated = self.is_repeated(&name);
        if repeated {
            warnings.add(WarningCode::DuplicateBlock, line, || {
                format!("${name}: stands in the record again; the first one counts")
            });
        }
        if name == "DATA" && !repeated {
            self.data = Some(data::read(lines, warnings)?);
            self.seen.push(name);
            return Ok(());
        }
        let body = take_body(lines);
        match name.as_str() {
            _ if repeated && INTERPRETED.contains(&name.as_str()) => return Ok(()),
            "SPEC_ID" => self.title = title(&verbatim(body, warnings)),
            "MEAS_TIM" => {
                self.times = Times::read(body, warnings)?;
                self.times_line = Some(line);
            }
            "DATE_MEA" => {
                let line = body.number;
                let text = verbatim(body, warnings);
                let first = text.lines().find(|line| !line.trim().is_empty());
                self.start_time = date::parse(first.unwrap_or(""), line, warnings);
                if self.start_time.is_none() {
                    self.blocks.push(("DATE_MEA".to_owned(), text));
                }
            }
            "ENER_FIT" => {
                self.fit = calibration::read_terms(body, "$ENER_FIT", false, warnings)?;
            }
            "MCA_CAL" => self.full = calibration::read_terms(body, "$MCA_CAL", true, warnings)?,
            _ => {
                if self.blocks.len() == MAX_BLOCKS {
                    return Err(FormatError::TooMany {
                        line,
                        what: "blocks",
                        limit: MAX_BLOCKS,
                    });
                }
                self.blocks.push((name, verbatim(body, warnings)));
                return Ok(());
            }
        }
        self.seen.push(name);
        Ok(())
    }

    fn is_repeated(&self, name: &str) -> bool {
        if INTERPRETED.contains(&name) {
            self.seen.iter().any(|seen| seen == name)
        } else {
            self.blocks.iter().any(|(kept, _)| kept == name)
        }
    }

    fn finish(self, warnings: &mut Warnings) -> Result<Spectrum, FormatError> {
        let data = self.data.ok_or(FormatError::Missing {
            what: "$DATA: block",
            advice: "export the spectrum with its counts as ORTEC ASCII (.SPE)",
        })?;
        self.times.warn(self.times_line, warnings);
        if !self.seen.iter().any(|seen| seen == "DATE_MEA") {
            warnings.add(WarningCode::DateMissing, None, || {
                "the file has no $DATE_MEA:, so the start time is unknown".to_owned()
            });
        }
        let calibration = calibration::choose(self.fit, self.full, warnings);
        if let Some(calibration) = &calibration {
            let end_channel = data.first_channel as usize + data.counts.len();
            calibration::warn_unless_rising(calibration, end_channel, warnings);
        }
        Ok(Spectrum {
            counts: data.counts,
            first_channel: data.first_channel,
            calibration,
            live_time_s: self.times.live_s,
            real_time_s: self.times.real_s,
            start_time: self.start_time,
            title: self.title,
            blocks: self.blocks,
        })
    }
}

/// The lines up to the next header, which stays in place.
fn take_body<'a>(lines: &mut Lines<'a>) -> Lines<'a> {
    let (text, number) = (lines.rest, lines.number);
    while lines
        .peek()
        .is_some_and(|line| Header::parse(line.bytes).is_none())
    {
        lines.next();
    }
    Lines {
        rest: &text[..text.len() - lines.rest.len()],
        number,
    }
}

/// A body as text, its lines joined by LF.
fn verbatim(body: Lines<'_>, warnings: &mut Warnings) -> String {
    let number = body.number;
    let mut text = Vec::with_capacity(body.rest.len());
    for (index, line) in body.enumerate() {
        if index > 0 {
            text.push(b'\n');
        }
        text.extend_from_slice(line.bytes);
    }
    text::to_string(&text, number, warnings)
}

/// A title fit for showing: no control characters, no blanks around it.
pub(crate) fn title(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            ' '
        } else {
            c
        }
    };
    text.chars()
        .map(plain)
        .collect::<String>()
        .trim()
        .to_owned()
}
