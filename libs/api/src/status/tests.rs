//! Statuses there and back.

use super::*;
use crate::WireError;
use assay_answering::AnswerError;
use assay_jobs::{JobError, JobId, JobState, Lane};
use assay_store::StoreError;
use proptest::prelude::*;

const KINDS: [ErrorKind; 9] = [
    ErrorKind::InvalidArgument,
    ErrorKind::NotFound,
    ErrorKind::AlreadyExists,
    ErrorKind::FailedPrecondition,
    ErrorKind::ResourceExhausted,
    ErrorKind::Unavailable,
    ErrorKind::Cancelled,
    ErrorKind::DataLoss,
    ErrorKind::Internal,
];

fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|b| b.field_violations);
    let violations = violations.unwrap_or_default().into_iter();
    violations.map(|violation| violation.field).collect()
}

#[test]
fn every_kind_has_a_code_of_its_own() {
    for kind in KINDS {
        assert_eq!(kind_of(code(kind)), kind);
    }
}

#[test]
fn statuses_of_other_makers_have_kinds_too() {
    let kind = |code| super::kind(&Status::new(code, ""));
    assert_eq!(kind(Code::DeadlineExceeded), ErrorKind::Unavailable);
    assert_eq!(kind(Code::Unimplemented), ErrorKind::FailedPrecondition);
    assert_eq!(kind(Code::OutOfRange), ErrorKind::InvalidArgument);
    assert_eq!(kind(Code::Unknown), ErrorKind::Internal);
}

#[test]
fn answers_errors_come_back_as_they_went() {
    let errors = [
        AnswerError::Field {
            field: "model",
            reason: "is \"a b\"".to_owned(),
        },
        AnswerError::Store(StoreError::NotFound {
            what: "model",
            name: "x".to_owned(),
            advice: String::new(),
        }),
        AnswerError::Overloaded {
            what: "4096 rows wait".to_owned(),
            retry_after: Duration::from_micros(1_234_567),
        },
        AnswerError::Unavailable("the model is loading".to_owned()),
    ];
    for error in errors {
        let status = of(&error);
        let back = answer_error(&status);
        assert_eq!(back.kind(), error.kind(), "{error}");
        assert_eq!(back.to_string(), error.to_string());
        let again = of(&back);
        assert_eq!(again.code(), status.code());
        assert_eq!(retry_after(&again), retry_after(&status));
    }
    let late = AnswerError::Deadline { doing: "waiting" };
    assert_eq!(of(&late).code(), Code::DeadlineExceeded);
    assert_eq!(of(&answer_error(&of(&late))).code(), Code::DeadlineExceeded);
}

#[test]
fn fields_waiting_times_and_reasons_are_in_the_details() {
    let invalid = JobError::invalid("max_attempts", 21, "1 to 20");
    assert_eq!(fields(&of(&invalid)), ["max_attempts"]);
    assert_eq!(
        fields(&of(&WireError::field("rows[3].role", "is 7"))),
        ["rows[3].role"]
    );
    let full = of(&JobError::Full {
        lane: Lane::Train,
        waiting: 10,
    });
    assert_eq!(full.code(), Code::ResourceExhausted);
    assert_eq!(retry_after(&full), Some(Duration::from_secs(5)));
    assert_eq!(full.get_details_error_info().unwrap().reason, "LANE_FULL");
    let down = of(&JobError::Unavailable {
        what: "the queue",
        reason: "refused".to_owned(),
    });
    assert_eq!(retry_after(&down), Some(RETRY_UNAVAILABLE));
    let many = (0..20)
        .map(|at| (format!("f{at}"), "bad".to_owned()))
        .collect();
    assert_eq!(fields(&invalid_fields(many)).len(), MOST_VIOLATIONS);
    let busy = overloaded("full", Duration::from_millis(250));
    assert_eq!(retry_after(&busy), Some(Duration::from_millis(250)));
}

#[test]
fn a_lost_job_is_known_as_lost_on_the_other_side() {
    let job = JobId::new();
    let lost = JobError::Fenced {
        job,
        state: JobState::Cancelled,
    };
    let back = job_error(&of(&lost), job);
    assert_eq!(back.to_string(), lost.to_string());
    let gone = job_error(&of(&JobError::NotFound(job)), job);
    assert!(matches!(gone, JobError::NotFound(id) if id == job));
    // A stranger's FAILED_PRECONDITION must not make a worker give its job up.
    let strange = job_error(&Status::failed_precondition("proxy"), job);
    assert_eq!(strange.kind(), ErrorKind::Unavailable);
}

#[test]
fn defects_are_told_to_nobody() {
    let status = of(&AnswerError::Defect("index 7 of 3".to_owned()));
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("index 7"), "{status}");
    assert!(status.message().contains("x-request-id"), "{status}");
}

#[test]
fn messages_fit_into_headers() {
    let long = WireError::field("f", "é".repeat(5000));
    let status = of(&long);
    assert!(status.message().len() <= LONGEST_MESSAGE_BYTES);
    assert!(status.message().ends_with('…'));
    assert!(status.details().len() < 2 * LONGEST_MESSAGE_BYTES);
}

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] WireError);

#[test]
fn causes_are_told_once() {
    assert_eq!(
        with_causes(&Outer(WireError::field("a", "b"))),
        "outer: a: b"
    );
    let holds = AnswerError::Store(StoreError::Unavailable {
        reason: "disk".to_owned(),
    });
    assert_eq!(with_causes(&holds), holds.to_string());
}

proptest! {
    #[test]
    fn shortening_keeps_characters_whole(text in ".*", longest in 3usize..40) {
        let short = shortened(&text, longest);
        prop_assert!(short.len() <= longest.max(text.len().min(longest)));
        prop_assert!(text.starts_with(short.trim_end_matches('…')));
    }
}
