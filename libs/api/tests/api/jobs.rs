//! Jobs, their events and the messages of workers survive the wire.

use assay_api::{job, jobs as wire, work};
use assay_core::{Digest, ErrorKind};
use assay_jobs::{
    Beat, EpochProgress, EventKind, Failure, FencingToken, JobEvent, JobId, JobResult, JobState,
    Lane, Outcome, Progress, Timestamp,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};

const STATES: [JobState; 5] = [
    JobState::Queued,
    JobState::Running,
    JobState::Succeeded,
    JobState::Failed,
    JobState::Cancelled,
];

#[test]
fn lanes_and_states_come_back() {
    for lane in Lane::ALL {
        assert_eq!(
            job::lane_from_wire(job::lane_to_wire(lane).into()),
            Ok(lane)
        );
    }
    for state in STATES {
        let number = job::state_to_wire(state).into();
        assert_eq!(job::state_from_wire("state", number), Ok(state));
    }
    assert_eq!(job::optional_lane(0), Ok(None));
    for unknown in [0, 4, -1] {
        assert!(job::lane_from_wire(unknown).is_err());
    }
    assert!(job::state_from_wire("state", 0).is_err());
}

prop_compose! {
    fn progress()(
        stage in ".*",
        done in any::<u64>(),
        remaining_s in prop::option::of(0.0..1e9f64),
        epoch in prop::option::of((any::<u32>(), -1e9..1e9f64, prop::option::of(0.0..1e3f64))),
    ) -> Progress {
        Progress {
            stage,
            done,
            total: done / 2,
            remaining_s,
            epoch: epoch.map(|(epoch, loss, validation_loss)| EpochProgress {
                epoch,
                loss,
                accuracy: 0.1,
                learning_rate: 1e-3,
                validation_loss,
                validation_accuracy: validation_loss.map(|_| 0.0),
            }),
        }
    }
}

proptest! {
    #[test]
    fn events_come_back(
        sequence in any::<u64>(),
        at in any::<u64>(),
        progress in progress(),
        message in ".*",
        state in prop::sample::select(STATES.to_vec()),
    ) {
        let kinds = [
            EventKind::Progress(progress),
            EventKind::Warning(message.clone()),
            EventKind::State { state, attempt: 3, reason: message },
        ];
        for kind in kinds {
            let event = JobEvent { sequence, at: Timestamp(at), kind };
            prop_assert_eq!(job::event_from_wire(&job::event_to_wire(&event)), Ok(event));
        }
    }

    #[test]
    fn beats_come_back(progress in prop::collection::vec(progress(), 0..3), token in any::<u64>()) {
        let id = JobId::new();
        let beat = Beat {
            progress,
            checkpoint: Some(Digest::of(b"checkpoint")),
            warnings: vec!["é".to_owned()],
        };
        let sent = work::beat_to_wire(id, FencingToken(token), &beat);
        prop_assert_eq!(work::beat_from_wire(&sent), Ok((id, FencingToken(token), beat)));
    }
}

fn failure() -> Failure {
    Failure {
        kind: ErrorKind::FailedPrecondition,
        message: "no calibration".to_owned(),
    }
}

#[test]
fn outcomes_come_back() {
    let result = JobResult {
        artefacts: BTreeMap::from([("results.csv".to_owned(), Digest::of(b"csv"))]),
        summary: serde_json::json!({"rows": 3, "share": 0.1}),
    };
    let outcomes = [
        Outcome::Succeeded(result),
        Outcome::Succeeded(JobResult::default()),
        Outcome::Failed(failure()),
        Outcome::Cancelled,
        Outcome::Retry {
            failure: failure(),
            backoff: Duration::from_millis(1500),
        },
        Outcome::Released,
    ];
    let (id, token) = (JobId::new(), FencingToken(7));
    for outcome in outcomes {
        let sent = work::outcome_to_wire(id, token, &outcome);
        assert_eq!(work::outcome_from_wire(&sent), Ok((id, token, outcome)));
    }
}

#[test]
fn outcomes_that_lack_something_are_refused() {
    let id = JobId::new().to_string();
    let refused = |outcome: i32, id: &str| {
        let request = wire::FinishRequest {
            id: id.to_owned(),
            outcome,
            ..wire::FinishRequest::default()
        };
        work::outcome_from_wire(&request).unwrap_err().to_string()
    };
    assert!(refused(0, &id).starts_with("outcome: is not said"));
    assert!(refused(9, &id).contains("OUTCOME_KIND_RELEASED (5)"));
    assert!(refused(1, &id).starts_with("result: is missing"));
    assert!(refused(3, "x").starts_with("id: "));
    let twice = wire::Artefact {
        name: "a".to_owned(),
        digest: Digest::of(b"a").to_string(),
    };
    let result = wire::Result {
        artefacts: vec![twice.clone(), twice],
        summary_json: String::new(),
    };
    let message = job::result_from_wire(&result).unwrap_err().to_string();
    assert!(message.starts_with("artefacts[1].name"), "{message}");
}
