//! From the outcomes of evaluation to the content of a report page: what the command
//! line and the training service both write. It computes no figure and writes no file.

mod date;
pub mod evaluation;
pub mod words;

pub use date::utc;
