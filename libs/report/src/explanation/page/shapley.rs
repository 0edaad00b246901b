//! Shapley values as the template shows them.

use crate::explanation::{Shap, words};

/// One class.
pub(super) struct ShapClass<'a> {
    pub(super) class: &'a str,
    /// Base, sum and output in words.
    pub(super) totals: String,
}

pub(super) fn classes(shap: &Shap) -> Vec<ShapClass<'_>> {
    let classes = shap.classes.iter().map(|totals| ShapClass {
        class: &totals.class,
        totals: words::additivity(totals, &shap.output_name),
    });
    classes.collect()
}
