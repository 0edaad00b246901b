//! A pickle machine with just the instructions and names that a legacy state dictionary is made
//! of. It builds data, never calls anything, and refuses whatever else a pickle can do.

use super::FORMAT;
use crate::NetworkError;
use std::{collections::HashMap, rc::Rc};

/// Nesting beyond this is no state dictionary; it also keeps dropping a value from recursing.
const DEEPEST: usize = 12;

/// Without a limit one remembered tuple, used often, would multiply the file's length.
const MOST_AXES: usize = 8;

/// A value on the machine's stack.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Text(Rc<str>),
    Tuple(Rc<Tuple>),
    /// Index into [`Machine::lists`].
    List(usize),
    /// Index into [`Machine::dicts`].
    Dict(usize),
    Name(Name),
    Storage(Rc<Storage>),
    Tensor(Rc<TensorPlan>),
}

#[derive(Debug)]
pub(super) struct Tuple {
    depth: usize,
    pub(super) items: Vec<Value>,
}

/// The only names that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    OrderedDict,
    RebuildTensor,
    FloatStorage,
    LongStorage,
}

/// What a tensor's numbers are kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    I64,
}

/// A block of numbers that follows the pickles.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) key: Rc<str>,
    pub(super) element: Element,
    pub(super) count: usize,
}

/// How a tensor lies in its storage.
#[derive(Debug)]
pub(super) struct TensorPlan {
    pub(super) storage: Rc<Storage>,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// The bytes of a file and the position of the next one.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) position: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], NetworkError> {
        let end = self.position.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.position..end));
        let taken = taken.ok_or_else(|| {
            self.error(format!(
                "the file ends {} bytes later, {count} are needed",
                self.remaining()
            ))
        })?;
        self.position += count;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], NetworkError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    fn line(&mut self) -> Result<&'a str, NetworkError> {
        let rest = &self.bytes[self.position..];
        let end = rest.iter().take(256).position(|b| *b == b'\n');
        let end = end.ok_or_else(|| self.error("a name has no end"))?;
        let text = std::str::from_utf8(self.take(end)?);
        self.take(1)?;
        text.map_err(|_| self.error("a name is not text"))
    }

    fn text(&mut self, length: usize) -> Result<Rc<str>, NetworkError> {
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(self.error("a string is not UTF-8")),
        }
    }

    pub(super) fn error(&self, reason: impl std::fmt::Display) -> NetworkError {
        NetworkError::format(FORMAT, format!("at byte {}: {reason}", self.position))
    }
}

/// One pickle being read. Memory is bounded by the length of the file: every instruction makes
/// at most one value.
#[derive(Default)]
pub(super) struct Machine {
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    pub(super) lists: Vec<Vec<Value>>,
    pub(super) dicts: Vec<Vec<(Value, Value)>>,
}

impl Machine {
    /// Reads one pickle up to its STOP.
    pub(super) fn run(&mut self, reader: &mut Reader<'_>) -> Result<Value, NetworkError> {
        loop {
            let [code] = reader.array()?;
            if code == b'.' {
                return self.pop(reader);
            }
            self.step(code, reader)?;
        }
    }

