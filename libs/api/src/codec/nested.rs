//! The same limit where messages lie in messages: their fields count, too, and so do numbers that
//! take one byte on the wire and eight in memory. What lies where is read from the descriptors.

use super::{MAX_FIELDS, read, too_many};
use crate::DESCRIPTORS;
use prost::{
    Message, Name,
    bytes::{Buf, Bytes},
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use prost_types::{
    DescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use std::{collections::HashMap, marker::PhantomData, sync::LazyLock};
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};

/// A message counts as several fields: so much more memory it takes.
const FIELDS_OF_A_MESSAGE: usize = 4;

/// Writes `T` as prost does and reads `U` unless it has too many fields, those of the messages in
/// it counted.
#[derive(Debug, Clone)]
pub struct NestedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for NestedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for NestedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = NestedDecoder<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> NestedDecoder<U> {
        NestedDecoder(PhantomData)
    }
}

/// Reads `U` unless it has too many fields, those of the messages in it counted.
#[derive(Debug, Clone)]
pub struct NestedDecoder<U>(PhantomData<U>);

impl<U: Message + Name + Default> Decoder for NestedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // Splits the buffer; nothing is copied.
        let message = buffer.copy_to_bytes(buffer.remaining());
        if !within::<U>(message.clone(), MAX_FIELDS) {
            return Err(too_many());
        }
        read(message)
    }
}

/// What a field holds that the wire calls a length and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// A message of this number.
    Message(usize),
    /// Numbers, packed, of one byte or more each.
    Numbers,
}

/// What lies in messages, by their full names.
#[derive(Debug, Default)]
struct Layout {
    numbers: HashMap<String, usize>,
    /// The fields of each message that hold more than their bytes, by tag.
    messages: Vec<HashMap<u32, Content>>,
}

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    // The descriptors are those that this crate was compiled with.
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
    Layout::of(&set)
});

impl Layout {
    fn of(set: &FileDescriptorSet) -> Self {
        let mut all = Vec::new();
        for file in &set.file {
            for message in &file.message_type {
                collect(file.package(), message, &mut all);
            }
        }
        let names = all.iter().map(|(name, _)| name.clone());
        let numbers: HashMap<_, _> = names.zip(0..).collect();
        let messages = all.iter().map(|(_, message)| contents(message, &numbers));
        Self {
            messages: messages.collect(),
            numbers,
        }
    }

    fn content(&self, message: Option<usize>, tag: u32) -> Option<Content> {
        self.messages.get(message?)?.get(&tag).copied()
    }

    /// Takes the fields of a message from those that are left; `None` when there are too few. What
    /// cannot be read ends the count: decoding refuses it in better words.
    fn spend(&self, message: Option<usize>, mut bytes: Bytes, left: &mut usize) -> Option<()> {
        while bytes.has_remaining() {
            let Ok((tag, wire_type)) = decode_key(&mut bytes) else {
                return Some(());
            };
            take(left, 1)?;
            if wire_type != WireType::LengthDelimited {
                if skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).is_err() {
                    return Some(());
                }
                continue;
            }
            let length = decode_varint(&mut bytes).ok();
            let length = length.and_then(|length| usize::try_from(length).ok());
            let Some(length) = length.filter(|length| *length <= bytes.remaining()) else {
                return Some(());
            };
            let inner = bytes.split_to(length);
            match self.content(message, tag) {
                None => {}
                Some(Content::Numbers) => {
                    let last_bytes = inner.iter().filter(|byte| **byte < 0x80);
                    take(left, last_bytes.count())?;
                }
                Some(Content::Message(number)) => {
                    take(left, FIELDS_OF_A_MESSAGE - 1)?;
                    // As deep as the interface is: none of its messages lies in itself.
                    self.spend(Some(number), inner, left)?;
                }
            }
        }
        Some(())
    }
}

fn take(left: &mut usize, fields: usize) -> Option<()> {
    *left = left.checked_sub(fields)?;
    Some(())
}

/// A message and those that are defined in it, with their full names.
fn collect<'a>(
    within: &str,
    message: &'a DescriptorProto,
    all: &mut Vec<(String, &'a DescriptorProto)>,
) {
    let name = format!("{within}.{}", message.name());
    for nested in &message.nested_type {
        collect(&name, nested, all);
    }
    all.push((name, message));
}

fn contents(message: &DescriptorProto, numbers: &HashMap<String, usize>) -> HashMap<u32, Content> {
    let fields = message.field.iter().filter_map(|field| {
        let content = match field.r#type() {
            Type::Message => {
                let name = field.type_name().trim_start_matches('.');
                Content::Message(*numbers.get(name)?)
            }
            Type::Int32
            | Type::Int64
            | Type::Uint32
            | Type::Uint64
            | Type::Sint32
            | Type::Sint64
            | Type::Enum
                if field.label() == Label::Repeated =>
            {
                Content::Numbers
            }
            _ => return None,
        };
        Some((u32::try_from(field.number()).ok()?, content))
    });
    fields.collect()
}

