//! The image that the model saw, with its class activation map.

use super::{ContentError, ExplanationParts};
use assay_gramian::Field;
use assay_report::explanation::{CellMap, FieldImage, MAX_SHOWN_SIDE, Pooling, Raster};

/// The image of a spectrum; none for a model that makes none.
pub(super) fn field_image(
    parts: &ExplanationParts<'_>,
) -> Result<Option<FieldImage>, ContentError> {
    let contents = parts.judge.bundle().contents();
    let Some(imaging) = contents.model.imaging() else {
        return Ok(None);
    };
    let vector = parts.prepared.vector().iter().copied();
    let vector: Vec<f64> = vector.map(f64::from).collect();
    let image = imaging.image_f32(&vector)?;
    let side = imaging.size;
    let pixels: Vec<f32> = image.into_iter().collect();
    let (low_kev, high_kev) = contents.recipe.energy_range_kev();
    let name = match imaging.field {
        Field::Difference => "Gramian angular difference field",
        Field::Summation => "Gramian angular summation field",
    };
    let map = parts.activation.and_then(|activation| {
        let values = &activation.map.values;
        let square = values.ndim() == 2;
        square.then(|| CellMap {
            side: values.shape()[0],
            values: values.iter().copied().collect(),
        })
    });
    Ok(Some(FieldImage {
        name: name.to_owned(),
        low_kev,
        high_kev,
        pixels: Raster::shrink(
            &pixels,
            side,
            MAX_SHOWN_SIDE,
            Pooling::Mean,
            Some((-1.0, 1.0)),
        )?,
        map,
    }))
}
