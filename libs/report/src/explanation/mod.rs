//! Why a spectrum got its answer: the content of an explanation page as plain values, the page,
//! its tables and its figures. Nothing here explains: callers fill an [`Explanation`].

mod check;
mod figure;
mod image;
mod page;
mod peaks;
mod raster;
mod shap;
mod spectrum;
mod store;
mod tables;
mod verdict;
mod words;

pub use crate::drawing::Drawing;
pub use figure::{image_figure, spectrum_figure};
pub use image::{CellMap, FieldImage};
pub use page::render_html;
pub use peaks::{ElementLines, GammaLine, Peak, PeakEvidence};
pub use raster::{MAX_SHAP_SIDE, MAX_SHOWN_SIDE, Pooling, Raster};
pub use shap::{MAX_SHAP_CLASSES, Shap, ShapBlock, ShapTotals, ShapValues};
pub use spectrum::{Calibration, EnergyImportance, MeasuredSpectrum};
pub use tables::{CsvTable, csv_tables};
pub use verdict::{ClassProbability, GateScores, GateVerdict, Verdict};

use crate::report::Setting;
use serde::{Deserialize, Serialize};

/// Version of the JSON layout that this crate writes and reads.
pub const VERSION: u32 = 1;

/// Everything an explanation page shows. Parts without content are left out of the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Layout version, [`VERSION`].
    pub version: u32,
    /// What was measured, such as the file name.
    pub title: String,
    /// The answer.
    pub verdict: Verdict,
    /// The class whose evidence is shown, one of the verdict's classes.
    pub explained_class: String,
    /// Where model and spectrum come from.
    pub origin: Origin,
    /// Every choice that shaped the explanation, in reading order.
    pub settings: Vec<Setting>,
    /// Warnings of the reader and of the checks, such as a drift of the gain.
    pub warnings: Vec<String>,
    /// The spectrum as measured.
    pub spectrum: MeasuredSpectrum,
    /// What each energy did for the explained class.
    pub importance: Option<EnergyImportance>,
    /// What single peaks did.
    pub peaks: Option<PeakEvidence>,
    /// Lines of elements that a reader can lay over the spectrum.
    pub element_lines: Vec<ElementLines>,
    /// The image that the model saw; models on spectra have none.
    pub image: Option<FieldImage>,
    /// Shapley values of the most probable classes.
    pub shap: Option<Shap>,
    /// Scores that the gate's threshold was taken from.
    pub gate_scores: Option<GateScores>,
}

/// Where model, spectrum and explanation come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Name of the bundle, such as `cnn2d at 512`.
    pub bundle_name: String,
    /// Content digest that names the bundle.
    pub bundle_digest: String,
    /// File that the spectrum was read from.
    pub spectrum_file: String,
    /// Content digest that names the spectrum.
    pub spectrum_digest: String,
    /// How the explanation was made, such as "HiResCAM, symmetric, mean of rows".
    pub method: String,
    /// When the explanation was made, as text.
    pub created: Option<String>,
    /// Name and version of the software involved.
    pub versions: Vec<(String, String)>,
}
