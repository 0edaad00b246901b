//! Made-up explanations that look like measured ones: a spectrum with peaks near those of coal,
//! its image, a coarse map, Shapley values. Energies are for looking at, not for reference.

#![expect(clippy::unwrap_used, reason = "shared set-up of tests may panic")]

mod evidence;
mod measured;

use measured::{BIN_KEV, BINS, CALIBRATION, LINES, LOW_KEV, counts, field, segments};

use assay_report::Setting;
use assay_report::explanation::{
    ClassProbability, ElementLines, Explanation, FieldImage, GammaLine, GateScores, GateVerdict,
    MAX_SHOWN_SIDE, MeasuredSpectrum, Origin, Pooling, Raster, VERSION, Verdict,
};

/// A text that tries to break out of the page.
pub(crate) const HOSTILE: &str = "spe/</script><img src=x onerror=alert(1)>&\"'.SPE";

const CLASSES: [(&str, f64); 10] = [
    ("Coal", 0.962),
    ("Coke", 0.031),
    ("Biomass", 0.004_1),
    ("Lubricating Oil", 0.001_6),
    ("Concrete", 0.000_6),
    ("Dolomitic Limestone", 0.000_3),
    ("Steel", 0.000_2),
    ("Titanium Alloy", 0.000_1),
    ("Fuel Oil", 0.000_06),
    ("Forensic Glass", 0.000_04),
];

/// An accepted answer by a model on images of `side` pixels.
pub(crate) fn of_image(side: usize) -> Explanation {
    let mut explanation = without_image();
    let vector = segments(side);
    let high_kev = LOW_KEV + BIN_KEV * BINS as f64;
    explanation.image = Some(FieldImage {
        name: "Gramian angular difference field".into(),
        low_kev: LOW_KEV,
        high_kev,
        pixels: Raster::shrink(
            &field(&vector),
            side,
            MAX_SHOWN_SIDE,
            Pooling::Mean,
            Some((-1.0, 1.0)),
        )
        .unwrap(),
        map: Some(evidence::map(if side > 1000 { 82 } else { 16 })),
    });
    explanation.importance = Some(evidence::importance(explanation.image.as_ref().unwrap()));
    explanation.shap = Some(evidence::shap_image(side, LOW_KEV, high_kev));
    explanation.origin.bundle_name = format!("cnn2d at {side}, EfficientNet-Lite0");
    explanation
}

/// An accepted answer by a model on spectra.
pub(crate) fn without_image() -> Explanation {
    Explanation {
        version: VERSION,
        title: "jul1216_srm1632e_3.SPE".into(),
        verdict: verdict(),
        explained_class: "Coal".into(),
        origin: origin(),
        settings: [
            (
                "recipe",
                "4056 bins to 11.7 MeV, first 2631, natural logarithm",
            ),
            ("map", "HiResCAM, symmetric, mean of rows"),
            ("peaks", "taken out by a straight line under ±1.5 FWHM"),
            ("seed", "42"),
        ]
        .map(|(name, value)| Setting::new(name, value))
        .to_vec(),
        warnings: vec![
            "date \"05/14/2018 10:17:0\" is cut short; no start time is used".into(),
            "gain: the line of H at 2223.2 keV stands 0.4 keV too high".into(),
        ],
        spectrum: MeasuredSpectrum {
            counts: counts(),
            calibration: CALIBRATION,
            live_time_s: Some(14_231.4),
            real_time_s: Some(15_120.8),
        },
        importance: Some(evidence::line_importance(LOW_KEV, BIN_KEV, BINS)),
        peaks: Some(evidence::peaks()),
        element_lines: element_lines(),
        image: None,
        shap: Some(evidence::shap_segments(LOW_KEV, BIN_KEV * BINS as f64)),
        gate_scores: Some(GateScores {
            name: "training spectra, out of fold".into(),
            scores: (0..193).map(gate_score).collect(),
        }),
    }
}

/// The same spectrum refused.
pub(crate) fn refused(side: usize) -> Explanation {
    let mut explanation = of_image(side);
    explanation.verdict.label = "UNKNOWN".into();
    if let Some(gate) = &mut explanation.verdict.gate {
        gate.score = -14.83;
        gate.p_value = Some(1.0 / 194.0);
    }
    explanation
}

