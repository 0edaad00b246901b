//! From the outcomes of evaluation and explanation to the content of report pages: what the
//! command line and the services both write. It computes no figure and writes no file.

mod date;
pub mod evaluation;
pub mod explanation;
pub mod words;

pub use date::utc;
