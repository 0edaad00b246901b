//! What every other crate shares: error kinds, content digests, class labels, secrets and keyed
//! random numbers. Nothing here knows about spectra, networks or I/O.

mod digest;
mod error;
mod label;
mod random;
mod secret;

pub use digest::{Digest, DigestBuilder, ParseDigestError, PartsDigest};
pub use error::{Classified, ErrorKind};
pub use label::{ClassLabel, LabelError, UNKNOWN};
pub use random::{KeyedRng, keyed_rng};
pub use secret::Secret;
