//! One walk over a document: keeps where the chosen spectrum and its calibration stand and counts
//! the rest. Numbers are not looked at here, so a file of many spectra costs little more than one.

use super::calibration::Calibration;
use super::element::{self, Inside, Leaf, SKIPPED, SPECTRUM};
use super::read::Source;
use super::{ROOTS, element::known};
use crate::{FormatError, WarningCode, warning::Warnings};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting: far above what the schemas allow.
const MAX_DEPTH: usize = 64;
/// Most calibrations, detectors, and remarks of one spectrum.
const MAX_KEPT: usize = 10_000;

/// What may be said about a spectrum or about everything in the element around it.
#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    pub(super) class: Option<Inside<'a>>,
    pub(super) start: Option<Inside<'a>>,
    pub(super) real_time: Option<Inside<'a>>,
    pub(super) remarks: Vec<Inside<'a>>,
}

impl<'a> Frame<'a> {
    /// Takes from an outer frame what this one does not say itself.
    fn fill_from(&mut self, outer: &mut Self) {
        let fill = |own: &mut Option<_>, outer: &Option<Inside<'a>>| {
            if own.is_none() {
                own.clone_from(outer);
            }
        };
        fill(&mut self.class, &outer.class);
        fill(&mut self.start, &outer.start);
        fill(&mut self.real_time, &outer.real_time);
        self.remarks.append(&mut outer.remarks);
    }

    /// Measurements of a sample come first, then those of no class, then backgrounds and the like.
    pub(super) fn rank(&self) -> u8 {
        match self.class.as_ref().map_or("", |class| class.raw.trim()) {
            "Foreground" | "Item" => 0,
            "" | "NotSpecified" | "Unknown" => 1,
            _ => 2,
        }
    }
}

/// A spectrum that may be the one to read.
#[derive(Debug, Default)]
pub(super) struct Candidate<'a> {
    pub(super) offset: usize,
    pub(super) frame: Frame<'a>,
    pub(super) live_time: Option<Inside<'a>>,
    pub(super) counts: Option<Inside<'a>>,
    pub(super) compression: Option<String>,
    pub(super) calibration: Option<Calibration<'a>>,
    /// Names of calibrations.
    pub(super) references: Vec<String>,
    detector: Option<String>,
}

/// What the walk found.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    /// Manufacturer, model, identifier.
    pub(super) instrument: [Option<Inside<'a>>; 3],
    pub(super) calibrations: Vec<Calibration<'a>>,
    pub(super) chosen: Option<Candidate<'a>>,
    /// Gamma spectra with counts.
    pub(super) spectra: usize,
    neutron_detectors: Vec<String>,
}

#[derive(Default)]
struct Walk<'a> {
    document: Document<'a>,
    path: Vec<&'static str>,
    rooted: bool,
    measurement: Frame<'a>,
    detector_data: Frame<'a>,
    spectrum: Option<Candidate<'a>>,
    /// The best spectrum of the measurement so far.
    best: Option<Candidate<'a>>,
    calibration: Option<Calibration<'a>>,
    detector: String,
}

