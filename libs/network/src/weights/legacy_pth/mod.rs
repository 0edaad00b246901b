//! Reads the state dictionaries that torch wrote before its zip format: five pickles and then
//! the raw numbers of every storage.

mod machine;

use super::{Tensor, Weights};
use crate::{Base, NetworkError};
use machine::{Element, Machine, Reader, TensorPlan, Value};
use std::collections::{BTreeMap, HashMap};

const FORMAT: &str = "legacy torch file";
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL: i128 = 1001;

/// Numbers of a tensor as they stand in the file.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit integers (counters of batches).
    I64(Vec<i64>),
}

/// A tensor of a file, row-major whatever its order in the file was.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTensor {
    /// Extent per axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// The values, last axis fastest.
    pub data: StoredData,
}

/// Reads all tensors of a legacy torch file. Nothing in the file is executed; memory stays within
/// a small multiple of the file's length.
///
/// # Errors
/// With the byte position, when the file is damaged or has anything but tensors of 32-bit floats
/// and 64-bit integers.
///
/// # Source
/// The format of `torch.save(…, _use_new_zipfile_serialization=False)`, protocol version 1001.
pub fn read_legacy_pth(bytes: &[u8]) -> Result<BTreeMap<String, StoredTensor>, NetworkError> {
    let mut reader = Reader::new(bytes);
    check_preamble(&mut reader)?;
    let mut machine = Machine::default();
    let dictionary = machine.run(&mut reader)?;
    let Value::Dict(index) = dictionary else {
        return Err(reader.error("the file holds no dictionary of tensors"));
    };
    let storages = read_storages(&mut reader, &machine.dicts[index])?;
    let stored: usize = storages.values().map(|bytes| bytes.len()).sum();
    let mut tensors = BTreeMap::new();
    let mut total = 0_usize;
    for (key, value) in &machine.dicts[index] {
        let (Value::Text(name), Value::Tensor(plan)) = (key, value) else {
            return Err(reader.error("an entry of the dictionary is no named tensor"));
        };
        let bytes = storages
            .get(&*plan.storage.key)
            .copied()
            .unwrap_or_default();
        let tensor = arrange(plan, bytes)
            .map_err(|reason| NetworkError::format(FORMAT, format!("tensor {name:?}: {reason}")))?;
        total = total.saturating_add(match &tensor.data {
            StoredData::F32(data) => 4 * data.len(),
            StoredData::I64(data) => 8 * data.len(),
        });
        // Tensors may share a storage, but not so often that a small file fills the memory.
        if total > stored.saturating_mul(2) {
            return Err(reader.error("the tensors have more numbers than the file"));
        }
        if tensors.insert(name.to_string(), tensor).is_some() {
            return Err(reader.error(format!("tensor {name:?} comes twice")));
        }
    }
    Ok(tensors)
}

/// The weights of an EfficientNet-Lite base from a legacy torch file, under the names of
/// [`Base::graph`]; the ImageNet classifier and the batch counters are left out.
///
/// # Errors
/// When the file cannot be read or is not of this base.
pub fn convert_legacy_pth(bytes: &[u8], base: Base) -> Result<Weights, NetworkError> {
    let mut weights = Weights::new();
    for (name, stored) in read_legacy_pth(bytes)? {
        let (StoredData::F32(data), Some(name)) = (stored.data, graph_name(&name)) else {
            continue;
        };
        weights.insert(name, Tensor::new(stored.shape, data)?);
    }
    weights.check(&base.graph(None))?;
    Ok(weights)
}

/// `_blocks.3._bn0.weight` → `blocks.3.expand.bn.weight`; `None` for what the graph has not.
fn graph_name(name: &str) -> Option<String> {
    let Some((layer, part)) = name.rsplit_once('.') else {
        return Some(name.to_owned());
    };
    let (block, layer) = match layer.strip_prefix("_blocks.") {
        Some(rest) => {
            let (index, layer) = rest.split_once('.')?;
            (Some(index), layer)
        }
        None => (None, layer),
    };
    let ours = match (block.is_some(), layer) {
        (false, "_conv_stem") => "stem.conv",
        (false, "_bn0") => "stem.bn",
        (false, "_conv_head") => "top.conv",
        (false, "_bn1") => "top.bn",
        (true, "_expand_conv") => "expand.conv",
        (true, "_bn0") => "expand.bn",
        (true, "_depthwise_conv") => "depthwise.conv",
        (true, "_bn1") => "depthwise.bn",
        (true, "_project_conv") => "project.conv",
        (true, "_bn2") => "project.bn",
        (false, "_fc") => return None,
        // Kept, so that the check against the graph names what is foreign.
        _ => return Some(name.to_owned()),
    };
    Some(match block {
        Some(index) => format!("blocks.{index}.{ours}.{part}"),
        None => format!("{ours}.{part}"),
    })
}

