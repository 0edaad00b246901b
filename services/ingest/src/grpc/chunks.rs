//! An image in parts. The next part is made when the connection has room for it, so that a slow
//! reader costs one part and the image.

use crate::images::Image;
use assay_api::ingest::RenderImageStreamResponse;
use futures::{Stream, stream};
use tonic::Status;

/// Longest part: 1 MiB.
const CHUNK_BYTES: usize = 1 << 20;

pub(super) fn of(image: Image) -> impl Stream<Item = Result<RenderImageStreamResponse, Status>> {
    let total_bytes = image.bytes.len();
    stream::iter((0..total_bytes).step_by(CHUNK_BYTES).map(move |from| {
        // The whole of it, so that its place is kept until the last part is sent.
        let image = &image;
        let to = total_bytes.min(from + CHUNK_BYTES);
        Ok(RenderImageStreamResponse {
            chunk: image.bytes[from..to].to_vec(),
            total_bytes: total_bytes as u64,
            media_type: image.encoding.media_type().to_owned(),
        })
    }))
}
