//! Every value that cannot be shown honestly is refused with the name of its field.

use crate::explained;
use assay_report::explanation::{Explanation, ShapValues, render_html};

/// Spoils an explanation and returns what the refusal says.
fn refusal(of_image: bool, spoil: impl FnOnce(&mut Explanation)) -> String {
    let mut explanation = if of_image {
        explained::of_image(64)
    } else {
        explained::without_image()
    };
    explanation.check().unwrap();
    spoil(&mut explanation);
    let message = explanation.check().unwrap_err().to_string();
    assert_eq!(render_html(&explanation).unwrap_err().to_string(), message);
    message
}

#[track_caller]
fn refused(of_image: bool, field: &str, spoil: impl FnOnce(&mut Explanation)) {
    let message = refusal(of_image, spoil);
    assert!(message.contains(field), "{field}: {message}");
}

#[test]
fn answers() {
    refused(false, "version", |e| e.version = 9);
    refused(false, "verdict.classes[3].probability", |e| {
        e.verdict.classes[3].probability = f64::NAN;
    });
    refused(false, "verdict.classes[1].logit", |e| {
        e.verdict.classes[1].logit = f64::INFINITY;
    });
    refused(false, "verdict.classes.probability (sum)", |e| {
        e.verdict.classes[0].probability = 0.5;
    });
    refused(false, "verdict.classes[1].class", |e| {
        e.verdict.classes[1].class = "Coal".into();
    });
    refused(false, "verdict.nearest_class", |e| {
        e.verdict.nearest_class = "Gold".into();
    });
    refused(false, "explained_class", |e| {
        e.explained_class = "UNKNOWN".into();
    });
    refused(false, "verdict.label", |e| {
        e.verdict.label = "UNKNOWN".into()
    });
    refused(false, "verdict.gate", |e| {
        e.verdict.label = "UNKNOWN".into();
        e.verdict.gate = None;
    });
    refused(false, "gate_scores", |e| e.verdict.gate = None);
    refused(false, "gate_scores.scores[7]", |e| {
        e.gate_scores.as_mut().unwrap().scores[7] = f64::NAN;
    });
    refused(false, "verdict.gate.p_value", |e| {
        e.verdict.gate.as_mut().unwrap().p_value = Some(0.0);
    });
    let message = refusal(false, |e| e.verdict.gate.as_mut().unwrap().alpha = 1.0);
    assert!(message.contains("verdict.gate.alpha is 1"), "{message}");
    assert!(message.contains("above 0 and below 1"), "{message}");
}

#[test]
fn spectra_importances_peaks_and_lines() {
    refused(false, "spectrum.counts (length)", |e| {
        e.spectrum.counts.truncate(1);
    });
    refused(false, "spectrum.counts[5]", |e| {
        e.spectrum.counts[5] = u64::MAX
    });
    refused(false, "spectrum.calibration.slope_kev", |e| {
        e.spectrum.calibration.slope_kev = -0.7;
    });
    refused(false, "spectrum.calibration.slope_kev", |e| {
        e.spectrum.calibration.quadratic_kev = -1.0;
    });
    refused(false, "spectrum.live_time_s", |e| {
        e.spectrum.live_time_s = Some(-1.0);
    });
    refused(false, "importance.step_kev", |e| {
        e.importance.as_mut().unwrap().step_kev = 0.0;
    });
    refused(false, "importance.values[2]", |e| {
        e.importance.as_mut().unwrap().values[2] = f32::NAN;
    });
    refused(false, "importance.values", |e| {
        e.importance.as_mut().unwrap().values.clear();
    });
    refused(false, "importance.cell_width_kev", |e| {
        e.importance.as_mut().unwrap().cell_width_kev = Some(f64::NAN);
    });
    refused(false, "peaks.peaks[2].fwhm_kev", |e| {
        e.peaks.as_mut().unwrap().peaks[2].fwhm_kev = Some(0.0);
    });
    refused(false, "peaks.peaks[2].net_area_sigma", |e| {
        e.peaks.as_mut().unwrap().peaks[2].net_area_sigma = -1.0;
    });
    refused(false, "peaks.peaks[0].gate_change", |e| {
        e.peaks.as_mut().unwrap().peaks[0].gate_change = Some(f64::NAN);
    });
    refused(false, "peaks.peaks (length)", |e| {
        let peaks = &mut e.peaks.as_mut().unwrap().peaks;
        *peaks = vec![peaks[0].clone(); 1001];
    });
    refused(false, "element_lines.lines (length)", |e| {
        let lines = &mut e.element_lines[0].lines;
        *lines = vec![lines[0]; 5001];
    });
    refused(false, "element_lines[0].lines[0].relative_strength", |e| {
        e.element_lines[0].lines[0].relative_strength = 1.5;
    });
    refused(false, "element_lines[1].lines[0].energy_kev", |e| {
        e.element_lines[1].lines[0].energy_kev = 0.0;
    });
}

