//! What is known about an error beside its kind and message.

use crate::WireError;
use assay_answering::AnswerError;
use assay_jobs::JobError;
use assay_pipeline::PipelineError;
use assay_store::StoreError;
use std::{collections::HashMap, error::Error, time::Duration};
use tonic::Code;

/// A full lane empties within minutes, not within milliseconds.
const RETRY_FULL_LANE: Duration = Duration::from_secs(5);

pub(super) const FENCED: &str = "JOB_FENCED";
pub(super) const STATE: &str = "state";

/// What the details of a status are made of.
#[derive(Default)]
pub(super) struct Facts<'a> {
    pub(super) field: Option<&'a str>,
    pub(super) retry_after: Option<Duration>,
    pub(super) reason: Option<&'static str>,
    pub(super) metadata: HashMap<String, String>,
    /// Where the kind is not exact enough.
    pub(super) code: Option<Code>,
}

impl<'a> Facts<'a> {
    /// Looks at the errors of this workspace; another one has no facts.
    pub(super) fn of(error: &'a (dyn Error + 'static)) -> Self {
        if let Some(error) = error.downcast_ref::<AnswerError>() {
            Self::of_answer(error)
        } else if let Some(error) = error.downcast_ref::<JobError>() {
            Self::of_job(error)
        } else if let Some(StoreError::Invalid { field, .. }) = error.downcast_ref() {
            Self::of_field(field)
        } else if let Some(PipelineError::Parameter { name, .. }) = error.downcast_ref() {
            Self::of_field(name)
        } else if let Some(WireError::Field { field, .. }) = error.downcast_ref() {
            Self::of_field(field)
        } else {
            Self::default()
        }
    }

    fn of_field(field: &'a str) -> Self {
        Self {
            field: Some(field),
            ..Self::default()
        }
    }

    fn of_answer(error: &'a AnswerError) -> Self {
        match error {
            AnswerError::Field { field, .. } => Self::of_field(field),
            AnswerError::Pipeline(error) => Self::of(error),
            AnswerError::Store(error) => Self::of(error),
            AnswerError::Overloaded { retry_after, .. } => Self {
                retry_after: Some(*retry_after),
                reason: Some("OVERLOADED"),
                ..Self::default()
            },
            AnswerError::Deadline { .. } => Self {
                reason: Some("DEADLINE_EXCEEDED"),
                code: Some(Code::DeadlineExceeded),
                ..Self::default()
            },
            AnswerError::Model { source, .. } => Self::of_answer(source),
            _ => Self::default(),
        }
    }

    fn of_job(error: &'a JobError) -> Self {
        let named = |reason| Self {
            reason: Some(reason),
            ..Self::default()
        };
        match error {
            JobError::Invalid { field, .. } => Self::of_field(field),
            JobError::KeyReused { .. } => named("IDEMPOTENCY_KEY_REUSED"),
            JobError::Full { .. } => Self {
                retry_after: Some(RETRY_FULL_LANE),
                ..named("LANE_FULL")
            },
            JobError::Fenced { state, .. } => Self {
                metadata: HashMap::from([(STATE.to_owned(), state.to_string())]),
                ..named(FENCED)
            },
            _ => Self::default(),
        }
    }
}
