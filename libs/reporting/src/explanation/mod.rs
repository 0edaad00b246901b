//! From an explained answer to the content of its page.

mod evidence;
mod image;
mod lines;
mod shapley;

pub use shapley::ShapleyParts;

use crate::words;
use assay_core::{Classified, ErrorKind, UNKNOWN};
use assay_explain::{
    CamSettings, ClassMap, ExplainError, Importances, Method, PeakEvidence, Reduction,
};
use assay_pipeline::{Answer, Judge, Prepared};
use assay_report::{
    ReportError, Setting,
    explanation::{
        Calibration, ClassProbability, EnergyImportance, Explanation, GateScores, GateVerdict,
        MeasuredSpectrum, Origin, VERSION, Verdict,
    },
};

/// Everything that is known about one answer. Parts that were not asked for are absent.
#[derive(Debug, Clone, Copy)]
pub struct ExplanationParts<'a> {
    /// The model with its gate.
    pub judge: &'a Judge,
    /// The spectrum.
    pub prepared: &'a Prepared,
    /// Name of its file, for people.
    pub file: &'a str,
    /// The answer.
    pub answer: &'a Answer,
    /// Logit of every class.
    pub logits: &'a [f32],
    /// Index of the class that is explained.
    pub class: usize,
    /// The class activation map and what it says of each energy.
    pub activation: Option<Activation<'a>>,
    /// What peaks are worth.
    pub peaks: Option<&'a PeakEvidence>,
    /// Shapley values.
    pub shapley: Option<ShapleyParts<'a>>,
    /// When the explanation was made, such as `2026-01-15 10:42 UTC`.
    pub created: Option<&'a str>,
}

/// A class activation map with its importances.
#[derive(Debug, Clone, Copy)]
pub struct Activation<'a> {
    /// How it was made.
    pub settings: CamSettings,
    /// The map, symmetric where it is one of an image.
    pub map: &'a ClassMap,
    /// What it says of each energy.
    pub importances: &'a Importances,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// What is explained cannot be put into a page.
    #[error(transparent)]
    Explain(#[from] ExplainError),
    /// The content does not fit together.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The table of lines cannot be read.
    #[error(transparent)]
    Lines(#[from] assay_lines::LinesError),
    /// The image cannot be made.
    #[error(transparent)]
    Image(#[from] assay_gramian::GramianError),
}

impl Classified for ContentError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Explain(error) => error.kind(),
            Self::Report(error) => error.kind(),
            Self::Lines(error) => error.kind(),
            Self::Image(error) => error.kind(),
        }
    }
}

/// The content of the page about one answer.
///
/// # Errors
/// When a part does not belong to the others, or a value is not finite.
pub fn explanation(parts: &ExplanationParts<'_>) -> Result<Explanation, ContentError> {
    let contents = parts.judge.bundle().contents();
    let classes = &contents.classes;
    let class = classes.get(parts.class).ok_or(ExplainError::Class {
        class: parts.class,
        classes: classes.len(),
    })?;
    let warnings = parts.answer.warnings.iter();
    let explanation = Explanation {
        version: VERSION,
        title: parts.file.to_owned(),
        verdict: verdict(parts),
        explained_class: class.to_string(),
        origin: origin(parts),
        settings: settings(parts),
        warnings: warnings.map(|warning| warning.message.clone()).collect(),
        spectrum: spectrum(parts.prepared),
        importance: parts.activation.map(|activation| importance(&activation)),
        peaks: parts.peaks.map(evidence::peaks),
        element_lines: lines::of_elements(contents.recipe.energy_range_kev())?,
        image: image::field_image(parts)?,
        shap: parts
            .shapley
            .as_ref()
            .map(|shapley| shapley.content(classes))
            .transpose()?,
        gate_scores: Some(GateScores {
            name: words::calibration_scores(&contents.gate.rule).to_owned(),
            scores: parts.judge.bundle().gate().calibration_scores().to_vec(),
        }),
    };
    explanation.check()?;
    Ok(explanation)
}

fn verdict(parts: &ExplanationParts<'_>) -> Verdict {
    let (answer, gate) = (parts.answer, &parts.answer.gate);
    let record = &parts.judge.bundle().contents().gate;
    let label = answer.label.as_ref();
    let classes = answer.class_probabilities.iter().zip(parts.logits);
    Verdict {
        label: label.map_or_else(|| UNKNOWN.to_owned(), ToString::to_string),
        nearest_class: answer.closed_set_label.to_string(),
        gate: Some(GateVerdict {
            detector: words::detector(&record.detector),
            score: gate.score,
            threshold: gate.threshold,
            alpha: record.alpha,
            p_value: Some(gate.p_value),
            n_calibration: gate.n,
        }),
        classes: classes
            .map(|(class, &logit)| ClassProbability {
                class: class.label.to_string(),
                probability: f64::from(class.probability),
                logit: f64::from(logit),
            })
            .collect(),
    }
}

