//! Made-up maps, importances, peaks and Shapley values.

use super::measured::{LINES, fwhm_kev};
use super::wobble;
use assay_report::explanation::{
    CellMap, EnergyImportance, FieldImage, MAX_SHAP_SIDE, Peak, PeakEvidence, Pooling, Raster,
    Shap, ShapBlock, ShapTotals, ShapValues,
};

/// A map that likes hydrogen and carbon and dislikes the range of calcium.
pub(super) fn map(side: usize) -> CellMap {
    let bump = |at: f64, centre: f64, width: f64| (-((at - centre) / width).powi(2)).exp();
    let taste = |i: usize| {
        let at = i as f64 / side as f64;
        1.2 * bump(at, 0.28, 0.05) + 0.8 * bump(at, 0.64, 0.07) + 0.5 * bump(at, 0.05, 0.04)
            - 0.7 * bump(at, 0.42, 0.06)
            - 0.3 * bump(at, 0.88, 0.08)
    };
    let values = (0..side * side)
        .map(|at| {
            let (row, column) = (at / side, at % side);
            let noise = 0.06 * wobble(row * 31 + column * 17);
            (0.5 * (taste(row) + taste(column)) + taste(row) * taste(column) + noise) as f32
        })
        .collect();
    CellMap { side, values }
}

pub(super) fn importance(image: &FieldImage) -> EnergyImportance {
    let map = image.map.as_ref().unwrap();
    let side = map.side;
    let line: Vec<f64> = (0..side)
        .map(|c| {
            let column = (0..side).map(|r| f64::from(map.values[r * side + c]));
            column.sum::<f64>() / side as f64
        })
        .collect();
    let bins = 2631;
    let step_kev = (image.high_kev - image.low_kev) / bins as f64;
    EnergyImportance {
        first_kev: image.low_kev + 0.5 * step_kev,
        step_kev,
        values: interpolated(&line, bins),
        unit: "logit per cell".into(),
        cell_width_kev: Some((image.high_kev - image.low_kev) / side as f64),
    }
}

pub(super) fn line_importance(low_kev: f64, step_kev: f64, bins: usize) -> EnergyImportance {
    let line: Vec<f64> = (0..10)
        .map(|i| f64::from(map(10).values[i * 11]) - 0.2)
        .collect();
    EnergyImportance {
        first_kev: low_kev + 0.5 * step_kev,
        step_kev,
        values: interpolated(&line, bins),
        unit: "logit per cell".into(),
        cell_width_kev: Some(step_kev * bins as f64 / 10.0),
    }
}

fn interpolated(line: &[f64], bins: usize) -> Vec<f32> {
    (0..bins)
        .map(|bin| {
            let at = bin as f64 / (bins - 1) as f64 * (line.len() - 1) as f64;
            let left = (at as usize).min(line.len() - 2);
            let share = at - left as f64;
            (line[left] * (1.0 - share) + line[left + 1] * share) as f32
        })
        .collect()
}

pub(super) fn peaks() -> PeakEvidence {
    let peaks = LINES
        .iter()
        .enumerate()
        .map(|(i, &(element, energy_kev, area, _))| {
            let likes = match element {
                "H" | "C" | "S" => 1.0,
                "Ca" | "Si" | "Cl" => -0.6,
                _ => 0.05,
            };
            let mut candidates = vec![format!("{element} {energy_kev:.1}")];
            if i % 5 == 3 {
                candidates.push(format!("Ti {:.1}", energy_kev + 0.9));
            }
            Peak {
                energy_kev: energy_kev + 0.2 * wobble(i),
                energy_sigma_kev: Some(0.02 + 40.0 / area),
                net_area: area * (1.0 + 0.01 * wobble(i + 5)),
                net_area_sigma: (area * 1.4).sqrt(),
                fwhm_kev: (i != 4).then(|| fwhm_kev(energy_kev)),
                candidates: if i == 11 { Vec::new() } else { candidates },
                logit_change: Some(-likes * (area / 1e4).ln() * (0.7 + 0.3 * wobble(i))),
                gate_change: (i % 7 != 6).then(|| -0.08 * likes - 0.05 * wobble(i + 3)),
                rescales_image: element == "H",
            }
        })
        .collect();
    PeakEvidence {
        method: "Each peak was replaced by its background in the counts, and the whole way from \
                 counts to answer was run again."
            .into(),
        peaks,
    }
}

