//! Says whether a sample is like what a model was trained on: detectors behind one seam,
//! thresholds and p-values, the choice of their parameters, the open-set classifier and its
//! figures of merit. Knows feature vectors and logits, not spectra.

mod auroc;
mod classifier;
mod confusion;
mod detector;
mod dime;
mod error;
mod folds;
mod gate;
mod groups;
mod kchoice;
mod logits;
mod merit;
mod record;
mod sample;
pub mod search;
mod subspace;
mod threshold;

pub use auroc::auroc;
pub use classifier::{ArgMax, AtLeast, Classifier, OpenSetClassifier};
pub use confusion::{Assignment, ConfusionMatrix, Style};
pub use detector::{Detector, DetectorSpec, Input, NamedArrays};
pub use dime::{Dime, dime_out_of_fold_scores};
pub use error::OpenSetError;
pub use folds::{Folds, Split, stratified_folds, stratified_split};
pub use gate::Gate;
pub use groups::grouped_folds;
pub use kchoice::{
    ClassAuroc, DEFAULT_CANDIDATES, KChoice, KScore, KSearch, KnownUnknowns, SAME_AUROC, choose_k,
};
pub use logits::{Energy, Softmax};
pub use merit::{FiguresOfMerit, ScoreUsing};
pub use record::{GateRecord, GateSpec, GateWarning, Judgement};
pub use sample::{Sample, Samples};
pub use subspace::RANK_TOLERANCE;
pub use threshold::{Interpolation, ThresholdRule, percentile};
