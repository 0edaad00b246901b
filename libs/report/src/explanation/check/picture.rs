//! Checks of images, maps and Shapley values.

use super::{fits, rising};
use crate::ReportError;
use crate::check::{finite, inconsistent};
use crate::explanation::raster::TOP_LEVEL;
use crate::explanation::{
    FieldImage, MAX_SHAP_CLASSES, MAX_SHAP_SIDE, MAX_SHOWN_SIDE, Raster, Shap, ShapBlock,
    ShapTotals, ShapValues, Verdict,
};

/// How far base + sum may be from the output, as a part of it; models answer in single precision.
const ADDITIVITY_TOLERANCE: f64 = 1e-3;

pub(super) fn check_image(image: &FieldImage) -> Result<(), ReportError> {
    rising("image", image.low_kev, image.high_kev)?;
    check_raster("image.pixels", &image.pixels, MAX_SHOWN_SIDE)?;
    let Some(map) = &image.map else {
        return Ok(());
    };
    if map.side == 0 || map.side > MAX_SHOWN_SIDE || map.values.len() != map.side * map.side {
        return Err(inconsistent(
            "image.map.values".into(),
            format!(
                "{} values for {} cells per side; side is 1 to {MAX_SHOWN_SIDE}",
                map.values.len(),
                map.side
            ),
        ));
    }
    for (i, &value) in map.values.iter().enumerate() {
        finite(format!("image.map.values[{i}]"), f64::from(value))?;
    }
    Ok(())
}

fn check_raster(at: &str, raster: &Raster, max_side: usize) -> Result<(), ReportError> {
    finite(format!("{at}.low"), raster.low)?;
    let rises = raster.high > raster.low;
    fits(format!("{at}.high"), raster.high, rises, "above low")?;
    let side = raster.side();
    if raster.block == 0 || side == 0 || side > max_side {
        return Err(inconsistent(
            format!("{at}.block"),
            format!(
                "blocks of {} of {} pixels give a side of {side}; it must be 1 to {max_side}",
                raster.block, raster.source_side
            ),
        ));
    }
    if raster.levels.len() != side * side {
        return Err(inconsistent(
            format!("{at}.levels"),
            format!("{} levels for {side} × {side} pixels", raster.levels.len()),
        ));
    }
    match raster.levels.iter().position(|&level| level > TOP_LEVEL) {
        None => Ok(()),
        Some(i) => Err(ReportError::OutOfRange {
            field: format!("{at}.levels[{i}]"),
            value: f64::from(raster.levels[i]),
            allowed: "0 to 254",
        }),
    }
}

pub(super) fn check_shap(shap: &Shap, verdict: &Verdict) -> Result<(), ReportError> {
    let classes = shap.classes.len();
    if !(1..=MAX_SHAP_CLASSES).contains(&classes) {
        return Err(ReportError::OutOfRange {
            field: "shap.classes (length)".into(),
            value: classes as f64,
            allowed: "1 to 4",
        });
    }
    for (i, totals) in shap.classes.iter().enumerate() {
        check_totals(&format!("shap.classes[{i}]"), totals)?;
        if !verdict.classes.iter().any(|c| c.class == totals.class) {
            return Err(inconsistent(
                format!("shap.classes[{i}].class"),
                format!("\"{}\" is none of verdict.classes", totals.class),
            ));
        }
    }
    match &shap.values {
        ShapValues::Image {
            low_kev,
            high_kev,
            rasters,
            blocks,
        } => {
            rising("shap.values.image", *low_kev, *high_kev)?;
            one_per_class("shap.values.image.rasters", rasters.len(), classes)?;
            check_rasters(rasters)?;
            check_blocks(blocks, &shap.classes)
        }
        ShapValues::Segments { edges_kev, values } => {
            one_per_class("shap.values.segments.values", values.len(), classes)?;
            check_segments(edges_kev, values, &shap.classes)
        }
    }
}

