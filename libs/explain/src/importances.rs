//! One importance per energy bin.

use crate::{
    ExplainError,
    cam::{ClassMap, Method, check_origin},
    reduce::{Reduction, condense, interpolate, relative},
};
use assay_core::ClassLabel;
use assay_infer::MappedFeatures;
use assay_pipeline::Bundle;
use serde::{Deserialize, Serialize};

/// How importances are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CamSettings {
    /// Gradient and activation.
    pub method: Method,
    /// Rows of the map of an image.
    pub reduction: Reduction,
}

/// What each energy bin did for one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importances {
    /// Index of the class.
    pub class: usize,
    /// The class.
    pub label: ClassLabel,
    /// Energy of each bin's centre in keV, rising in equal steps.
    pub energy_kev: Vec<f64>,
    /// Width of a bin in keV.
    pub bin_width_kev: f64,
    /// Signed: positive speaks for the class, negative against it, in units of the logit per
    /// position of the map.
    pub importance: Vec<f32>,
    /// The published form, 0 to 1: negative parts of the map are cut off and the rest is divided
    /// by its maximum before the map is reduced. All zeros where nothing speaks for the class.
    pub relative: Vec<f32>,
}

/// Importances for one class from a feature map and its features.
///
/// For a network on input vectors the map is a line already. The map of an image is made
/// symmetric, `(M + Mᵀ)/2`, since rows and columns are the same energies, and reduced to its
/// columns' mean (or maximum). The line is then interpolated to the bins with aligned ends: its
/// first and last position stand at the first and last bin. One position covers many bins, so
/// this shows regions, not peaks.
///
/// # Shapes
/// Both vectors of importances are `[recipe.bins()]`.
///
/// # Errors
/// When the class does not exist; when the features do not come from the map by pooling or
/// flattening; when the method does not suit the head; when a value is not finite.
///
/// # Source
/// PyChemAuth, `CAMBaseModel.importances(dim=1)`, which has the relative form only.
pub fn class_importances(
    bundle: &Bundle,
    mapped: &MappedFeatures,
    class: usize,
    settings: CamSettings,
) -> Result<Importances, ExplainError> {
    let map = class_map(bundle, mapped, class, settings.method)?;
    map_importances(bundle, &map, class, settings.reduction)
}

/// The map of one class, not made symmetric, from a feature map and its features.
///
/// # Shapes
/// `[height, width]`, or `[length]` for a network on input vectors.
///
/// # Errors
/// As [`class_importances`].
pub fn class_map(
    bundle: &Bundle,
    mapped: &MappedFeatures,
    class: usize,
    method: Method,
) -> Result<ClassMap, ExplainError> {
    let map = mapped.map.view();
    let signed = ClassMap::new(map.clone(), bundle.head(), class, method)?;
    check_origin(&mapped.features, &map)?;
    Ok(signed)
}

/// The importances that a map of [`class_map`] stands for.
///
/// # Errors
/// When the class does not exist, or the map of an image is not square.
pub fn map_importances(
    bundle: &Bundle,
    map: &ClassMap,
    class: usize,
    reduction: Reduction,
) -> Result<Importances, ExplainError> {
    let signed = map.symmetric()?;
    let contents = bundle.contents();
    let classes = contents.classes.len();
    let label = contents.classes.get(class);
    let label = label.ok_or(ExplainError::Class { class, classes })?.clone();
    let recipe = &contents.recipe;
    let per_bin = |map: &ClassMap| -> Vec<f32> {
        let line = condense(map.values.view(), reduction);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "importances are stored as f32"
        )]
        interpolate(&line, recipe.bins())
            .into_iter()
            .map(|value| value as f32)
            .collect()
    };
    Ok(Importances {
        class,
        label,
        energy_kev: (0..recipe.bins())
            .map(|bin| recipe.energy_kev(bin))
            .collect(),
        bin_width_kev: recipe.grid.bin_width_kev(),
        importance: per_bin(&signed),
        relative: per_bin(&relative(&signed)),
    })
}
