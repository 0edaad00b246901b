//! How many rows one answer holds, so that more are refused before they are computed.

use crate::MAX_ROWS;

/// Rows of so many bytes that fit one message, 1 to [`MAX_ROWS`].
pub(crate) fn rows_that_fit(row_bytes: usize, max_message_bytes: usize) -> usize {
    // All other fields; longer ones have the room that messages have above the limit.
    const OTHER_BYTES: usize = 256;
    let most = max_message_bytes.saturating_sub(OTHER_BYTES) / row_bytes.max(1);
    most.clamp(1, MAX_ROWS)
}