fn origin(parts: &ExplanationParts<'_>) -> Origin {
    let bundle = parts.judge.bundle();
    let contents = bundle.contents();
    Origin {
        bundle_name: match contents.model.imaging() {
            Some(imaging) => format!("{} at {}", contents.model.name(), imaging.size),
            None => contents.model.name().to_owned(),
        },
        bundle_digest: bundle.id().to_string(),
        spectrum_file: parts.file.to_owned(),
        spectrum_digest: parts.prepared.digest().to_string(),
        method: method(parts),
        created: parts.created.map(str::to_owned),
        versions: vec![
            ("openassay".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("features".to_owned(), contents.versions.engine.clone()),
            ("training".to_owned(), contents.versions.trainer.clone()),
        ],
    }
}

/// What explains, in one line.
fn method(parts: &ExplanationParts<'_>) -> String {
    let mut methods = Vec::new();
    if let Some(activation) = &parts.activation {
        methods.push(style(activation.settings.method).to_owned());
    }
    if parts.peaks.is_some() {
        methods.push("peaks taken out one by one".to_owned());
    }
    if let Some(shapley) = &parts.shapley {
        methods.push(shapley.method.to_owned());
    }
    methods.join("; ")
}

const fn style(method: Method) -> &'static str {
    match method {
        Method::HiRes => "HiResCAM",
        Method::Grad => "Grad-CAM",
    }
}

fn settings(parts: &ExplanationParts<'_>) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut add = |name: &str, value: String, meaning: &str| {
        settings.push(Setting {
            name: name.to_owned(),
            value,
            meaning: Some(meaning.to_owned()),
        });
    };
    if let Some(activation) = &parts.activation {
        add(
            "class activation map",
            style(activation.settings.method).to_owned(),
            "gradient times activation of the last feature map, from the run that answered",
        );
        if parts.judge.bundle().contents().model.imaging().is_some() {
            let reduction = match activation.settings.reduction {
                Reduction::Mean => "mean",
                Reduction::Max => "maximum",
            };
            add(
                "importance of an energy",
                format!("{reduction} over the rows of the symmetric map"),
                "rows and columns of the image are the same energies",
            );
        }
    }
    if let Some(peaks) = parts.peaks {
        let tested = peaks.peaks.iter().filter(|peak| peak.without.is_some());
        add(
            "peaks",
            format!("{} found, {} taken out", peaks.peaks.len(), tested.count()),
            "each replaced by the fitted continuum beneath it; then the whole way again",
        );
    }
    if let Some(shapley) = &parts.shapley {
        add(
            "Shapley values",
            shapley.method.to_owned(),
            "what parts of the input add to the output, over orders of a binary partition",
        );
    }
    settings
}

fn spectrum(prepared: &Prepared) -> MeasuredSpectrum {
    let spectrum = prepared.spectrum();
    // Channels before the first measured one hold nothing.
    let before = std::iter::repeat_n(0, spectrum.first_channel as usize);
    let calibration = spectrum.calibration.as_ref();
    MeasuredSpectrum {
        counts: before.chain(spectrum.counts.iter().copied()).collect(),
        calibration: Calibration {
            intercept_kev: calibration.map_or(0.0, |c| c.intercept_kev),
            slope_kev: calibration.map_or(1.0, |c| c.slope_kev_per_channel),
            quadratic_kev: calibration.map_or(0.0, |c| c.quadratic_kev_per_channel2),
        },
        live_time_s: spectrum.live_time_s,
        real_time_s: spectrum.real_time_s,
    }
}

fn importance(activation: &Activation<'_>) -> EnergyImportance {
    let Importances {
        energy_kev,
        bin_width_kev,
        importance,
        ..
    } = activation.importances;
    let cells = activation.map.values.shape().last().copied();
    let range_kev = bin_width_kev * importance.len() as f64;
    EnergyImportance {
        first_kev: energy_kev.first().copied().unwrap_or_default(),
        step_kev: *bin_width_kev,
        values: importance.clone(),
        unit: "logit per cell".to_owned(),
        cell_width_kev: cells.map(|cells| range_kev / cells.max(1) as f64),
    }
}
