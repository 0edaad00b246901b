//! The N42 reader.

use super::counts::{self, Compression};
use super::element::Inside;
use super::walk::{Candidate, Document, walk};
use super::{calibration, duration, remark};
use crate::{FormatError, Reading, WarningCode, date, spe::Times, text, warning::Warnings};
use assay_spectrum::Spectrum;
use quick_xml::Reader;

/// Reads the first gamma spectrum of a sample from an N42 document of 2012 or 2006.
///
/// A measurement of class `Foreground` (2006: source type `Item`) goes before one of no class,
/// and that before backgrounds and calibrations; the others are counted in
/// [`Reading::further_records`]. Spectra of neutron detectors and derived ones are not counted.
/// Remarks become title and blocks.
///
/// # Units
/// Counts per channel; times in seconds; calibration in keV over the channel's centre: the terms
/// of 2012, which count from the lower edge of the first channel, are converted.
///
/// # Errors
/// When the file is too large, empty or binary, is no well-formed XML or has another root
/// element, has no spectrum, or when a count, a run length or a term of the calibration cannot
/// be used.
///
/// # Source
/// ANSI N42.42-2012, schema <http://physics.nist.gov/N42/2011/N42>; ANSI N42.42-2006.
pub fn read_n42(bytes: &[u8]) -> Result<Reading, FormatError> {
    let mut warnings = Warnings::default();
    let decoded = text::decode(bytes, &mut warnings)?;
    let text = text::to_string(&decoded, None, &mut warnings);
    drop(decoded);
    let source = Source { text: &text };
    let mut document = walk(source, &mut warnings)?;
    let chosen = document.chosen.take().ok_or(FormatError::Missing {
        what: "gamma spectrum with ChannelData",
        advice: "export the measurement with its spectrum",
    })?;
    let further_records = document.spectra.saturating_sub(1);
    warn_of_choice(&chosen, further_records, source, &mut warnings);
    let spectrum = spectrum(&chosen, &document, source, &mut warnings)?;
    Ok(Reading {
        spectrum,
        warnings: warnings.finish(),
        further_records,
    })
}

/// The text of a document, for line numbers.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// The line of an offset, counted from 1.
    pub(super) fn line(self, offset: usize) -> usize {
        let head = self.text.as_bytes().get(..offset).unwrap_or_default();
        1 + head.iter().filter(|&&byte| byte == b'\n').count()
    }

    pub(super) fn malformed(self, reader: &Reader<&[u8]>, error: &quick_xml::Error) -> FormatError {
        FormatError::Xml {
            line: self.line(reader.error_position() as usize),
            problem: crate::error::shorten_to(error.to_string().as_bytes(), 200),
        }
    }
}

fn warn_of_choice(
    chosen: &Candidate<'_>,
    further_records: usize,
    source: Source<'_>,
    warnings: &mut Warnings,
) {
    let line = || source.line(chosen.offset);
    if further_records > 0 {
        warnings.add(WarningCode::FurtherRecords, line(), || {
            format!("the file has {further_records} further spectra; this one was read")
        });
    }
    if chosen.frame.rank() > 1 {
        let class = chosen
            .frame
            .class
            .as_ref()
            .map_or("", |class| class.raw.trim());
        warnings.add(WarningCode::NotForeground, line(), || {
            let class = crate::error::shorten(class.as_bytes());
            format!("no spectrum of the file is a Foreground; this one of class {class:?} was read")
        });
    }
}

fn spectrum(
    chosen: &Candidate<'_>,
    document: &Document<'_>,
    source: Source<'_>,
    warnings: &mut Warnings,
) -> Result<Spectrum, FormatError> {
    let counts = counts(chosen, source, warnings)?;
    let calibration = calibration::of_spectrum(chosen, document, source, counts.len(), warnings)?;
    let mut seconds = |inside: &Option<Inside<'_>>, field| match inside {
        Some(inside) => duration::read(inside, source.line(inside.offset), field, warnings),
        None => Ok(None),
    };
    let times = Times {
        live_s: seconds(&chosen.live_time, "live time")?,
        real_s: seconds(&chosen.frame.real_time, "real time")?,
    };
    let line = source.line(chosen.offset);
    times.warn(Some(line), warnings);
    let mut spectrum = Spectrum {
        counts,
        calibration,
        live_time_s: times.live_s,
        real_time_s: times.real_s,
        ..Spectrum::default()
    };
    take_start(chosen, source, &mut spectrum, warnings)?;
    for inside in &chosen.frame.remarks {
        let text = inside.text(source.line(inside.offset))?;
        remark::take(text.into_owned(), &mut spectrum);
    }
    let mut names = [const { None }; 3];
    for (name, inside) in names.iter_mut().zip(&document.instrument) {
        if let Some(inside) = inside {
            let text = inside.text(source.line(inside.offset))?;
            *name = Some(text.into_owned());
        }
    }
    spectrum.blocks.extend(remark::instrument_block(&names));
    Ok(spectrum)
}

fn counts(
    chosen: &Candidate<'_>,
    source: Source<'_>,
    warnings: &mut Warnings,
) -> Result<Vec<u64>, FormatError> {
    let none = Inside::default();
    let data = chosen.counts.as_ref().unwrap_or(&none);
    let line = source.line(data.offset);
    let compression = Compression::of(chosen.compression.as_deref(), line)?;
    let counts = counts::read(&data.text(line)?, compression, line, warnings)?;
    if counts.is_empty() {
        return Err(FormatError::field(
            line,
            "ChannelData",
            b"",
            "one count per channel",
        ));
    }
    Ok(counts)
}

fn take_start(
    chosen: &Candidate<'_>,
    source: Source<'_>,
    spectrum: &mut Spectrum,
    warnings: &mut Warnings,
) -> Result<(), FormatError> {
    let Some(start) = &chosen.frame.start else {
        warnings.add(WarningCode::DateMissing, None, || {
            "the file has no start time".to_owned()
        });
        return Ok(());
    };
    let line = source.line(start.offset);
    let text = start.text(line)?;
    spectrum.start_time = date::parse(&text, line, warnings);
    if spectrum.start_time.is_none() && !text.trim().is_empty() {
        let text = text.trim().to_owned();
        spectrum.blocks.push(("DATE_MEA".to_owned(), text));
    }
    Ok(())
}
