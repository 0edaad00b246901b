//! Messages between a worker and the control service.

use crate::{WireError, field, job, jobs as wire};
use assay_jobs::{Assignment, Beat, FencingToken, JobId, Outcome};
use std::time::Duration;

/// An assignment for the wire.
///
/// # Errors
/// When the record has no JSON form, which is a defect.
pub fn assignment_to_wire(
    assignment: Option<&Assignment>,
) -> Result<wire::ClaimResponse, serde_json::Error> {
    let Some(assignment) = assignment else {
        return Ok(wire::ClaimResponse::default());
    };
    Ok(wire::ClaimResponse {
        record_json: serde_json::to_string(&assignment.record)?,
        token: assignment.token.0,
        lease_ms: milliseconds(assignment.lease),
    })
}

/// An assignment from the wire; none where no job came.
///
/// # Errors
/// When the record cannot be understood.
pub fn assignment_from_wire(claim: &wire::ClaimResponse) -> Result<Option<Assignment>, WireError> {
    if claim.record_json.is_empty() {
        return Ok(None);
    }
    let record =
        serde_json::from_str(&claim.record_json).map_err(|e| WireError::field("record_json", e))?;
    Ok(Some(Assignment {
        record,
        token: FencingToken(claim.token),
        lease: Duration::from_millis(claim.lease_ms),
    }))
}

/// A heartbeat for the wire.
#[must_use]
pub fn beat_to_wire(id: JobId, token: FencingToken, beat: &Beat) -> wire::BeatRequest {
    wire::BeatRequest {
        id: id.to_string(),
        token: token.0,
        progress: beat.progress.iter().map(job::progress_to_wire).collect(),
        checkpoint: beat
            .checkpoint
            .map_or_else(String::new, |digest| digest.to_string()),
        warnings: beat.warnings.clone(),
    }
}

/// A heartbeat from the wire.
///
/// # Errors
/// When id or checkpoint cannot be used.
pub fn beat_from_wire(
    request: &wire::BeatRequest,
) -> Result<(JobId, FencingToken, Beat), WireError> {
    let beat = Beat {
        progress: request
            .progress
            .iter()
            .map(job::progress_from_wire)
            .collect(),
        checkpoint: field::optional_digest("checkpoint", &request.checkpoint)?,
        warnings: request.warnings.clone(),
    };
    Ok((id(&request.id)?, FencingToken(request.token), beat))
}

/// An outcome for the wire.
#[must_use]
pub fn outcome_to_wire(id: JobId, token: FencingToken, outcome: &Outcome) -> wire::FinishRequest {
    let mut request = wire::FinishRequest {
        id: id.to_string(),
        token: token.0,
        ..Default::default()
    };
    let kind = match outcome {
        Outcome::Succeeded(result) => {
            request.result = Some(job::result_to_wire(result));
            wire::OutcomeKind::Succeeded
        }
        Outcome::Failed(failure) => {
            (request.error_code, request.error_message) = job::failure_to_wire(Some(failure));
            wire::OutcomeKind::Failed
        }
        Outcome::Retry { failure, backoff } => {
            (request.error_code, request.error_message) = job::failure_to_wire(Some(failure));
            request.backoff_ms = milliseconds(*backoff);
            wire::OutcomeKind::Retry
        }
        Outcome::Cancelled => wire::OutcomeKind::Cancelled,
        Outcome::Released => wire::OutcomeKind::Released,
    };
    request.set_outcome(kind);
    request
}

/// An outcome from the wire.
///
/// # Errors
/// When id or outcome cannot be used, or a part of the outcome is missing.
pub fn outcome_from_wire(
    request: &wire::FinishRequest,
) -> Result<(JobId, FencingToken, Outcome), WireError> {
    let failure = || job::failure_from_wire(request.error_code, &request.error_message);
    let kind = field::known("outcome", request.outcome, wire::OutcomeKind::as_str_name)?;
    let outcome = match kind {
        wire::OutcomeKind::Unspecified => {
            return Err(WireError::field("outcome", "is not said"));
        }
        wire::OutcomeKind::Succeeded => {
            let result = request
                .result
                .as_ref()
                .ok_or_else(|| WireError::field("result", "is missing; a success needs it"))?;
            Outcome::Succeeded(job::result_from_wire(result).map_err(|e| e.within("result"))?)
        }
        wire::OutcomeKind::Failed => Outcome::Failed(failure()),
        wire::OutcomeKind::Cancelled => Outcome::Cancelled,
        wire::OutcomeKind::Retry => Outcome::Retry {
            failure: failure(),
            backoff: Duration::from_millis(request.backoff_ms),
        },
        wire::OutcomeKind::Released => Outcome::Released,
    };
    Ok((id(&request.id)?, FencingToken(request.token), outcome))
}

/// The id of a job.
///
/// # Errors
/// When it is no UUID.
pub fn id(text: &str) -> Result<JobId, WireError> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        WireError::field(
            "id",
            format!("is {shown:?}; a job's id (UUID) as Submit returned it is needed"),
        )
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