/// Whether a message has no more fields than this.
fn within<U: Name>(message: Bytes, most: usize) -> bool {
    let number = LAYOUT.numbers.get(&U::full_name()).copied();
    let mut left = most;
    LAYOUT.spend(number, message, &mut left).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open_inference::{
        InferParameter, InferTensorContents, ModelInferRequest, ModelReadyRequest,
        infer_parameter::ParameterChoice,
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    };

    fn fits(request: &ModelInferRequest, most: usize) -> bool {
        within::<ModelInferRequest>(request.encode_to_vec().into(), most)
    }

    fn of_contents(contents: InferTensorContents) -> ModelInferRequest {
        ModelInferRequest {
            inputs: vec![InferInputTensor {
                contents: Some(contents),
                ..InferInputTensor::default()
            }],
            ..ModelInferRequest::default()
        }
    }

    /// The largest number of fields that is not enough.
    fn cost(request: &ModelInferRequest) -> usize {
        (0..1000).find(|most| fits(request, *most)).unwrap()
    }

    #[test]
    fn a_request_as_clients_send_it_costs_little_however_long_it_is() {
        let raw = ModelInferRequest {
            model_name: "steel".to_owned(),
            id: "7".to_owned(),
            raw_input_contents: vec![vec![0; 1 << 20]],
            inputs: vec![InferInputTensor {
                name: "spectrum".to_owned(),
                datatype: "FP32".to_owned(),
                shape: vec![100, 2631],
                ..InferInputTensor::default()
            }],
            ..ModelInferRequest::default()
        };
        assert!(fits(&raw, 16));
        let typed = of_contents(InferTensorContents {
            fp32_contents: vec![0.5; 1 << 18],
            ..InferTensorContents::default()
        });
        assert!(fits(&typed, 16));
    }

    #[test]
    fn what_is_small_on_the_wire_and_large_in_memory_is_counted() {
        let nothing = cost(&of_contents(InferTensorContents::default()));
        let bytes = InferTensorContents {
            bytes_contents: vec![Vec::new(); 100],
            ..InferTensorContents::default()
        };
        assert_eq!(cost(&of_contents(bytes)), nothing + 100);
        let numbers = InferTensorContents {
            int64_contents: vec![1; 100],
            ..InferTensorContents::default()
        };
        assert_eq!(cost(&of_contents(numbers)), nothing + 101);
        let shape = ModelInferRequest {
            inputs: vec![InferInputTensor {
                shape: vec![-1; 100],
                ..InferInputTensor::default()
            }],
            ..ModelInferRequest::default()
        };
        assert_eq!(cost(&shape), FIELDS_OF_A_MESSAGE + 101);
        let outputs = ModelInferRequest {
            outputs: vec![InferRequestedOutputTensor::default(); 100],
            ..ModelInferRequest::default()
        };
        assert_eq!(cost(&outputs), 100 * FIELDS_OF_A_MESSAGE);
        let value = InferParameter {
            parameter_choice: Some(ParameterChoice::BoolParam(true)),
        };
        let named = (0..50).map(|n| (n.to_string(), value.clone()));
        let parameters = ModelInferRequest {
            parameters: named.collect(),
            ..ModelInferRequest::default()
        };
        let each = 2 * FIELDS_OF_A_MESSAGE + 2;
        assert_eq!(cost(&parameters), 50 * each);
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_decoder() {
        let whole = of_contents(InferTensorContents::default()).encode_to_vec();
        for end in 0..whole.len() {
            assert!(within::<ModelInferRequest>(
                Bytes::copy_from_slice(&whole[..end]),
                16
            ));
        }
        assert!(within::<ModelInferRequest>(
            Bytes::from_static(&[0xff; 20]),
            1
        ));
    }

    /// How deep messages lie in this one.
    fn depth(message: usize, above: usize) -> usize {
        assert!(above < 16, "a message lies in itself");
        let inner = LAYOUT.messages[message].values();
        let depths = inner.map(|content| match content {
            Content::Message(number) => depth(*number, above + 1),
            Content::Numbers => above,
        });
        depths.max().unwrap_or(above)
    }

    #[test]
    fn every_message_is_known_and_none_lies_in_itself() {
        assert!(LAYOUT.numbers.contains_key(&ModelReadyRequest::full_name()));
        let request = LAYOUT.numbers[&ModelInferRequest::full_name()];
        assert_eq!(LAYOUT.messages[request].len(), 3);
        assert_eq!(depth(request, 0), 3);
        for message in 0..LAYOUT.messages.len() {
            depth(message, 0);
        }
    }
}
