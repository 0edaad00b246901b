//! Long byte strings as messages of bounded length.

use bytes::Bytes;

/// Longest piece: 1 MiB.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// Pieces of bytes, at least one: an empty string is one empty piece.
pub(super) fn of(bytes: Bytes) -> impl Iterator<Item = Bytes> + Send {
    let last = bytes.len().saturating_sub(1) / PIECE_BYTES;
    (0..=last).map(move |at| {
        let from = at * PIECE_BYTES;
        bytes.slice(from..bytes.len().min(from + PIECE_BYTES))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole() {
        for length in [
            0,
            1,
            PIECE_BYTES - 1,
            PIECE_BYTES,
            PIECE_BYTES + 1,
            3 * PIECE_BYTES,
        ] {
            let bytes = Bytes::from(vec![1; length]);
            let pieces: Vec<_> = of(bytes.clone()).collect();
            assert_eq!(pieces.len(), length.div_ceil(PIECE_BYTES).max(1));
            assert_eq!(pieces.concat(), bytes);
        }
    }
}
