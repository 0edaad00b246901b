//! The tensor that goes in, from the wire to input vectors. Everything is checked here that can be
//! said without a model.

use super::shown;
use crate::{MAX_ROWS, open_inference::half::widened};
use assay_api::{
    WireError,
    open_inference::{InferTensorContents, model_infer_request::InferInputTensor},
};

/// The one input of every model.
pub(super) const SPECTRUM: &str = "spectrum";

/// How parameters of memory that is shared with clients begin.
pub(super) const SHARED_MEMORY: &str = "shared_memory_";

const RAW: &str = "raw_input_contents";
const CONTENTS: &str = "inputs[0].contents";

/// Input vectors of one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Input {
    pub(super) vectors: Vec<Vec<f32>>,
    /// Length of each.
    pub(super) bins: usize,
    /// Whether they came raw.
    pub(super) raw: bool,
}

impl Input {
    /// Reads the vectors of a request.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub(super) fn read(inputs: Vec<InferInputTensor>, raw: &[Vec<u8>]) -> Result<Self, WireError> {
        check_names(&inputs)?;
        let tensor = inputs.into_iter().next().unwrap_or_default();
        if let Some(key) = shared_memory(tensor.parameters.keys()) {
            return Err(no_shared_memory("inputs[0].parameters", key));
        }
        let contents = tensor.contents.unwrap_or_default();
        let typed = contents != InferTensorContents::default();
        let element = element(&tensor.datatype, !raw.is_empty())?;
        let (rows, bins) = shape(&tensor.shape)?;
        let vectors = match raw {
            [] if !typed => {
                return Err(WireError::field(
                    CONTENTS,
                    format!("is empty, and so is {RAW}; send the elements in one of the two"),
                ));
            }
            [] => from_contents(contents, rows, bins)?,
            _ if typed => {
                return Err(WireError::field(
                    CONTENTS,
                    format!("is there beside {RAW}; send the elements in one of the two"),
                ));
            }
            [bytes] => from_bytes(bytes, element, rows, bins)?,
            more => {
                return Err(WireError::field(
                    RAW,
                    format!(
                        "has {} entries for 1 input; send one for each input",
                        more.len()
                    ),
                ));
            }
        };
        Ok(Self {
            vectors,
            bins,
            raw: !raw.is_empty(),
        })
    }

    /// The field that holds the elements.
    pub(super) const fn field(&self) -> &'static str {
        if self.raw {
            "raw_input_contents[0]"
        } else {
            "inputs[0].contents.fp32_contents"
        }
    }
}

/// Type of the elements of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Fp32,
    Fp16,
}

impl Element {
    const fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "FP32",
            Self::Fp16 => "FP16",
        }
    }

    const fn size_bytes(self) -> usize {
        match self {
            Self::Fp32 => 4,
            Self::Fp16 => 2,
        }
    }

    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::Fp32 => {
                let (words, _) = bytes.as_chunks();
                words.iter().map(|word| f32::from_le_bytes(*word)).collect()
            }
            Self::Fp16 => {
                let (words, _) = bytes.as_chunks();
                words
                    .iter()
                    .map(|word| widened(u16::from_le_bytes(*word)))
                    .collect()
            }
        }
    }
}

/// The first key of shared memory.
pub(super) fn shared_memory<'a>(mut keys: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    keys.find(|key| key.starts_with(SHARED_MEMORY))
}

/// The refusal of memory that is shared with clients.
pub(super) fn no_shared_memory(field: impl Into<String>, key: &str) -> WireError {
    let key = shown(key);
    let reason = format!("has {key}, but no memory is shared with clients; leave it out");
    WireError::field(field, reason)
}

