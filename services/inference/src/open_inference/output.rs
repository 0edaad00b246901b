//! The tensors that come out: which of them are asked for, and how they are written.

use super::{
    input::{no_shared_memory, shared_memory},
    parameters::integer,
    shown,
};
use crate::closed_set::{ClosedSet, closed_set};
use assay_answering::AnswerError;
use assay_api::{
    WireError,
    open_inference::{
        InferTensorContents, model_infer_request::InferRequestedOutputTensor,
        model_infer_response::InferOutputTensor,
    },
};
use assay_pipeline::Bundle;
use std::cmp::Ordering;

/// What asks for the largest values with their labels.
const CLASSIFICATION: &str = "classification";

/// Bytes of a value and its index in a classification, and of what stands between.
const VALUE_AND_INDEX_BYTES: usize = 40;

/// A tensor that every model gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tensor {
    Features,
    Logits,
    Probabilities,
}

impl Tensor {
    pub(super) const ALL: [Self; 3] = [Self::Features, Self::Logits, Self::Probabilities];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Features => "features",
            Self::Logits => "logits",
            Self::Probabilities => "probabilities",
        }
    }

    /// Values of one row.
    pub(super) fn width(self, bundle: &Bundle) -> usize {
        match self {
            Self::Features => bundle.head().features(),
            Self::Logits | Self::Probabilities => bundle.head().classes(),
        }
    }
}

/// What is to come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    tensor: Tensor,
    /// So many of the largest values with their labels, instead of all values.
    top: Option<usize>,
}

impl Wanted {
    /// Reads what is asked for; everything where nothing is named.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub(super) fn read(outputs: Vec<InferRequestedOutputTensor>) -> Result<Vec<Self>, WireError> {
        if outputs.is_empty() {
            return Ok(Tensor::ALL
                .map(|tensor| Self { tensor, top: None })
                .to_vec());
        }
        let mut all: Vec<Self> = Vec::new();
        for (at, output) in outputs.into_iter().enumerate() {
            let found = Tensor::ALL
                .iter()
                .find(|tensor| tensor.name() == output.name);
            let Some(&tensor) = found else {
                let reason = format!(
                    "is {}; models give features, logits and probabilities",
                    shown(&output.name)
                );
                return Err(WireError::field(format!("outputs[{at}].name"), reason));
            };
            if all.iter().any(|wanted| wanted.tensor == tensor) {
                let reason = format!("is {:?} again; ask for it once", tensor.name());
                return Err(WireError::field(format!("outputs[{at}].name"), reason));
            }
            let top =
                top(tensor, &output).map_err(|error| error.within(format!("outputs[{at}]")))?;
            all.push(Self { tensor, top });
        }
        Ok(all)
    }

    /// Most bytes of one row of the answer.
    pub(super) fn row_bytes(&self, bundle: &Bundle) -> usize {
        let width = self.tensor.width(bundle);
        let Some(top) = self.top else {
            return 4 * width;
        };
        let labels = bundle.contents().classes.iter();
        let longest = labels.map(|label| label.as_str().len()).max();
        top.min(width) * (longest.unwrap_or_default() + VALUE_AND_INDEX_BYTES)
    }
}

/// The classification that an output asks for.
fn top(tensor: Tensor, output: &InferRequestedOutputTensor) -> Result<Option<usize>, WireError> {
    if let Some(key) = shared_memory(output.parameters.keys()) {
        return Err(no_shared_memory("parameters", key));
    }
    let Some(value) = output.parameters.get(CLASSIFICATION) else {
        return Ok(None);
    };
    let refuse = |reason: &str| Err(WireError::field("parameters.classification", reason));
    if tensor == Tensor::Features {
        return refuse("is there, but features are of no classes; ask it of probabilities");
    }
    match integer(value) {
        Some(top @ 1..) => Ok(Some(usize::try_from(top).unwrap_or(usize::MAX))),
        _ => refuse("is no integer of 1 or more, the number of classes"),
    }
}