    fn step(&mut self, code: u8, reader: &mut Reader<'_>) -> Result<(), NetworkError> {
        match code {
            0x80 => match reader.array()? {
                [2] => {}
                [version] => return Err(reader.error(format!("pickle protocol {version}, not 2"))),
            },
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.stack.push(Value::None),
            0x88 => self.stack.push(Value::Bool(true)),
            0x89 => self.stack.push(Value::Bool(false)),
            b'K' => {
                let [value] = reader.array()?;
                self.stack.push(Value::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(reader.array()?);
                self.stack.push(Value::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(reader.array()?);
                self.stack.push(Value::Int(value.into()));
            }
            0x8a => {
                let [length] = reader.array()?;
                let value = long(reader, usize::from(length))?;
                self.stack.push(Value::Int(value));
            }
            b'X' => {
                let length = u32::from_le_bytes(reader.array()?);
                let text = reader.text(length as usize)?;
                self.stack.push(Value::Text(text));
            }
            b'c' => {
                let name = name(reader)?;
                self.stack.push(Value::Name(name));
            }
            b'q' | b'r' | b'h' | b'j' => self.memory(code, reader)?,
            b')' | 0x85 | 0x86 | 0x87 | b't' => self.tuple(code, reader)?,
            b']' | b'a' | b'e' => self.list(code, reader)?,
            b'}' | b's' | b'u' => self.dict(code, reader)?,
            b'R' => self.reduce(reader)?,
            b'Q' => self.persistent(reader)?,
            // BUILD attaches attributes (the dictionary's version table), which nobody needs.
            b'b' => drop(self.pop(reader)?),
            _ => {
                return Err(reader.error(format!(
                    "instruction {code:#04x} has no place in a file of weights"
                )));
            }
        }
        Ok(())
    }

    fn pop(&mut self, reader: &Reader<'_>) -> Result<Value, NetworkError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(reader.error("the stack is empty"));
        }
        self.stack
            .pop()
            .ok_or_else(|| reader.error("the stack is empty"))
    }

    fn top(&self, reader: &Reader<'_>) -> Result<&Value, NetworkError> {
        self.stack
            .last()
            .ok_or_else(|| reader.error("the stack is empty"))
    }

    fn since_mark(&mut self, reader: &Reader<'_>) -> Result<Vec<Value>, NetworkError> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| reader.error("there is no mark"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn memory(&mut self, code: u8, reader: &mut Reader<'_>) -> Result<(), NetworkError> {
        let slot = match code {
            b'q' | b'h' => u32::from(reader.array::<1>()?[0]),
            _ => u32::from_le_bytes(reader.array()?),
        };
        if matches!(code, b'q' | b'r') {
            let value = self.top(reader)?.clone();
            self.memo.insert(slot, value);
            return Ok(());
        }
        let value = self.memo.get(&slot).cloned();
        let value = value.ok_or_else(|| reader.error(format!("memo {slot} is empty")))?;
        self.stack.push(value);
        Ok(())
    }

    fn tuple(&mut self, code: u8, reader: &Reader<'_>) -> Result<(), NetworkError> {
        let items = match code {
            b')' => Vec::new(),
            b't' => self.since_mark(reader)?,
            _ => {
                let count = usize::from(code - 0x84);
                let mut items = Vec::with_capacity(count);
                for _ in 0..count {
                    items.push(self.pop(reader)?);
                }
                items.reverse();
                items
            }
        };
        let inner = items.iter().map(|item| match item {
            Value::Tuple(tuple) => tuple.depth,
            _ => 0,
        });
        let depth = 1 + inner.max().unwrap_or(0);
        if depth > DEEPEST {
            return Err(reader.error(format!("tuples are nested more than {DEEPEST} deep")));
        }
        self.stack
            .push(Value::Tuple(Rc::new(Tuple { depth, items })));
        Ok(())
    }

    fn list(&mut self, code: u8, reader: &Reader<'_>) -> Result<(), NetworkError> {
        let added = match code {
            b']' => {
                self.lists.push(Vec::new());
                self.stack.push(Value::List(self.lists.len() - 1));
                return Ok(());
            }
            b'a' => vec![self.pop(reader)?],
            _ => self.since_mark(reader)?,
        };
        let Value::List(index) = *self.top(reader)? else {
            return Err(reader.error("only a list can be appended to"));
        };
        self.lists[index].extend(added);
        Ok(())
    }

    fn dict(&mut self, code: u8, reader: &Reader<'_>) -> Result<(), NetworkError> {
        let added = match code {
            b'}' => {
                self.push_dict();
                return Ok(());
            }
            b's' => {
                let value = self.pop(reader)?;
                vec![self.pop(reader)?, value]
            }
            _ => self.since_mark(reader)?,
        };
        let Value::Dict(index) = *self.top(reader)? else {
            return Err(reader.error("only a dictionary can be filled"));
        };
        let (pairs, rest) = added.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(reader.error("a key has no value"));
        }
        let pairs = pairs
            .iter()
            .map(|[key, value]| (key.clone(), value.clone()));
        self.dicts[index].extend(pairs);
        Ok(())
    }

