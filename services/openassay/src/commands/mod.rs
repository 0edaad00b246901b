//! One module per sub-command: its options, and the order in which it calls the libraries.

pub(crate) mod convert_base;
pub(crate) mod describe;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod featurize;
pub(crate) mod identify;
pub(crate) mod jobs;
pub(crate) mod models;
pub(crate) mod report;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod split;
pub(crate) mod submit;
pub(crate) mod token;
pub(crate) mod verify_explanations;
pub(crate) mod watch;

#[cfg(feature = "train")]
pub(crate) mod benchmark;
#[cfg(feature = "train")]
pub(crate) mod compare_clr;
#[cfg(feature = "train")]
pub(crate) mod lr_find;
#[cfg(feature = "train")]
pub(crate) mod train;
#[cfg(not(feature = "train"))]
pub(crate) mod untrained;
