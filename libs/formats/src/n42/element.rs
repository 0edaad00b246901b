//! Which elements of a document say something about a spectrum, by their names without prefix.

use crate::FormatError;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use std::borrow::Cow;

/// Elements whose insides matter; all others count as "".
const CONTAINERS: [&str; 12] = [
    "RadInstrumentData",
    "N42InstrumentData",
    "Event",
    "RadInstrumentInformation",
    "InstrumentInformation",
    "RadDetectorInformation",
    "EnergyCalibration",
    "Calibration",
    "Equation",
    "RadMeasurement",
    "Measurement",
    "DetectorData",
];

/// Results and derived spectra: nothing in them was measured.
pub(super) const SKIPPED: [&str; 3] = ["DerivedData", "AnalysisResults", "MultimediaData"];

pub(super) const SPECTRUM: &str = "Spectrum";

/// The name as one of the known ones, or "".
pub(super) fn known(name: &str) -> &'static str {
    let all = CONTAINERS.iter().chain(&SKIPPED).chain([&SPECTRUM]);
    all.copied().find(|known| *known == name).unwrap_or("")
}

/// Elements whose text is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Manufacturer,
    Model,
    Identifier,
    DetectorCategory,
    Terms,
    Boundaries,
    Deviations,
    Class,
    Start,
    RealTime,
    LiveTime,
    ChannelData,
    Remark,
}

/// What an element is by its own name and that of the element around it.
pub(super) fn leaf(parent: &str, name: &str) -> Option<Leaf> {
    Some(match (parent, name) {
        ("RadInstrumentInformation", "RadInstrumentManufacturerName")
        | ("InstrumentInformation", "Manufacturer") => Leaf::Manufacturer,
        ("RadInstrumentInformation", "RadInstrumentModelName")
        | ("InstrumentInformation", "InstrumentModel") => Leaf::Model,
        ("RadInstrumentInformation", "RadInstrumentIdentifier")
        | ("InstrumentInformation", "InstrumentID") => Leaf::Identifier,
        ("RadDetectorInformation", "RadDetectorCategoryCode") => Leaf::DetectorCategory,
        ("EnergyCalibration", "CoefficientValues") | ("Equation", "Coefficients") => Leaf::Terms,
        ("EnergyCalibration", "EnergyBoundaryValues") => Leaf::Boundaries,
        ("EnergyCalibration", "EnergyDeviationValues") => Leaf::Deviations,
        ("RadMeasurement", "MeasurementClassCode") | (SPECTRUM, "SourceType") => Leaf::Class,
        ("RadMeasurement" | SPECTRUM, "StartDateTime")
        | ("Measurement" | "DetectorData" | SPECTRUM, "StartTime") => Leaf::Start,
        ("RadMeasurement" | SPECTRUM, "RealTimeDuration")
        | ("DetectorData", "SampleRealTime")
        | (SPECTRUM, "RealTime") => Leaf::RealTime,
        (SPECTRUM, "LiveTimeDuration" | "LiveTime") => Leaf::LiveTime,
        (SPECTRUM, "ChannelData") => Leaf::ChannelData,
        ("RadMeasurement" | "Measurement" | SPECTRUM, "Remark") => Leaf::Remark,
        _ => return None,
    })
}

/// The inside of an element as it stands in the file, and where that is.
#[derive(Debug, Clone, Default)]
pub(super) struct Inside<'a> {
    pub(super) raw: Cow<'a, str>,
    /// Offset of the element in the text, for the line number of a message.
    pub(super) offset: usize,
}

impl Inside<'_> {
    /// The text without comments, with CDATA and references resolved. Only references to
    /// characters and to the five that XML defines are known; none can expand to more.
    ///
    /// # Errors
    /// When it is no well-formed XML or refers to anything else.
    pub(super) fn text(&self, line: usize) -> Result<Cow<'_, str>, FormatError> {
        if !self.raw.contains(['<', '&', '\r']) {
            return Ok(Cow::Borrowed(&self.raw));
        }
        let xml = |problem: String| FormatError::Xml { line, problem };
        let mut reader = reader(&self.raw);
        let mut text = String::with_capacity(self.raw.len());
        loop {
            match reader
                .read_event()
                .map_err(|error| xml(error.to_string()))?
            {
                Event::Text(part) => text.push_str(&part.xml10_content()),
                Event::CData(part) => text.push_str(&part.xml10_content()),
                Event::GeneralRef(name) => {
                    let unknown = || {
                        xml(format!(
                            "the reference &{};",
                            crate::error::shorten(name.as_bytes())
                        ))
                    };
                    match name.resolve_char_ref() {
                        Ok(Some(c)) => text.push(c),
                        Ok(None) => text.push_str(resolve_xml_entity(&name).ok_or_else(unknown)?),
                        Err(_) => return Err(unknown()),
                    }
                }
                Event::Eof => return Ok(Cow::Owned(text)),
                _ => {}
            }
        }
    }
}

/// A reader that takes a lone `&` for itself, as some instruments write it.
pub(super) fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    reader
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Result<String, String> {
        let inside = Inside {
            raw: Cow::Borrowed(raw),
            offset: 0,
        };
        inside
            .text(3)
            .map(Cow::into_owned)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn references_comments_and_cdata() {
        for (raw, expected) in [
            ("1 2", "1 2"),
            ("a &lt;b&gt; &#181;&#x20; &amp;", "a <b> µ  &"),
            ("1<!-- 2 --> 3", "1 3"),
            ("<![CDATA[<x> & y]]>", "<x> & y"),
            ("a\r\nb\rc&#13;d", "a\nb\nc\rd"),
            ("this & that", "this & that"),
        ] {
            assert_eq!(text(raw).as_deref(), Ok(expected), "{raw}");
        }
        for raw in ["&lol;", "&#0;", "&#x110000;", "<a></b>"] {
            let error = text(raw).unwrap_err();
            assert!(error.starts_with("line 3: "), "{error}");
        }
    }
}