/// Walks over the whole document.
///
/// # Errors
/// When it is no well-formed XML, has another root element, or nests too deep.
pub(super) fn walk<'a>(
    source: Source<'a>,
    warnings: &mut Warnings,
) -> Result<Document<'a>, FormatError> {
    let mut reader = element::reader(source.text);
    let mut walk = Walk::default();
    loop {
        let offset = reader.buffer_position() as usize;
        let event = reader
            .read_event()
            .map_err(|error| source.malformed(&reader, &error))?;
        match event {
            Event::Start(start) => walk.start(&start, offset, source, &mut reader)?,
            Event::Empty(start) => walk.root(&start, offset, source)?,
            Event::End(_) => walk.end(offset, source)?,
            Event::Text(text) if walk.path.is_empty() && !text.trim().is_empty() => {
                let line = source.line(offset);
                warnings.add(WarningCode::TrailingBytes, line, || {
                    "text outside of the document's root element was left out".to_owned()
                });
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if !walk.path.is_empty() {
        let problem = "the end of the file inside an element".to_owned();
        let line = source.line(source.text.len());
        return Err(FormatError::Xml { line, problem });
    }
    walk.finish_measurement();
    Ok(walk.document)
}

impl<'a> Walk<'a> {
    /// Checks the name of the first element.
    fn root(
        &mut self,
        start: &BytesStart<'_>,
        offset: usize,
        source: Source<'_>,
    ) -> Result<(), FormatError> {
        let local = start.local_name();
        let name = local.as_ref();
        if self.rooted || ROOTS.contains(&name) {
            self.rooted = true;
            return Ok(());
        }
        let line = source.line(offset);
        let allowed = "RadInstrumentData (2012) or N42InstrumentData (2006)";
        Err(FormatError::field(
            line,
            "the root element",
            name.as_bytes(),
            allowed,
        ))
    }

    fn start(
        &mut self,
        start: &BytesStart<'a>,
        offset: usize,
        source: Source<'a>,
        reader: &mut Reader<&'a [u8]>,
    ) -> Result<(), FormatError> {
        self.root(start, offset, source)?;
        let local = start.local_name();
        let name = known(local.as_ref());
        let parent = self.path.last().copied().unwrap_or("");
        if SKIPPED.contains(&name) {
            let skipped = reader.read_to_end(start.name());
            return skipped
                .map(drop)
                .map_err(|error| source.malformed(reader, &error));
        }
        if let Some(leaf) = element::leaf(parent, local.as_ref()) {
            if leaf == Leaf::ChannelData {
                let compression =
                    attribute(start, &["compressionCode", "Compression"], offset, source)?;
                self.spectrum.get_or_insert_default().compression = compression;
            }
            let inside = reader.read_text(start.name());
            let inside = inside.map_err(|error| source.malformed(reader, &error))?;
            let raw = inside.into_inner();
            return self.take(leaf, parent, Inside { raw, offset }, source);
        }
        if self.path.len() == MAX_DEPTH {
            return Err(too_many("nested elements", MAX_DEPTH, offset, source));
        }
        self.path.push(name);
        self.enter(name, parent, start, offset, source)
    }

    /// Begins what an element holds.
    fn enter(
        &mut self,
        name: &str,
        parent: &str,
        start: &BytesStart<'_>,
        offset: usize,
        source: Source<'_>,
    ) -> Result<(), FormatError> {
        let get = |names: &[&str]| attribute(start, names, offset, source);
        match name {
            SPECTRUM => {
                let names = get(&["energyCalibrationReference", "CalibrationIDs"])?;
                let names = names.unwrap_or_default();
                self.spectrum = Some(Candidate {
                    offset,
                    references: names.split_whitespace().map(str::to_owned).collect(),
                    detector: get(&["radDetectorInformationReference"])?,
                    ..Candidate::default()
                });
            }
            "RadDetectorInformation" => self.detector = get(&["id"])?.unwrap_or_default(),
            "EnergyCalibration" | "Calibration" => {
                // Calibrations of widths and efficiencies have a type of their own.
                let kind = get(&["Type"])?;
                let of_energy = kind.is_none_or(|kind| kind.eq_ignore_ascii_case("Energy"));
                self.calibration = of_energy
                    .then(|| {
                        Ok::<_, FormatError>(Calibration {
                            id: get(&["id", "ID"])?.unwrap_or_default(),
                            of_edges: name == "EnergyCalibration",
                            unit: get(&["EnergyUnits"])?,
                            ..Calibration::default()
                        })
                    })
                    .transpose()?;
            }
            "Equation" if parent == "Calibration" => {
                if let Some(calibration) = &mut self.calibration {
                    calibration.model = get(&["Model"])?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Keeps the text of an element; the first of several counts.
    fn take(
        &mut self,
        leaf: Leaf,
        parent: &str,
        inside: Inside<'a>,
        source: Source<'_>,
    ) -> Result<(), FormatError> {
        let offset = inside.offset;
        let frame = match parent {
            SPECTRUM => &mut self.spectrum.get_or_insert_default().frame,
            "DetectorData" => &mut self.detector_data,
            _ => &mut self.measurement,
        };
        let slot = match leaf {
            Leaf::Remark if frame.remarks.len() == MAX_KEPT => {
                return Err(too_many("remarks", MAX_KEPT, offset, source));
            }
            Leaf::Remark => {
                frame.remarks.push(inside);
                return Ok(());
            }
            Leaf::DetectorCategory => {
                if inside.raw.trim() == "Neutron" {
                    self.document.neutron_detectors.push(self.detector.clone());
                }
                let most = self.document.neutron_detectors.len() == MAX_KEPT;
                return if most {
                    Err(too_many("detectors", MAX_KEPT, offset, source))
                } else {
                    Ok(())
                };
            }
            Leaf::Class => &mut frame.class,
            Leaf::Start => &mut frame.start,
            Leaf::RealTime => &mut frame.real_time,
            Leaf::LiveTime => &mut self.spectrum.get_or_insert_default().live_time,
            Leaf::ChannelData => &mut self.spectrum.get_or_insert_default().counts,
            Leaf::Manufacturer => &mut self.document.instrument[0],
            Leaf::Model => &mut self.document.instrument[1],
            Leaf::Identifier => &mut self.document.instrument[2],
            Leaf::Terms | Leaf::Boundaries | Leaf::Deviations => {
                let Some(calibration) = &mut self.calibration else {
                    return Ok(());
                };
                match leaf {
                    Leaf::Terms => &mut calibration.terms,
                    Leaf::Boundaries => &mut calibration.boundaries,
                    _ => &mut calibration.deviations,
                }
            }
        };
        slot.get_or_insert(inside);
        Ok(())
    }

    fn end(&mut self, offset: usize, source: Source<'_>) -> Result<(), FormatError> {
        match self.path.pop().unwrap_or("") {
            SPECTRUM => self.finish_spectrum(),
            "DetectorData" => self.detector_data = Frame::default(),
            "RadMeasurement" | "Measurement" => self.finish_measurement(),
            "EnergyCalibration" | "Calibration" => {
                let Some(calibration) = self.calibration.take() else {
                    return Ok(());
                };
                if let Some(spectrum) = &mut self.spectrum {
                    spectrum.calibration.get_or_insert(calibration);
                } else if self.document.calibrations.len() == MAX_KEPT {
                    return Err(too_many("calibrations", MAX_KEPT, offset, source));
                } else {
                    self.document.calibrations.push(calibration);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish_spectrum(&mut self) {
        let Some(mut spectrum) = self.spectrum.take() else {
            return;
        };
        let of_neutrons = |id: &String| self.document.neutron_detectors.contains(id);
        if spectrum.counts.is_none() || spectrum.detector.as_ref().is_some_and(of_neutrons) {
            return;
        }
        self.document.spectra += 1;
        spectrum.frame.fill_from(&mut self.detector_data);
        keep_better(&mut self.best, spectrum);
    }

    fn finish_measurement(&mut self) {
        let mut measurement = std::mem::take(&mut self.measurement);
        if let Some(mut spectrum) = self.best.take() {
            spectrum.frame.fill_from(&mut measurement);
            keep_better(&mut self.document.chosen, spectrum);
        }
    }
}

fn keep_better<'a>(kept: &mut Option<Candidate<'a>>, new: Candidate<'a>) {
    let is_better = |kept: &Candidate<'_>| new.frame.rank() < kept.frame.rank();
    if kept.as_ref().is_none_or(is_better) {
        *kept = Some(new);
    }
}

fn too_many(what: &'static str, limit: usize, offset: usize, source: Source<'_>) -> FormatError {
    let line = source.line(offset);
    FormatError::TooMany { line, what, limit }
}

/// The value of the first attribute that has one of the names.
fn attribute(
    start: &BytesStart<'_>,
    names: &[&str],
    offset: usize,
    source: Source<'_>,
) -> Result<Option<String>, FormatError> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| FormatError::Xml {
            line: source.line(offset),
            problem: error.to_string(),
        })?;
        let key = attribute.key.local_name();
        if names.contains(&key.as_ref()) {
            return Ok(Some(attribute.value.into_owned()));
        }
    }
    Ok(None)
}
