//! A base read from an ONNX file: what is checked when it is registered, and how it becomes part
//! of an exported model. It is opaque otherwise; nobody but ONNX Runtime computes it.

mod inline;
mod inspect;

use crate::{
    BaseDescriptor, Graph, Landmark, NetworkError, Op,
    onnx::{
        IR_VERSION,
        proto::{FunctionProto, ModelProto, OperatorSetIdProto},
    },
};
use assay_core::{Digest, DigestBuilder};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "foreign ONNX base";

/// Order of the axes of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channels, height, width.
    Nchw,
    /// Batch, height, width, channels.
    Nhwc,
}

/// What the file cannot say about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignSettings {
    /// Name under which the base is registered.
    pub name: String,
    /// Name of the feature map; `None` where the file has exactly one output with four axes.
    pub output: Option<String>,
    /// Values of black and white before mean and deviation, such as (0, 255).
    pub range: (f32, f32),
    /// Subtracted after the range, one per channel; empty for none.
    pub mean: Vec<f32>,
    /// Divides afterwards, one per channel; empty for none.
    pub deviation: Vec<f32>,
    /// Order of the axes of input and feature map.
    pub layout: Layout,
    /// Licence of the file.
    pub licence: String,
    /// Where the file comes from.
    pub source: String,
}

/// A checked base from an ONNX file, cut down to what its feature map needs.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignBase {
    settings: ForeignSettings,
    model: ModelProto,
    input: String,
    output: String,
    input_channels: usize,
    channels: usize,
    /// Height and width that the file demands.
    size: (Option<usize>, Option<usize>),
    opset: i64,
    digest: Digest,
}

impl ForeignBase {
    /// Reads and checks a base.
    ///
    /// # Errors
    /// When the file is damaged, has no single picture as its input, no feature map with four
    /// axes and known channels, another element type than 32-bit floats, an operator set outside
    /// 13 to 21 or data in other files; or when the settings do not fit.
    pub fn from_bytes(bytes: &[u8], settings: ForeignSettings) -> Result<Self, NetworkError> {
        inspect::read(bytes, settings)
    }

    /// The settings it was registered with.
    #[must_use]
    pub const fn settings(&self) -> &ForeignSettings {
        &self.settings
    }

    /// Channels of the feature map.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// Digest of the file and of the settings that change its features.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Name, channels, licence and source; the pixel range is that of black and white.
    #[must_use]
    pub fn descriptor(&self) -> BaseDescriptor {
        let (low, high) = self.settings.range;
        BaseDescriptor {
            name: self.settings.name.clone(),
            channels: self.channels,
            input_channels: self.input_channels,
            pixel_scale: (high - low) / 2.0,
            pixel_shift: f32::midpoint(high, low),
            licence: self.settings.licence.clone(),
            source: self.settings.source.clone(),
        }
    }

    /// The base from the image `[n, 1, size, size]` with values in [-1, 1] to the feature map;
    /// scaling, repetition and layout are part of the one opaque node.
    #[must_use]
    pub fn graph(&self, size: Option<usize>) -> Graph {
        let (mut graph, image) = Graph::with_input("image", vec![Some(1), size, size]);
        graph.mark(Landmark::Image, image);
        let foreign = Op::Foreign {
            channels: self.channels,
        };
        let feature_map = graph.push("foreign", foreign, &[image]);
        graph.mark(Landmark::FeatureMap, feature_map);
        graph
    }

    pub(crate) const fn opset(&self) -> i64 {
        self.opset
    }

    pub(crate) fn ir_version(&self) -> i64 {
        self.model.ir_version.max(IR_VERSION)
    }

    /// Operator sets beyond the standard one.
    pub(crate) fn other_opsets(&self) -> Vec<OperatorSetIdProto> {
        let sets = self.model.opset_import.iter();
        sets.filter(|set| !inspect::is_standard(&set.domain))
            .cloned()
            .collect()
    }

    pub(crate) fn functions(&self) -> Vec<FunctionProto> {
        self.model.functions.clone()
    }

    /// Factor and summand per channel from the image `g` in [-1, 1] to the base's input.
    fn pixel_affine(&self) -> (Vec<f32>, Vec<f32>) {
        let (low, high) = (
            f64::from(self.settings.range.0),
            f64::from(self.settings.range.1),
        );
        let of = |values: &[f32], channel: usize, default: f64| {
            values.get(channel).copied().map_or(default, f64::from)
        };
        #[expect(clippy::cast_possible_truncation, reason = "operations are in f32")]
        (0..self.input_channels)
            .map(|channel| {
                let mean = of(&self.settings.mean, channel, 0.0);
                let deviation = of(&self.settings.deviation, channel, 1.0);
                let scale = (high - low) / 2.0 / deviation;
                let shift = (f64::midpoint(low, high) - mean) / deviation;
                (scale as f32, shift as f32)
            })
            .unzip()
    }

    fn digest_of(bytes: &[u8], settings: &ForeignSettings, output: &str) -> Digest {
        DigestBuilder::new("openassay foreign base 1")
            .bytes(bytes)
            .bytes(output.as_bytes())
            .f32s(&[settings.range.0, settings.range.1])
            .f32s(&settings.mean)
            .f32s(&settings.deviation)
            .number(u64::from(settings.layout == Layout::Nhwc))
            .finish()
    }
}

#[cfg(test)]
mod tests;