const SHAP_CLASSES: [(&str, f64, f64); 4] = [
    ("Coal", -0.42, 8.15),
    ("Coke", -0.31, 4.71),
    ("Biomass", 0.12, 2.69),
    ("Lubricating Oil", -0.05, 1.75),
];

fn totals() -> Vec<ShapTotals> {
    SHAP_CLASSES
        .map(|(class, base, output)| ShapTotals {
            class: class.into(),
            base,
            sum: output - base,
            output,
        })
        .to_vec()
}

pub(super) fn shap_image(side: usize, low_kev: f64, high_kev: f64) -> Shap {
    // A partition explainer gives blocks: 32 of them per side here.
    let blocks = 32;
    let images: Vec<Vec<f32>> = SHAP_CLASSES
        .iter()
        .enumerate()
        .map(|(class, &(_, base, output))| {
            let value = |at: usize| {
                let (row, column) = (at / blocks, at % blocks);
                let near = |centre: f64| (-((row as f64 - centre) / 3.0).powi(2)).exp();
                wobble(at * 13 + class * 7 + column).powi(3) + 1.6 * near(9.0 + 3.0 * class as f64)
            };
            let raw: Vec<f64> = (0..blocks * blocks).map(value).collect();
            let scale = (output - base) / raw.iter().sum::<f64>();
            let pixels = (side as f64 / blocks as f64).powi(2);
            (0..side * side)
                .map(|at| {
                    let (row, column) = (at / side * blocks / side, at % side * blocks / side);
                    (raw[row * blocks + column] * scale / pixels) as f32
                })
                .collect()
        })
        .collect();
    let block = (side.div_ceil(MAX_SHAP_SIDE)).pow(2) as f64;
    let largest = images
        .iter()
        .flatten()
        .fold(0.0f64, |m, v| m.max(f64::from(v.abs())))
        * block;
    let raster = |values: &Vec<f32>| {
        Raster::shrink(
            values,
            side,
            MAX_SHAP_SIDE,
            Pooling::Sum,
            Some((-largest, largest)),
        )
        .unwrap()
    };
    Shap {
        method: "partition explainer, blur masker".into(),
        model_rows: 4 * 500,
        output_name: "logit".into(),
        classes: totals(),
        values: ShapValues::Image {
            low_kev,
            high_kev,
            rasters: images.iter().map(raster).collect(),
            blocks: quarters(low_kev, high_kev),
        },
    }
}

/// Four blocks, each with a quarter of every class's sum.
fn quarters(low_kev: f64, high_kev: f64) -> Vec<ShapBlock> {
    let middle = 0.5 * (low_kev + high_kev);
    let halves = [(low_kev, middle), (middle, high_kev)];
    let quarter = totals().into_iter().map(|totals| totals.sum / 4.0);
    let values: Vec<f64> = quarter.collect();
    let of_row = |row_kev| {
        halves.map(|column_kev| ShapBlock {
            row_kev,
            column_kev,
            values: values.clone(),
        })
    };
    halves.into_iter().flat_map(of_row).collect()
}

pub(super) fn shap_segments(low_kev: f64, width_kev: f64) -> Shap {
    let segments = 48;
    let values = SHAP_CLASSES
        .iter()
        .enumerate()
        .map(|(class, &(_, base, output))| {
            let raw: Vec<f64> = (0..segments)
                .map(|i| wobble(i * 5 + class * 11).powi(3) + if i == 13 { 2.0 } else { 0.12 })
                .collect();
            let missing = output - base - raw.iter().sum::<f64>();
            raw.iter().map(|v| v + missing / segments as f64).collect()
        })
        .collect();
    Shap {
        method: "partition explainer, blur masker".into(),
        model_rows: 2000,
        output_name: "logit".into(),
        classes: totals(),
        values: ShapValues::Segments {
            edges_kev: (0..=segments)
                .map(|i| low_kev + width_kev * i as f64 / segments as f64)
                .collect(),
            values,
        },
    }
}