/// Magic number, protocol version and byte order.
fn check_preamble(reader: &mut Reader<'_>) -> Result<(), NetworkError> {
    let magic = Machine::default().run(reader);
    if !matches!(magic, Ok(Value::Int(MAGIC))) {
        let reason = "this is no legacy torch file (torch's newer files are zip archives)";
        return Err(NetworkError::format(FORMAT, reason));
    }
    if !matches!(Machine::default().run(reader)?, Value::Int(PROTOCOL)) {
        return Err(reader.error(format!("only protocol version {PROTOCOL} is read")));
    }
    let mut machine = Machine::default();
    let Value::Dict(index) = machine.run(reader)? else {
        return Err(reader.error("the system's description is missing"));
    };
    let little = machine.dicts[index].iter().any(|(key, value)| {
        matches!(key, Value::Text(text) if &**text == "little_endian")
            && matches!(value, Value::Bool(true))
    });
    if little {
        Ok(())
    } else {
        Err(reader.error("only files of little-endian machines are read"))
    }
}

/// The raw bytes of each storage by its key.
fn read_storages<'a>(
    reader: &mut Reader<'a>,
    entries: &[(Value, Value)],
) -> Result<HashMap<String, &'a [u8]>, NetworkError> {
    let mut wanted = HashMap::new();
    for (_, value) in entries {
        let Value::Tensor(plan) = value else { continue };
        let kind = (plan.storage.element, plan.storage.count);
        let known = wanted.entry(plan.storage.key.to_string()).or_insert(kind);
        if *known != kind {
            return Err(reader.error(format!(
                "storage {:?} is described in two ways",
                plan.storage.key
            )));
        }
    }
    let mut machine = Machine::default();
    let Value::List(keys) = machine.run(reader)? else {
        return Err(reader.error("the list of storages is missing"));
    };
    let mut storages = HashMap::new();
    for key in &machine.lists[keys] {
        let Value::Text(key) = key else {
            return Err(reader.error("the key of a storage is no text"));
        };
        let Some((element, count)) = wanted.get(&**key) else {
            return Err(reader.error(format!("storage {key:?} belongs to no tensor")));
        };
        let stated = u64::from_le_bytes(reader.array()?);
        if stated != *count as u64 {
            return Err(reader.error(format!(
                "storage {key:?} has {stated} numbers instead of {count}"
            )));
        }
        let size = match element {
            Element::F32 => 4,
            Element::I64 => 8,
        };
        let length = count.checked_mul(size);
        let length = length.ok_or_else(|| reader.error("a storage is too large"))?;
        storages.insert(key.to_string(), reader.take(length)?);
    }
    if reader.remaining() != 0 {
        return Err(reader.error(format!("{} bytes too many", reader.remaining())));
    }
    if let Some(key) = wanted.keys().find(|key| !storages.contains_key(*key)) {
        return Err(reader.error(format!("storage {key:?} is missing")));
    }
    Ok(storages)
}

/// Brings a tensor into row-major order.
fn arrange(plan: &TensorPlan, bytes: &[u8]) -> Result<StoredTensor, String> {
    let count = plan
        .shape
        .iter()
        .try_fold(1_usize, |n, &e| n.checked_mul(e));
    let count = count.filter(|n| *n <= plan.storage.count);
    let outside = || {
        format!(
            "shape {:?}, strides {:?} and offset {} do not fit a storage of {} numbers",
            plan.shape, plan.strides, plan.offset, plan.storage.count
        )
    };
    let count = count.ok_or_else(outside)?;
    let last = plan.shape.iter().zip(&plan.strides);
    let last = last
        .filter(|_| count > 0)
        .try_fold(plan.offset, |at, (e, s)| {
            (e - 1)
                .checked_mul(*s)
                .and_then(|step| at.checked_add(step))
        });
    if count > 0 && last.is_none_or(|last| last >= plan.storage.count) {
        return Err(outside());
    }
    let positions = Positions {
        plan,
        index: vec![0; plan.shape.len()],
    };
    let positions = positions.take(count);
    let data = match plan.storage.element {
        Element::F32 => {
            let (numbers, _) = bytes.as_chunks::<4>();
            StoredData::F32(
                positions
                    .map(|at| f32::from_le_bytes(numbers[at]))
                    .collect(),
            )
        }
        Element::I64 => {
            let (numbers, _) = bytes.as_chunks::<8>();
            StoredData::I64(
                positions
                    .map(|at| i64::from_le_bytes(numbers[at]))
                    .collect(),
            )
        }
    };
    Ok(StoredTensor {
        shape: plan.shape.clone(),
        data,
    })
}

/// Positions in the storage, in row-major order of the tensor.
struct Positions<'a> {
    plan: &'a TensorPlan,
    index: Vec<usize>,
}

impl Iterator for Positions<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let steps = self.index.iter().zip(&self.plan.strides);
        let position = self.plan.offset + steps.map(|(i, s)| i * s).sum::<usize>();
        for (index, extent) in self.index.iter_mut().zip(&self.plan.shape).rev() {
            *index += 1;
            if *index < *extent {
                break;
            }
            *index = 0;
        }
        Some(position)
    }
}

#[cfg(test)]
mod tests;
