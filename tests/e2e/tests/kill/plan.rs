//! What is submitted in a round, and when the server is killed.

use assay_api::jobs::{Lane, SubmitRequest};
use assay_core::KeyedRng;
use rand::{RngExt as _, seq::SliceRandom as _};
use std::time::Duration;

/// The model that batches use.
pub(crate) const PROBE: &str = "probe";

/// The name under which trainings register their models.
pub(crate) const TRAINED: &str = "trained";

/// A kind of job; jobs of one kind have the same results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Trains with this seed.
    Train(u64),
    Identify,
    Explain,
}

const KINDS: [Kind; 4] = [
    Kind::Train(1),
    Kind::Train(2),
    Kind::Identify,
    Kind::Explain,
];

/// A job that is to be submitted.
pub(crate) struct Planned {
    pub(crate) kind: Kind,
    pub(crate) request: SubmitRequest,
}

/// The jobs of a round, in the order of their submission.
pub(crate) struct Plan(pub(crate) Vec<Planned>);

impl Plan {
    pub(crate) fn one_of_each(dataset: &str) -> Self {
        let jobs = KINDS.iter().enumerate();
        Self(jobs.map(|(n, kind)| planned(n, *kind, dataset)).collect())
    }

    /// Six trainings and seven batches of either kind, mixed.
    pub(crate) fn twenty(dataset: &str, random: &mut KeyedRng) -> Self {
        let numbers = [3, 3, 7, 7];
        let kinds = KINDS.into_iter().zip(numbers);
        let mut kinds: Vec<_> = kinds
            .flat_map(|(kind, n)| std::iter::repeat_n(kind, n))
            .collect();
        kinds.shuffle(random);
        let jobs = kinds.into_iter().enumerate();
        Self(jobs.map(|(n, kind)| planned(n, kind, dataset)).collect())
    }
}

fn planned(number: usize, kind: Kind, dataset: &str) -> Planned {
    let (lane, model, specification_json) = match kind {
        Kind::Train(seed) => (Lane::Train, TRAINED, training(seed)),
        Kind::Identify => (Lane::Identify, PROBE, String::new()),
        Kind::Explain => (Lane::Explain, PROBE, String::new()),
    };
    let request = SubmitRequest {
        lane: lane.into(),
        dataset: dataset.to_owned(),
        model: model.to_owned(),
        specification_json,
        idempotency_key: format!("job {number}"),
        max_attempts: 20,
        promote: matches!(kind, Kind::Train(_)),
    };
    Planned { kind, request }
}

/// A quick training on given rates.
fn training(seed: u64) -> String {
    format!(
        r#"{{
            "model": {{"kind": "cnn1d", "variant": {{"small_gap": {{"pool": 8}}}}}},
            "schedule": {{"bounds": {{"base": 0.001, "max": 0.01}}}},
            "gate": {{"candidates": [2, 4], "folds": 3}},
            "validation": {{"from": "none"}},
            "epochs": 12,
            "seed": {seed}
        }}"#
    )
}

/// When a server is killed: after so much news of its jobs, and a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) news: usize,
    pub(crate) delay: Duration,
}

impl Moment {
    /// Every third early, while jobs are still submitted.
    pub(crate) fn draw(random: &mut KeyedRng) -> Self {
        let most = [25, 90, 250][random.random_range(0..3)];
        Self {
            news: random.random_range(1..=most),
            delay: Duration::from_millis(random.random_range(0..150)),
        }
    }
}