/// Nothing but counts and an answer without a gate, the counts of an empty detector but one.
pub(crate) fn bare() -> Explanation {
    let mut explanation = without_image();
    explanation.verdict.gate = None;
    explanation.importance = None;
    explanation.peaks = None;
    explanation.element_lines.clear();
    explanation.shap = None;
    explanation.gate_scores = None;
    explanation.warnings.clear();
    explanation.settings.clear();
    explanation.spectrum.counts.fill(0);
    explanation.spectrum.counts[100] = 1;
    explanation
}

/// Texts that try to break out, wherever a text can stand.
pub(crate) fn hostile() -> Explanation {
    let mut explanation = of_image(64);
    explanation.title = HOSTILE.into();
    explanation.verdict.label = HOSTILE.into();
    explanation.verdict.nearest_class = HOSTILE.into();
    explanation.explained_class = HOSTILE.into();
    explanation.verdict.classes[0].class = HOSTILE.into();
    explanation.origin.spectrum_file = HOSTILE.into();
    explanation.origin.versions[0].0 = HOSTILE.into();
    explanation.settings[0].name = HOSTILE.into();
    explanation.warnings[0] = HOSTILE.into();
    explanation.element_lines[0].element = HOSTILE.into();
    if let Some(peaks) = &mut explanation.peaks {
        peaks.method = HOSTILE.into();
        peaks.peaks[0].candidates = vec![HOSTILE.into()];
    }
    if let Some(shap) = &mut explanation.shap {
        shap.classes[0].class = HOSTILE.into();
        shap.method = HOSTILE.into();
        shap.output_name = HOSTILE.into();
    }
    if let Some(image) = &mut explanation.image {
        image.name = HOSTILE.into();
    }
    if let Some(scores) = &mut explanation.gate_scores {
        scores.name = HOSTILE.into();
    }
    explanation
}

fn verdict() -> Verdict {
    Verdict {
        label: "Coal".into(),
        nearest_class: "Coal".into(),
        gate: Some(GateVerdict {
            detector: "DIME, k = 50".into(),
            score: -1.913,
            threshold: -3.214,
            alpha: 0.02,
            p_value: Some(0.433),
            n_calibration: 193,
        }),
        classes: CLASSES
            .map(|(class, probability)| ClassProbability {
                class: class.into(),
                probability,
                logit: 8.15 + (probability / 0.962f64).ln(),
            })
            .to_vec(),
    }
}

fn origin() -> Origin {
    Origin {
        bundle_name: "cnn1d".into(),
        bundle_digest: "4f1c9a52e07b8d63".repeat(4),
        spectrum_file: "spe/coal/jul1216_srm1632e_3.SPE".into(),
        spectrum_digest: "b2906e1d77c3a845".repeat(4),
        method: "HiResCAM from the forward pass that answered".into(),
        created: Some("2026-01-15 10:42 UTC".into()),
        versions: vec![
            ("openassay".into(), "0.1.0".into()),
            ("ONNX Runtime".into(), "1.31.1".into()),
        ],
    }
}

/// Scores as a gate gives them: most near, a few far.
fn gate_score(i: usize) -> f64 {
    let place = (i as f64 + 0.5) / 193.0;
    -1.1 - 1.9 * place.powi(3) - 0.35 * wobble(i).abs() - if i > 189 { 1.1 } else { 0.0 }
}

fn element_lines() -> Vec<ElementLines> {
    let mut elements: Vec<ElementLines> = Vec::new();
    for (element, energy_kev, _, relative_strength) in LINES {
        let line = GammaLine {
            energy_kev,
            relative_strength,
        };
        match elements.iter_mut().find(|e| e.element == element) {
            Some(known) => known.lines.push(line),
            None => elements.push(ElementLines {
                element: element.into(),
                lines: vec![line],
            }),
        }
    }
    elements
}

/// A number in (−1, 1) that looks random.
pub(crate) fn wobble(i: usize) -> f64 {
    ((i as f64 * 0.618_033_988_75).fract() * 2.0 - 1.0) * 0.99
}
