//! What can be set about taking spectra and showing images.

use assay_runtime::Check;
use serde::{Deserialize, Serialize};

/// How spectra are taken and images are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Files that are read at the same time.
    pub readers: usize,
    /// Images that are computed at the same time.
    pub painters: usize,
    /// Images that wait, are computed or are being sent at the same time; more are refused.
    pub max_images: usize,
    /// Largest width and height of an image in pixels: an image needs four bytes a pixel.
    pub max_image_side: usize,
    /// Recipes of models that are kept in memory.
    pub max_recipes: usize,
    /// Largest message; the process sets it to what its server takes.
    #[serde(skip)]
    pub max_message_bytes: Option<usize>,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            readers: 4,
            painters: 2,
            max_images: 16,
            max_image_side: 4096,
            max_recipes: 16,
            max_message_bytes: None,
        }
    }
}

impl Check for IngestConfig {
    fn faults(&self) -> Vec<String> {
        let fields = [
            ("readers", self.readers, 1, 1024),
            ("painters", self.painters, 1, 1024),
            ("max_images", self.max_images, 1, 4096),
            ("max_image_side", self.max_image_side, 2, 16_384),
            ("max_recipes", self.max_recipes, 1, 4096),
        ];
        let outside = fields
            .iter()
            .filter(|(_, value, least, most)| value < least || value > most);
        outside
            .map(|(field, value, least, most)| {
                format!("{field}: {value} is outside {least} to {most}")
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed_and_every_fault_is_named() {
        assert_eq!(IngestConfig::default().faults(), Vec::<String>::new());
        let config = IngestConfig {
            readers: 0,
            max_image_side: 1,
            max_recipes: 5000,
            ..IngestConfig::default()
        };
        let expected = [
            "readers: 0 is outside 1 to 1024",
            "max_image_side: 1 is outside 2 to 16384",
            "max_recipes: 5000 is outside 1 to 4096",
        ];
        assert_eq!(config.faults(), expected);
    }
}
