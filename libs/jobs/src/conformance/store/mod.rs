//! The cases about stores.

mod cancel;
mod claim;
mod events;
mod finish;
mod list;
mod submit;
mod sweep;

pub use cancel::*;
pub use claim::*;
pub use events::*;
pub use finish::*;
pub use list::*;
pub use submit::*;
pub use sweep::*;