/// The answer to one request.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) tensors: Vec<InferOutputTensor>,
    /// The elements of each, where they do not stand in it.
    pub(super) raw: Vec<Vec<u8>>,
}

/// Values of all rows, one after another.
enum Values {
    Numbers(Vec<f32>),
    Texts(Vec<String>),
}

impl Output {
    /// Writes what is wanted of rows of features.
    ///
    /// # Errors
    /// When the head gives a logit that is not finite.
    pub(super) fn write(
        bundle: &Bundle,
        features: &[Vec<f32>],
        wanted: &[Wanted],
        raw: bool,
    ) -> Result<Self, AnswerError> {
        // Features alone need no head.
        let heads = wanted
            .iter()
            .any(|wanted| wanted.tensor != Tensor::Features);
        let rows = features.iter().filter(|_| heads);
        let classes = rows.map(|row| closed_set(bundle, row));
        let classes: Vec<_> = classes.collect::<Result<_, _>>()?;
        let mut output = Self::default();
        for wanted in wanted {
            let values = wanted.values(bundle, features, &classes);
            output.add(wanted.tensor, features.len(), values, raw);
        }
        Ok(output)
    }

    fn add(&mut self, tensor: Tensor, rows: usize, values: Values, raw: bool) {
        let (datatype, count) = match &values {
            Values::Numbers(numbers) => ("FP32", numbers.len()),
            Values::Texts(texts) => ("BYTES", texts.len()),
        };
        let mut contents = None;
        if raw {
            self.raw.push(values.bytes());
        } else {
            contents = Some(values.contents());
        }
        self.tensors.push(InferOutputTensor {
            name: tensor.name().to_owned(),
            datatype: datatype.to_owned(),
            shape: [rows, count / rows.max(1)].map(dimension).to_vec(),
            contents,
            ..InferOutputTensor::default()
        });
    }
}

impl Wanted {
    fn values(&self, bundle: &Bundle, features: &[Vec<f32>], classes: &[ClosedSet]) -> Values {
        let rows: Vec<&[f32]> = match self.tensor {
            Tensor::Features => features.iter().map(Vec::as_slice).collect(),
            Tensor::Logits => classes.iter().map(|row| row.logits.as_slice()).collect(),
            Tensor::Probabilities => {
                let rows = classes.iter();
                rows.map(|row| row.probabilities.as_slice()).collect()
            }
        };
        let Some(top) = self.top else {
            return Values::Numbers(rows.concat());
        };
        let labelled = rows.into_iter().flat_map(|row| largest(bundle, row, top));
        Values::Texts(labelled.collect())
    }
}

/// The largest values of a row with index and label; of equal ones the lowest index first.
fn largest(bundle: &Bundle, row: &[f32], top: usize) -> Vec<String> {
    let classes = &bundle.contents().classes;
    let mut order: Vec<_> = (0..row.len()).collect();
    // Every value is finite, and a stable sort keeps the order of the indices.
    order.sort_by(|a, b| row[*b].partial_cmp(&row[*a]).unwrap_or(Ordering::Equal));
    order.truncate(top);
    let text = |class: usize| format!("{}:{class}:{}", row[class], classes[class]);
    order.into_iter().map(text).collect()
}

impl Values {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Numbers(numbers) => {
                let mut bytes = Vec::with_capacity(4 * numbers.len());
                for number in numbers {
                    bytes.extend_from_slice(&number.to_le_bytes());
                }
                bytes
            }
            Self::Texts(texts) => {
                let mut bytes = Vec::new();
                for text in texts {
                    // A label and two numbers.
                    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                    bytes.extend(length.to_le_bytes());
                    bytes.extend(text.into_bytes());
                }
                bytes
            }
        }
    }

    fn contents(self) -> InferTensorContents {
        let mut contents = InferTensorContents::default();
        match self {
            Self::Numbers(numbers) => contents.fp32_contents = numbers,
            Self::Texts(texts) => {
                contents.bytes_contents = texts.into_iter().map(String::into_bytes).collect();
            }
        }
        contents
    }
}

/// A dimension of a shape on the wire.
pub(super) fn dimension(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