    fn push_dict(&mut self) {
        self.dicts.push(Vec::new());
        self.stack.push(Value::Dict(self.dicts.len() - 1));
    }

    fn reduce(&mut self, reader: &Reader<'_>) -> Result<(), NetworkError> {
        let (Value::Tuple(arguments), callee) = (self.pop(reader)?, self.pop(reader)?) else {
            return Err(reader.error("a call needs a tuple of arguments"));
        };
        match (callee, arguments.items.as_slice()) {
            (Value::Name(Name::OrderedDict), []) => {
                self.push_dict();
                Ok(())
            }
            (Value::Name(Name::RebuildTensor), arguments) => {
                let plan = tensor_plan(arguments)
                    .ok_or_else(|| reader.error("a tensor is described in an unknown way"))?;
                self.stack.push(Value::Tensor(Rc::new(plan)));
                Ok(())
            }
            _ => Err(reader.error("this call has no place in a file of weights")),
        }
    }

    fn persistent(&mut self, reader: &Reader<'_>) -> Result<(), NetworkError> {
        let Value::Tuple(id) = self.pop(reader)? else {
            return Err(reader.error("a storage must be named by a tuple"));
        };
        let storage = match id.items.as_slice() {
            [
                Value::Text(tag),
                Value::Name(kind),
                Value::Text(key),
                Value::Text(_),
                Value::Int(n),
                Value::None,
            ] if &**tag == "storage" => {
                let element = match kind {
                    Name::FloatStorage => Some(Element::F32),
                    Name::LongStorage => Some(Element::I64),
                    Name::OrderedDict | Name::RebuildTensor => None,
                };
                element
                    .zip(usize::try_from(*n).ok())
                    .map(|(element, count)| Storage {
                        key: Rc::clone(key),
                        element,
                        count,
                    })
            }
            _ => None,
        };
        let storage =
            storage.ok_or_else(|| reader.error("a storage is described in an unknown way"))?;
        self.stack.push(Value::Storage(Rc::new(storage)));
        Ok(())
    }
}

fn long(reader: &mut Reader<'_>, length: usize) -> Result<i128, NetworkError> {
    let bytes = reader.take(length)?;
    if length > 16 {
        return Err(reader.error(format!("an integer of {length} bytes")));
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut extended = [if negative { 0xff } else { 0 }; 16];
    extended[..length].copy_from_slice(bytes);
    Ok(i128::from_le_bytes(extended))
}

fn name(reader: &mut Reader<'_>) -> Result<Name, NetworkError> {
    match (reader.line()?, reader.line()?) {
        ("collections", "OrderedDict") => Ok(Name::OrderedDict),
        ("torch._utils", "_rebuild_tensor_v2") => Ok(Name::RebuildTensor),
        ("torch", "FloatStorage") => Ok(Name::FloatStorage),
        ("torch", "LongStorage") => Ok(Name::LongStorage),
        (module, name) => Err(reader.error(format!(
            "{module:?}.{name:?} has no place in a file of weights of 32-bit floats"
        ))),
    }
}

/// `_rebuild_tensor_v2(storage, offset, size, strides, requires_grad, hooks)`.
fn tensor_plan(arguments: &[Value]) -> Option<TensorPlan> {
    let [
        Value::Storage(storage),
        Value::Int(offset),
        Value::Tuple(shape),
        Value::Tuple(strides),
        Value::Bool(_),
        Value::Dict(_),
    ] = arguments
    else {
        return None;
    };
    let extents = |tuple: &Tuple| {
        let items = tuple.items.iter();
        items
            .map(|item| match item {
                Value::Int(value) => usize::try_from(*value).ok(),
                _ => None,
            })
            .collect::<Option<Vec<usize>>>()
    };
    let plan = TensorPlan {
        storage: Rc::clone(storage),
        offset: usize::try_from(*offset).ok()?,
        shape: extents(shape)?,
        strides: extents(strides)?,
    };
    (plan.shape.len() == plan.strides.len() && plan.shape.len() <= MOST_AXES).then_some(plan)
}