#[test]
fn images_and_shapley_values() {
    refused(true, "image.high_kev", |e| {
        e.image.as_mut().unwrap().high_kev = 0.0;
    });
    refused(true, "image.pixels.levels", |e| {
        e.image.as_mut().unwrap().pixels.levels.pop();
    });
    refused(true, "image.pixels.levels[3]", |e| {
        e.image.as_mut().unwrap().pixels.levels[3] = 255;
    });
    refused(true, "image.pixels.block", |e| {
        e.image.as_mut().unwrap().pixels.block = 0;
    });
    refused(true, "image.pixels.block", |e| {
        e.image.as_mut().unwrap().pixels.source_side = 2631;
    });
    refused(true, "image.map.values[9]", |e| {
        e.image.as_mut().unwrap().map.as_mut().unwrap().values[9] = f32::NAN;
    });
    refused(true, "image.map.values", |e| {
        e.image.as_mut().unwrap().map.as_mut().unwrap().side = 15;
    });
    refused(true, "shap.classes (length)", |e| {
        e.shap.as_mut().unwrap().classes.clear();
    });
    refused(true, "shap.classes[1].output", |e| {
        e.shap.as_mut().unwrap().classes[1].output += 0.1;
    });
    refused(true, "shap.classes[2].class", |e| {
        e.shap.as_mut().unwrap().classes[2].class = "Gold".into();
    });
    refused(true, "shap.values.image.rasters", |e| {
        if let ShapValues::Image { rasters, .. } = &mut e.shap.as_mut().unwrap().values {
            rasters.pop();
        }
    });
    refused(true, "shap.values.image.rasters[1].low", |e| {
        if let ShapValues::Image { rasters, .. } = &mut e.shap.as_mut().unwrap().values {
            rasters[1].high *= 2.0;
        }
    });
    refused(true, "shap.values.image.blocks", |e| {
        if let ShapValues::Image { blocks, .. } = &mut e.shap.as_mut().unwrap().values {
            blocks.pop();
        }
    });
    refused(true, "shap.values.image.blocks[2].row_kev", |e| {
        if let ShapValues::Image { blocks, .. } = &mut e.shap.as_mut().unwrap().values {
            blocks[2].row_kev.1 = blocks[2].row_kev.0;
        }
    });
    refused(true, "shap.values.image.blocks[1].values", |e| {
        if let ShapValues::Image { blocks, .. } = &mut e.shap.as_mut().unwrap().values {
            blocks[1].values.pop();
        }
    });
    refused(false, "shap.values.segments.values[0]", |e| {
        if let ShapValues::Segments { values, .. } = &mut e.shap.as_mut().unwrap().values {
            values[0][0] += 1.0;
        }
    });
    refused(false, "shap.values.segments.edges_kev[4]", |e| {
        if let ShapValues::Segments { edges_kev, .. } = &mut e.shap.as_mut().unwrap().values {
            edges_kev[4] = 0.0;
        }
    });
}
