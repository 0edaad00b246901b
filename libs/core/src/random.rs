//! Keyed random numbers: a generator is a pure function of (seed, purpose, counters), so that
//! a run resumed in the middle draws exactly what the uninterrupted run would have drawn.

use crate::digest::DigestBuilder;
use rand::SeedableRng;

/// The generator behind all randomness of this project: ChaCha with 8 rounds, whose stream is
/// the same on every platform.
pub type KeyedRng = rand_chacha::ChaCha8Rng;

/// A generator for one purpose, for example `keyed_rng(seed, "shuffle", &[epoch])`.
#[must_use]
pub fn keyed_rng(seed: u64, purpose: &str, counters: &[u64]) -> KeyedRng {
    let key = counters
        .iter()
        .fold(
            DigestBuilder::new("openassay keyed rng 1")
                .number(seed)
                .bytes(purpose.as_bytes()),
            |key, &counter| key.number(counter),
        )
        .finish();
    KeyedRng::from_seed(*key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn is_a_function_of_its_key_and_of_nothing_else() {
        let draw = |seed, purpose, counters: &[u64]| keyed_rng(seed, purpose, counters).next_u64();
        assert_eq!(draw(1, "shuffle", &[2, 3]), draw(1, "shuffle", &[2, 3]));
        let others = [
            draw(2, "shuffle", &[2, 3]),
            draw(1, "dropout", &[2, 3]),
            draw(1, "shuffle", &[3, 2]),
            draw(1, "shuffle", &[2]),
        ];
        assert!(
            others
                .iter()
                .all(|&other| other != draw(1, "shuffle", &[2, 3]))
        );
    }
}
