//! The N42 writer: the form of 2012.

use super::calibration::{centres_to_edges, terms};
use super::{counts, duration, remark};
use assay_spectrum::Spectrum;
use quick_xml::escape::partial_escape;
use std::fmt::Write;

/// Writes a spectrum as ANSI N42.42-2012 with one measurement of class `Foreground`.
///
/// Counts, times to the bit, start time, title and blocks come back by [`crate::read_n42`], the
/// calibration to 15 digits. The format numbers channels from 0, so the first channel moves into
/// the calibration, which is written over the lower edge of the first channel. Times that are
/// unknown are written as zero and a missing or not finite calibration as three zeros, because the schema asks
/// for them; an unknown start is left out. Control characters, which XML has no place for, become
/// blanks.
#[must_use]
pub fn write_n42(spectrum: &Spectrum) -> Vec<u8> {
    let mut file = Elements(String::with_capacity(spectrum.counts.len() * 6 + 2048));
    file.0
        .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    file.open("<RadInstrumentData xmlns=\"http://physics.nist.gov/N42/2011/N42\">");
    file.text("RadInstrumentDataCreatorName", "OpenAssay");
    instrument(&mut file, spectrum);
    let terms = spectrum
        .calibration
        .map(|calibration| terms(&centres_to_edges(calibration, spectrum.first_channel)))
        .filter(|terms| terms.iter().all(|term| term.is_finite()));
    let [a0, a1, a2] = terms.unwrap_or_default();
    file.open("<EnergyCalibration id=\"calibration\">");
    file.text("CoefficientValues", &format!("{a0:?} {a1:?} {a2:?}"));
    file.open("</EnergyCalibration>");
    measurement(&mut file, spectrum);
    file.open("</RadInstrumentData>");
    file.0.into_bytes()
}

fn instrument(file: &mut Elements, spectrum: &Spectrum) {
    let [manufacturer, model, identifier] = remark::instrument_names(spectrum);
    file.open("<RadInstrumentInformation id=\"instrument\">");
    file.text(
        "RadInstrumentManufacturerName",
        manufacturer.unwrap_or(remark::UNKNOWN),
    );
    if let Some(identifier) = identifier {
        file.text("RadInstrumentIdentifier", identifier);
    }
    file.text("RadInstrumentModelName", model.unwrap_or(remark::UNKNOWN));
    file.text("RadInstrumentClassCode", "Other");
    file.open("<RadInstrumentVersion>");
    file.text("RadInstrumentComponentName", "Software");
    file.text("RadInstrumentComponentVersion", remark::UNKNOWN);
    file.open("</RadInstrumentVersion>");
    file.open("</RadInstrumentInformation>");
    file.open("<RadDetectorInformation id=\"detector\">");
    file.text("RadDetectorCategoryCode", "Gamma");
    file.text("RadDetectorKindCode", "Other");
    file.open("</RadDetectorInformation>");
}

fn measurement(file: &mut Elements, spectrum: &Spectrum) {
    file.open("<RadMeasurement id=\"measurement\">");
    file.text("MeasurementClassCode", "Foreground");
    if let Some(start) = spectrum.start_time {
        file.text("StartDateTime", &start.to_string());
    }
    file.text("RealTimeDuration", &duration::write(spectrum.real_time_s));
    file.open(
        "<Spectrum id=\"spectrum\" radDetectorInformationReference=\"detector\" \
         energyCalibrationReference=\"calibration\">",
    );
    for remark in remark::of_spectrum(spectrum) {
        file.text("Remark", &remark);
    }
    file.text("LiveTimeDuration", &duration::write(spectrum.live_time_s));
    let (code, counts) = counts::write(&spectrum.counts);
    // Writing to a String cannot fail.
    let _ = writeln!(
        file.0,
        "<ChannelData compressionCode=\"{code}\">{counts}</ChannelData>"
    );
    file.open("</Spectrum>");
    file.open("</RadMeasurement>");
}

struct Elements(String);

impl Elements {
    /// One tag on a line of its own.
    fn open(&mut self, tag: &str) {
        self.0.push_str(tag);
        self.0.push('\n');
    }

    /// An element with nothing but text.
    fn text(&mut self, name: &str, text: &str) {
        let allowed = |c: char| {
            let blank = (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
                || matches!(c, '\u{fffe}' | '\u{ffff}');
            if blank { ' ' } else { c }
        };
        let text: String = text.chars().map(allowed).collect();
        // A carriage return as such would be read as a line feed.
        let text = partial_escape(text).replace('\r', "&#13;");
        let _ = writeln!(self.0, "<{name}>{text}</{name}>");
    }
}