/// Every model takes one tensor, of one name.
fn check_names(inputs: &[InferInputTensor]) -> Result<(), WireError> {
    if inputs.is_empty() {
        return Err(WireError::field(
            "inputs",
            format!("has no tensor; send one, {SPECTRUM:?}"),
        ));
    }
    let other = inputs.iter().position(|tensor| tensor.name != SPECTRUM);
    if let Some(at) = other {
        let name = shown(&inputs[at].name);
        let reason = format!("is {name}, but models take one tensor, {SPECTRUM:?}");
        return Err(WireError::field(format!("inputs[{at}].name"), reason));
    }
    if inputs.len() > 1 {
        let reason = format!("is {SPECTRUM:?} again; send it once, with more rows");
        return Err(WireError::field("inputs[1].name", reason));
    }
    Ok(())
}

fn element(datatype: &str, raw: bool) -> Result<Element, WireError> {
    match datatype {
        "FP32" => Ok(Element::Fp32),
        "FP16" if raw => Ok(Element::Fp16),
        other => Err(WireError::field(
            "inputs[0].datatype",
            format!("is {}; allowed: FP32, and FP16 in {RAW}", shown(other)),
        )),
    }
}

/// Rows and bins.
fn shape(dimensions: &[i64]) -> Result<(usize, usize), WireError> {
    let refuse = |reason: String| WireError::field("inputs[0].shape", reason);
    let &[rows, bins] = dimensions else {
        let found = dimensions.len();
        return Err(refuse(format!(
            "has {found} dimensions; two are needed, rows and bins"
        )));
    };
    if rows < 1 || bins < 1 {
        return Err(refuse(format!(
            "is [{rows}, {bins}]; each dimension is 1 or more"
        )));
    }
    let most = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX);
    if rows > most {
        return Err(refuse(format!("has {rows} rows; send 1 to {MAX_ROWS}")));
    }
    let countable = || {
        let (rows, bins) = (usize::try_from(rows).ok()?, usize::try_from(bins).ok()?);
        rows.checked_mul(bins)?.checked_mul(4)?;
        Some((rows, bins))
    };
    countable().ok_or_else(|| {
        refuse(format!(
            "is [{rows}, {bins}]; no message holds so many elements"
        ))
    })
}

/// `rows` and `bins` are those of a shape that was checked.
fn from_bytes(
    bytes: &[u8],
    element: Element,
    rows: usize,
    bins: usize,
) -> Result<Vec<Vec<f32>>, WireError> {
    let row_bytes = bins * element.size_bytes();
    if bytes.len() != rows * row_bytes {
        return Err(WireError::field(
            "raw_input_contents[0]",
            format!(
                "has {} bytes, but {} [{rows}, {bins}] takes {}",
                bytes.len(),
                element.name(),
                rows * row_bytes
            ),
        ));
    }
    let rows = bytes.chunks_exact(row_bytes);
    Ok(rows.map(|row| element.decode(row)).collect())
}

fn from_contents(
    contents: InferTensorContents,
    rows: usize,
    bins: usize,
) -> Result<Vec<Vec<f32>>, WireError> {
    let others = [
        ("bool_contents", contents.bool_contents.is_empty()),
        ("int_contents", contents.int_contents.is_empty()),
        ("int64_contents", contents.int64_contents.is_empty()),
        ("uint_contents", contents.uint_contents.is_empty()),
        ("uint64_contents", contents.uint64_contents.is_empty()),
        ("fp64_contents", contents.fp64_contents.is_empty()),
        ("bytes_contents", contents.bytes_contents.is_empty()),
    ];
    if let Some((name, _)) = others.iter().find(|(_, empty)| !empty) {
        return Err(WireError::field(
            format!("{CONTENTS}.{name}"),
            "is not empty, but elements of FP32 stand in fp32_contents",
        ));
    }
    let values = contents.fp32_contents;
    if values.len() != rows * bins {
        return Err(WireError::field(
            format!("{CONTENTS}.fp32_contents"),
            format!(
                "has {} values, but [{rows}, {bins}] takes {}",
                values.len(),
                rows * bins
            ),
        ));
    }
    Ok(values.chunks_exact(bins).map(<[f32]>::to_vec).collect())
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
