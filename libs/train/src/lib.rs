//! The one training workflow: features, learning-rate finder, cyclical rates, head, gate,
//! evaluation, bundle. The only library of the workspace that uses torch.

mod augment;
mod backend;
mod benchmark;
mod clr;
mod compare;
mod cuda;
mod error;
mod features;
mod fit;
mod initialise;
mod loss;
mod lr_finder;
mod observer;
mod optimiser;
mod sampler;
mod tensorboard;
mod tensors;
mod workflow;

pub use assay_training_spec::{
    Augmentation, CheckpointSettings, ClrMode, DetectorKind, DeviceChoice, Execution,
    FinderSettings, GainShifts, GateSearch, GateSettings, PUBLISHED_IMAGE_SIZE, RateBounds,
    Reproduction, Schedule, SpecificationError, ThresholdKind, TrainingSpec, Validation,
    processor_threads,
};
pub use backend::{Mode, TchNetwork, Trainable};
pub use benchmark::{BenchmarkReport, MeanScores, RoundReport, benchmark};
pub use clr::{CyclicalRate, Scale, ScaleMode};
pub use compare::{COMPARED, ClrComparison, ComparedRun, compare_clr, find_rates};
pub use cuda::{device_name, open_device};
pub use error::{Result, TrainError};
pub use features::{FeatureSource, Features, compute_features};
pub use fit::{
    CheckpointPlan, EpochRecord, Examples, FitData, FitSettings, fit, judge, on_training_thread,
    search_rates,
};
pub use initialise::initial_weights;
pub use loss::{balanced_class_weights, score_logits, weighted_cross_entropy};
pub use lr_finder::{CurvePoint, RateFinder, Search, estimate_bounds};
pub use observer::{Observer, Stage, Unobserved};
pub use optimiser::{Adam, AdamConstants};
pub use sampler::{StepKey, batches, shuffled};
pub use tensorboard::EventWriter;
pub use workflow::{
    FinderOutcome, GateOutcome, Resources, ScoredRow, StageTiming, Trained, TrainingData,
    TrainingJob, TrainingOutcome, UnknownScore, load, run, train,
};
