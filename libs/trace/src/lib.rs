//! Where work stands in a trace that crosses processes: places as W3C Trace Context writes them,
//! spans that go on from one, and the spans of single steps. Sampling and export are the runtime's.

mod place;
mod span;
mod step;

pub use place::{Place, TRACE_PARENT, TRACE_STATE, decided, is_undecided, undecided};
pub use span::{adopt, begin, current, failed, planned, tell};
pub use step::{ENTRIES, ITEM, STEP, item, quiet, step};
