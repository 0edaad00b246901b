//! Jobs: lanes, states, progress, results, events.

use crate::{WireError, field, jobs as wire, status};
use assay_core::ErrorKind;
use assay_jobs::{
    EpochProgress, EventKind, Failure, JobEvent, JobRecord, JobResult, JobState, Lane, Progress,
    Timestamp,
};
use std::collections::BTreeMap;

/// A lane for the wire.
#[must_use]
pub const fn lane_to_wire(lane: Lane) -> wire::Lane {
    match lane {
        Lane::Train => wire::Lane::Train,
        Lane::Identify => wire::Lane::Identify,
        Lane::Explain => wire::Lane::Explain,
    }
}

/// A lane, or none where it is not said.
///
/// # Errors
/// For a number that this version does not know.
pub fn optional_lane(lane: i32) -> Result<Option<Lane>, WireError> {
    Ok(match field::known("lane", lane, wire::Lane::as_str_name)? {
        wire::Lane::Unspecified => None,
        wire::Lane::Train => Some(Lane::Train),
        wire::Lane::Identify => Some(Lane::Identify),
        wire::Lane::Explain => Some(Lane::Explain),
    })
}

/// A lane from the wire.
///
/// # Errors
/// As [`optional_lane`], and where it is not said.
pub fn lane_from_wire(lane: i32) -> Result<Lane, WireError> {
    optional_lane(lane)?.ok_or_else(|| {
        WireError::field(
            "lane",
            "is not said; allowed: LANE_TRAIN (1), LANE_IDENTIFY (2), LANE_EXPLAIN (3)",
        )
    })
}

/// A state for the wire.
#[must_use]
pub const fn state_to_wire(state: JobState) -> wire::JobState {
    match state {
        JobState::Queued => wire::JobState::Queued,
        JobState::Running => wire::JobState::Running,
        JobState::Succeeded => wire::JobState::Succeeded,
        JobState::Failed => wire::JobState::Failed,
        JobState::Cancelled => wire::JobState::Cancelled,
    }
}

/// A state from the wire.
///
/// # Errors
/// For a number that this version does not know, and where it is not said.
pub fn state_from_wire(field: &str, state: i32) -> Result<JobState, WireError> {
    match field::known(field, state, wire::JobState::as_str_name)? {
        wire::JobState::Unspecified => Err(WireError::field(field, "is not said")),
        wire::JobState::Queued => Ok(JobState::Queued),
        wire::JobState::Running => Ok(JobState::Running),
        wire::JobState::Succeeded => Ok(JobState::Succeeded),
        wire::JobState::Failed => Ok(JobState::Failed),
        wire::JobState::Cancelled => Ok(JobState::Cancelled),
    }
}

/// A job for the wire. What only its worker needs stays at the server.
#[must_use]
pub fn to_wire(record: &JobRecord) -> wire::Job {
    let (error_code, error_message) = failure_to_wire(record.failure.as_ref());
    wire::Job {
        id: record.id.to_string(),
        lane: lane_to_wire(record.job.lane).into(),
        state: state_to_wire(record.state).into(),
        attempt: record.attempt,
        max_attempts: record.job.max_attempts,
        progress: Some(progress_to_wire(&record.progress)),
        result: record.result.as_ref().map(result_to_wire),
        error_code,
        error_message,
        created_at_ms: record.created_at.0,
        started_at_ms: record.started_at.map_or(0, |at| at.0),
        finished_at_ms: record.finished_at.map_or(0, |at| at.0),
        sequence: record.sequence,
        cancel_requested: record.cancel_requested,
        specification_json: record.job.specification.to_string(),
    }
}

/// Progress for the wire.
#[must_use]
pub fn progress_to_wire(progress: &Progress) -> wire::Progress {
    wire::Progress {
        stage: progress.stage.clone(),
        done: progress.done,
        total: progress.total,
        remaining_s: progress.remaining_s.unwrap_or(-1.0),
        epoch: progress.epoch.as_ref().map(|epoch| wire::Epoch {
            epoch: epoch.epoch,
            loss: epoch.loss,
            accuracy: epoch.accuracy,
            learning_rate: epoch.learning_rate,
            validation_loss: epoch.validation_loss,
            validation_accuracy: epoch.validation_accuracy,
        }),
    }
}

