//! The committed line tables: prompt and decay gamma-rays, captures, and the few other lines.

use crate::LinesError;
use crate::table::{Row, rows};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const PROMPT: &str = include_str!("../data/prompt_lines.csv");
const DECAY: &str = include_str!("../data/decay_lines.csv");
const CAPTURES: &str = include_str!("../data/captures.csv");
const OTHER: &str = include_str!("../data/other_lines.csv");

/// One prompt gamma-ray.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PromptLine {
    /// Photon energy.
    pub energy_kev: f64,
    /// Partial elemental cross-section at 2200 m/s.
    pub sigma_barn: f64,
    /// Its standard uncertainty.
    pub uncertainty_barn: f64,
}

/// One gamma-ray of an activation product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecayLine {
    /// Photon energy.
    pub energy_kev: f64,
    /// Elemental capture cross-section times photons per decay.
    pub sigma_barn: f64,
    /// Half-life of the product.
    pub half_life_s: f64,
    /// The product, such as `Al28`.
    pub product: &'static str,
}

/// Capture on one nuclide, and what of its energy no listed line carries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capture {
    /// Elemental capture cross-section of the nuclide.
    pub sigma_barn: f64,
    /// Energy released per capture.
    pub binding_kev: f64,
    /// Fraction of that energy in unresolved transitions.
    pub unlisted_fraction: f64,
}

/// Everything about one element.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ElementLines {
    /// Prompt gamma-rays.
    pub prompt: Vec<PromptLine>,
    /// Gamma-rays of activation products.
    pub decay: Vec<DecayLine>,
    /// Its nuclides.
    pub captures: Vec<Capture>,
}

/// Where a line comes from that is neither prompt nor decay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherKind {
    /// Emitted in flight by a recoiling nucleus; strength in barn.
    Doppler,
    /// Electron-positron annihilation.
    Annihilation,
    /// Fluorescence of the shield; strength in counts per count of the spectrum.
    XRay,
    /// Natural radioactivity; strength in counts per second.
    Ambient,
    /// Isomers made in the detector's own germanium.
    Detector,
}

/// One line of the small table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtherLine {
    /// Where it comes from.
    pub kind: OtherKind,
    /// Element, empty for annihilation.
    pub element: &'static str,
    /// Photon energy.
    pub energy_kev: f64,
    /// In the unit that belongs to the kind.
    pub strength: f64,
}

/// The tables, by element.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineLibrary {
    elements: BTreeMap<&'static str, ElementLines>,
    other: Vec<OtherLine>,
}

impl LineLibrary {
    /// The committed tables, read once per process.
    ///
    /// # Errors
    /// When a table does not read: file and line.
    ///
    /// # Source
    /// Named in the first lines of each table in `libs/lines/data`.
    pub fn embedded() -> Result<&'static Self, LinesError> {
        static LIBRARY: OnceLock<Result<LineLibrary, LinesError>> = OnceLock::new();
        LIBRARY
            .get_or_init(Self::read)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// The lines of an element.
    ///
    /// # Errors
    /// When the tables do not hold it.
    pub fn element(&self, symbol: &str) -> Result<&ElementLines, LinesError> {
        self.elements
            .get(symbol)
            .ok_or_else(|| LinesError::UnknownElement {
                element: symbol.to_owned(),
            })
    }

    /// Every element of the tables with its lines, by symbol.
    pub fn elements(&self) -> impl Iterator<Item = (&'static str, &ElementLines)> {
        self.elements.iter().map(|(&symbol, lines)| (symbol, lines))
    }

    /// The lines that belong to no capture.
    #[must_use]
    pub fn other(&self) -> &[OtherLine] {
        &self.other
    }

    fn read() -> Result<Self, LinesError> {
        let mut library = Self::default();
        for row in rows("captures.csv", CAPTURES, 5) {
            let row = row?;
            library.entry(&row).captures.push(Capture {
                sigma_barn: row.number(2)?,
                binding_kev: row.number(3)?,
                unlisted_fraction: row.number(4)?,
            });
        }
        for row in rows("prompt_lines.csv", PROMPT, 5) {
            let row = row?;
            library.entry(&row).prompt.push(PromptLine {
                energy_kev: row.number(2)?,
                sigma_barn: row.number(3)?,
                uncertainty_barn: row.number(4)?,
            });
        }
        for row in rows("decay_lines.csv", DECAY, 5) {
            let row = row?;
            library.entry(&row).decay.push(DecayLine {
                product: row.text(1),
                energy_kev: row.number(2)?,
                sigma_barn: row.number(3)?,
                half_life_s: row.number(4)?,
            });
        }
        for row in rows("other_lines.csv", OTHER, 4) {
            let row = row?;
            library.other.push(OtherLine {
                kind: kind(&row)?,
                element: row.text(1),
                energy_kev: row.number(2)?,
                strength: row.number(3)?,
            });
        }
        Ok(library)
    }

    fn entry(&mut self, row: &Row) -> &mut ElementLines {
        self.elements.entry(row.text(0)).or_default()
    }
}

fn kind(row: &Row) -> Result<OtherKind, LinesError> {
    match row.text(0) {
        "doppler" => Ok(OtherKind::Doppler),
        "annihilation" => Ok(OtherKind::Annihilation),
        "x_ray" => Ok(OtherKind::XRay),
        "ambient" => Ok(OtherKind::Ambient),
        "detector" => Ok(OtherKind::Detector),
        other => Err(row.error(format!("origin {other:?} is not known"))),
    }
}