fn check_totals(at: &str, totals: &ShapTotals) -> Result<(), ReportError> {
    finite(format!("{at}.base"), totals.base)?;
    finite(format!("{at}.sum"), totals.sum)?;
    finite(format!("{at}.output"), totals.output)?;
    let off = (totals.base + totals.sum - totals.output).abs();
    if off <= tolerance(totals) {
        return Ok(());
    }
    Err(inconsistent(
        format!("{at}.output"),
        format!(
            "base {} and sum {} do not add up to {}",
            totals.base, totals.sum, totals.output
        ),
    ))
}

fn tolerance(totals: &ShapTotals) -> f64 {
    ADDITIVITY_TOLERANCE * totals.base.abs().max(totals.output.abs()).max(1e-3)
}

fn one_per_class(field: &str, found: usize, classes: usize) -> Result<(), ReportError> {
    if found == classes {
        return Ok(());
    }
    Err(inconsistent(
        field.into(),
        format!("{found} entries for {classes} classes"),
    ))
}

/// One colour scale holds for all classes, so their ranges are one, with zero in its middle.
fn check_rasters(rasters: &[Raster]) -> Result<(), ReportError> {
    for (i, raster) in rasters.iter().enumerate() {
        let at = format!("shap.values.image.rasters[{i}]");
        check_raster(&at, raster, MAX_SHAP_SIDE)?;
        let shared = raster.high == rasters[0].high && raster.low == -rasters[0].high;
        if !shared {
            return Err(inconsistent(
                format!("{at}.low"),
                format!(
                    "range {} to {}, but all classes share one range −m to m (here m = {})",
                    raster.low, raster.high, rasters[0].high
                ),
            ));
        }
    }
    Ok(())
}

fn check_blocks(blocks: &[ShapBlock], classes: &[ShapTotals]) -> Result<(), ReportError> {
    let mut sums = vec![0.0; classes.len()];
    for (i, block) in blocks.iter().enumerate() {
        let at = format!("shap.values.image.blocks[{i}]");
        rising(&format!("{at}.row_kev"), block.row_kev.0, block.row_kev.1)?;
        let (from, to) = block.column_kev;
        rising(&format!("{at}.column_kev"), from, to)?;
        one_per_class(&format!("{at}.values"), block.values.len(), classes.len())?;
        for (j, (&value, sum)) in block.values.iter().zip(&mut sums).enumerate() {
            finite(format!("{at}.values[{j}]"), value)?;
            *sum += value;
        }
    }
    for (sum, totals) in sums.iter().zip(classes) {
        if !blocks.is_empty() && (sum - totals.sum).abs() > tolerance(totals) {
            return Err(inconsistent(
                "shap.values.image.blocks".into(),
                format!(
                    "for {} they add up to {sum}, not to sum {}",
                    totals.class, totals.sum
                ),
            ));
        }
    }
    Ok(())
}

fn check_segments(
    edges_kev: &[f64],
    values: &[Vec<f64>],
    classes: &[ShapTotals],
) -> Result<(), ReportError> {
    for (i, &edge) in edges_kev.iter().enumerate() {
        let field = format!("shap.values.segments.edges_kev[{i}]");
        let rises = i == 0 || edge > edges_kev[i - 1];
        fits(field, edge, rises, "above the edge before it")?;
    }
    for (i, (values, totals)) in values.iter().zip(classes).enumerate() {
        let at = format!("shap.values.segments.values[{i}]");
        if values.is_empty() || values.len() + 1 != edges_kev.len() {
            return Err(inconsistent(
                at,
                format!("{} values for {} edges", values.len(), edges_kev.len()),
            ));
        }
        for (j, &value) in values.iter().enumerate() {
            finite(format!("{at}[{j}]"), value)?;
        }
        let sum: f64 = values.iter().sum();
        if (sum - totals.sum).abs() > tolerance(totals) {
            return Err(inconsistent(
                at,
                format!("they add up to {sum}, not to sum {}", totals.sum),
            ));
        }
    }
    Ok(())
}