/// Progress from the wire.
#[must_use]
pub fn progress_from_wire(progress: &wire::Progress) -> Progress {
    let remaining_s = progress.remaining_s;
    Progress {
        stage: progress.stage.clone(),
        done: progress.done,
        total: progress.total,
        // A negative time, -1 by the interface, says that nobody knows; NaN says no more.
        remaining_s: (remaining_s >= 0.0).then_some(remaining_s),
        epoch: progress.epoch.as_ref().map(|epoch| EpochProgress {
            epoch: epoch.epoch,
            loss: epoch.loss,
            accuracy: epoch.accuracy,
            learning_rate: epoch.learning_rate,
            validation_loss: epoch.validation_loss,
            validation_accuracy: epoch.validation_accuracy,
        }),
    }
}

/// A result for the wire.
#[must_use]
pub fn result_to_wire(result: &JobResult) -> wire::Result {
    let artefacts = result
        .artefacts
        .iter()
        .map(|(name, digest)| wire::Artefact {
            name: name.clone(),
            digest: digest.to_string(),
        });
    wire::Result {
        artefacts: artefacts.collect(),
        summary_json: result.summary.to_string(),
    }
}

/// A result from the wire.
///
/// # Errors
/// For an artefact named twice or without a usable digest, and for a summary that is no JSON.
pub fn result_from_wire(result: &wire::Result) -> Result<JobResult, WireError> {
    let mut artefacts = BTreeMap::new();
    for (at, artefact) in result.artefacts.iter().enumerate() {
        let digest = field::digest(&format!("artefacts[{at}].digest"), &artefact.digest)?;
        if artefacts.insert(artefact.name.clone(), digest).is_some() {
            let reason = format!("{:?} is there twice", artefact.name);
            return Err(WireError::field(format!("artefacts[{at}].name"), reason));
        }
    }
    let summary = match result.summary_json.as_str() {
        "" => serde_json::Value::Null,
        text => serde_json::from_str(text).map_err(|e| WireError::field("summary_json", e))?,
    };
    Ok(JobResult { artefacts, summary })
}

/// Code and message of a failure; 0 and nothing where there is none.
#[must_use]
pub fn failure_to_wire(failure: Option<&Failure>) -> (u32, String) {
    failure.map_or((0, String::new()), |failure| {
        // Codes are small and positive.
        (status::code(failure.kind) as u32, failure.message.clone())
    })
}

/// A failure from its code and message.
#[must_use]
pub fn failure_from_wire(code: u32, message: &str) -> Failure {
    let code = i32::try_from(code).unwrap_or(i32::MAX);
    Failure {
        kind: match code {
            0 => ErrorKind::Internal,
            code => status::kind_of(tonic::Code::from_i32(code)),
        },
        message: message.to_owned(),
    }
}

/// An event for the wire. Progress and warnings come from the worker that has the job, so the job
/// is running then.
#[must_use]
pub fn event_to_wire(event: &JobEvent) -> wire::WatchResponse {
    let blank = wire::WatchResponse {
        sequence: event.sequence,
        at_ms: event.at.0,
        state: wire::JobState::Running.into(),
        ..Default::default()
    };
    match &event.kind {
        EventKind::State {
            state,
            attempt,
            reason,
        } => wire::WatchResponse {
            state: state_to_wire(*state).into(),
            attempt: *attempt,
            message: reason.clone(),
            ..blank
        },
        EventKind::Progress(progress) => wire::WatchResponse {
            progress: Some(progress_to_wire(progress)),
            ..blank
        },
        EventKind::Warning(message) => wire::WatchResponse {
            message: message.clone(),
            warning: true,
            ..blank
        },
        // A kind that is newer than this match is told as what it certainly is.
        other => wire::WatchResponse {
            message: format!("{other:?}"),
            warning: true,
            ..blank
        },
    }
}

/// An event from the wire.
///
/// # Errors
/// For a state that this version does not know.
pub fn event_from_wire(event: &wire::WatchResponse) -> Result<JobEvent, WireError> {
    let state = state_from_wire("state", event.state)?;
    let kind = if event.warning {
        EventKind::Warning(event.message.clone())
    } else if let Some(progress) = &event.progress {
        EventKind::Progress(progress_from_wire(progress))
    } else {
        EventKind::State {
            state,
            attempt: event.attempt,
            reason: event.message.clone(),
        }
    };
    Ok(JobEvent {
        sequence: event.sequence,
        at: Timestamp(event.at_ms),
        kind,
    })
}
