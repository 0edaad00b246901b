//! What was found, of either sort.

use super::{image_values::ImageValues, segments::SegmentValues};
use assay_core::ClassLabel;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub enum ShapleyValues {
    /// Ranges of energy.
    Energies(SegmentValues),
    /// Blocks of pixels.
    Image(ImageValues),
}

/// What the parts of an input add to the logit of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassValues {
    /// The class.
    pub label: String,
    /// Logit with everything hidden.
    pub base: f64,
    /// Logit of the input itself: base and values add up to it.
    pub logit: f64,
    /// One value per range or block.
    pub values: Vec<f64>,
}

impl ShapleyValues {
    /// Runs of the network.
    #[must_use]
    pub const fn evals(&self) -> usize {
        match self {
            Self::Energies(found) => found.evals,
            Self::Image(found) => found.evals,
        }
    }

    /// The values of each explained class under its name; `labels` are those of the model.
    #[must_use]
    pub fn by_class(&self, labels: &[ClassLabel]) -> Vec<ClassValues> {
        let (classes, base, full) = match self {
            Self::Energies(found) => (&found.classes, &found.base, &found.full),
            Self::Image(found) => (&found.classes, &found.base, &found.full),
        };
        let logits = base.iter().zip(full);
        let named = classes.iter().zip(logits).enumerate();
        named
            .map(|(at, (&class, (&base, &logit)))| ClassValues {
                label: labels
                    .get(class)
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                base,
                logit,
                values: match self {
                    Self::Energies(found) => found.values.get(at).cloned().unwrap_or_default(),
                    Self::Image(found) => {
                        let values = found.blocks.iter().map(|block| block.values.get(at));
                        values
                            .map(|value| value.copied().unwrap_or_default())
                            .collect()
                    }
                },
            })
            .collect()
    }
}
