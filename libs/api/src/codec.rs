//! How messages are read: as prost reads them, after a look at how many fields they have.
//!
//! An empty row takes two bytes on the wire and a hundred in memory, so a limit of bytes alone
//! lets a message of 16 MiB become a gigabyte before anyone can refuse it.

mod nested;

pub use nested::{NestedCodec, NestedDecoder};

use crate::status;
use prost::{
    Message,
    bytes::{Buf, Bytes},
    encoding::{DecodeContext, WireType, decode_key, skip_field},
};
use std::marker::PhantomData;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};

/// Most fields of a message, each element of a repeated one counted: more than the largest
/// messages of the interface have, a data set of [`MAX_ROWS`](crate::datasets::MAX_ROWS) rows and
/// the answer to a stream of as many spectra, with a digest and an error for each.
pub const MAX_FIELDS: usize = 1 << 18;

/// Writes `T` as prost does and reads `U` unless it has too many fields.
#[derive(Debug, Clone)]
pub struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for BoundedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> BoundedDecoder<U> {
        BoundedDecoder(PhantomData)
    }
}

/// Reads `U` unless it has too many fields.
#[derive(Debug, Clone)]
pub struct BoundedDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // Splits the buffer; nothing is copied.
        let message = buffer.copy_to_bytes(buffer.remaining());
        if has_more_fields(message.clone(), MAX_FIELDS) {
            return Err(too_many());
        }
        read(message)
    }
}

/// The refusal of a message with too many fields.
fn too_many() -> Status {
    status::too_large(format!(
        "the message has more than {MAX_FIELDS} fields, the elements of repeated ones counted; \
         send less at once"
    ))
}

fn read<U: Message + Default>(message: Bytes) -> Result<Option<U>, Status> {
    U::decode(message)
        .map(Some)
        .map_err(|error| Status::internal(error.to_string()))
}

/// Whether a message has more fields than this. What cannot be read ends the count: decoding
/// refuses it in better words.
fn has_more_fields(mut message: Bytes, most: usize) -> bool {
    for _ in 0..most {
        if !message.has_remaining() || skip_one(&mut message).is_err() {
            return false;
        }
    }
    message.has_remaining()
}

fn skip_one(message: &mut Bytes) -> Result<(), prost::DecodeError> {
    let (tag, wire_type): (u32, WireType) = decode_key(message)?;
    skip_field(wire_type, tag, message, DecodeContext::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::{CreateDatasetRequest, DatasetRow};

    fn rows(count: usize) -> Bytes {
        let rows = vec![DatasetRow::default(); count];
        CreateDatasetRequest { rows }.encode_to_vec().into()
    }

    #[test]
    fn fields_are_counted_up_to_the_limit() {
        assert!(!has_more_fields(Bytes::new(), 0));
        assert!(!has_more_fields(rows(7), 7));
        assert!(has_more_fields(rows(8), 7));
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_decoder() {
        let cut = rows(8).slice(..15);
        assert!(!has_more_fields(cut, 8));
        assert!(!has_more_fields(Bytes::from_static(&[0xff; 20]), 8));
    }
}
