//! Jobs and workers that are asked for wrongly.

use crate::case::{Case, JOBS, Stage, WORKERS, absent, no_digests, path};
use assay_api::jobs::{
    BeatRequest, CancelRequest, ClaimRequest, FinishRequest, GetArtefactRequest, GetRequest, Lane,
    ListRequest, OutcomeKind, SubmitRequest, WatchRequest,
};
use assay_e2e::raw::Call;
use tonic::Code;

/// The id of a job that is not there.
const NO_JOB: &str = "0192f000-0000-7000-8000-000000000000";

pub(crate) fn cases(stage: &Stage) -> Vec<Case> {
    let mut cases = submissions(stage);
    cases.extend(jobs(stage));
    cases.extend(ids());
    cases.extend(workers(stage));
    cases
}

fn submissions(stage: &Stage) -> Vec<Case> {
    let good = |lane: Lane| SubmitRequest {
        lane: lane.into(),
        dataset: stage.dataset.clone(),
        model: "default".to_owned(),
        ..SubmitRequest::default()
    };
    let method = (JOBS, "Submit");
    let mut cases = Vec::new();
    let mut wrong = |name: &str, field: &str, lane: Lane, change: &dyn Fn(&mut SubmitRequest)| {
        let mut request = good(lane);
        change(&mut request);
        cases.push(Case::field(name, method, &request, field));
    };
    for lane in [0, 4, -1, i32::MAX, i32::MIN] {
        wrong(&format!("lane {lane}"), "lane", Lane::Identify, &|r| {
            r.lane = lane
        });
    }
    for digest in no_digests().into_iter().chain([String::new()]) {
        let name = format!("data set {digest:?}");
        wrong(&name, "dataset", Lane::Identify, &|r| {
            r.dataset.clone_from(&digest)
        });
    }
    let spectrum = stage.spectrum.clone();
    wrong(
        "a spectrum for a data set",
        "dataset",
        Lane::Identify,
        &|r| {
            r.dataset.clone_from(&spectrum);
        },
    );
    for text in ["{", "[]", "nonsense", "{} {}", "{\"epochs\": 1e999}"] {
        wrong(
            &format!("specification {text}"),
            "specification_json",
            Lane::Train,
            &|r| {
                r.specification_json = text.to_owned();
            },
        );
    }
    wrong(
        "a specification where nothing can be chosen",
        "specification_json",
        Lane::Identify,
        &|r| {
            r.specification_json = "{}".to_owned();
        },
    );
    for (text, field) in [
        ("{", "specification_json"),
        ("[]", "specification_json"),
        (r#"{"method": "lime"}"#, "specification_json"),
        (r#"{"shap": {"segments": -1}}"#, "specification_json"),
        (
            r#"{"shap": {"max_evals": 3}}"#,
            "specification_json.shap.max_evals",
        ),
        (
            r#"{"shap": {"pixels": {"blur": 20000}}}"#,
            "specification_json.shap.blur",
        ),
    ] {
        wrong(&format!("explanation {text}"), field, Lane::Explain, &|r| {
            r.specification_json = text.to_owned();
        });
    }
    wrong(
        "2 MiB of specification",
        "specification_json",
        Lane::Train,
        &|r| {
            r.specification_json = format!("{{\"x\": \"{}\"}}", "y".repeat(2 << 20));
        },
    );
    wrong(
        "specification 100,000 deep",
        "specification_json",
        Lane::Train,
        &|r| {
            r.specification_json = "[".repeat(100_000);
        },
    );
    wrong("21 attempts", "max_attempts", Lane::Identify, &|r| {
        r.max_attempts = 21
    });
    wrong("a key of 129", "idempotency_key", Lane::Identify, &|r| {
        r.idempotency_key = "k".repeat(129);
    });
    wrong(
        "a key with a line end",
        "idempotency_key",
        Lane::Identify,
        &|r| {
            r.idempotency_key = "a\nb".to_owned();
        },
    );
    wrong("promotion of a batch", "promote", Lane::Identify, &|r| {
        r.promote = true
    });
    wrong("a training without a name", "model", Lane::Train, &|r| {
        r.model.clear()
    });
    wrong("a training named ../x", "model", Lane::Train, &|r| {
        r.model = "../x".to_owned()
    });
    wrong("model a b", "model", Lane::Identify, &|r| {
        r.model = "a b".to_owned()
    });
    let absent_dataset = SubmitRequest {
        dataset: absent(),
        ..good(Lane::Identify)
    };
    cases.push(Case::missing("no such data set", method, &absent_dataset));
    let absent_model = SubmitRequest {
        model: "nothing".to_owned(),
        ..good(Lane::Identify)
    };
    cases.push(Case::missing("no such model", method, &absent_model));
    cases
}

fn jobs(stage: &Stage) -> Vec<Case> {
    let id = || stage.job.clone();
    let list = |change: &dyn Fn(&mut ListRequest)| {
        let mut request = ListRequest::default();
        change(&mut request);
        request
    };
    let watch = |after_sequence: u64| WatchRequest {
        id: id(),
        after_sequence,
    };
    let cancel = |reason: &str| CancelRequest {
        id: id(),
        reason: reason.to_owned(),
    };
    let artefact = |name: &str| GetArtefactRequest {
        id: id(),
        name: name.to_owned(),
    };
    let (watching, listing) = ((JOBS, "Watch"), (JOBS, "List"));
    let mut cases = vec![
        Case::field(
            "after event 10^6",
            watching,
            &watch(1_000_000),
            "after_sequence",
        ),
        Case::field(
            "after event 2^64-1",
            watching,
            &watch(u64::MAX),
            "after_sequence",
        ),
        Case::field(
            "1001 jobs",
            listing,
            &list(&|r| r.page_size = 1001),
            "page_size",
        ),
        Case::field(
            "2^32-1 jobs",
            listing,
            &list(&|r| r.page_size = u32::MAX),
            "page_size",
        ),
        Case::field("lane 9", listing, &list(&|r| r.lane = 9), "lane"),
        Case::field(
            "state 9",
            listing,
            &list(&|r| r.states = vec![1, 9]),
            "states[1]",
        ),
        Case::field(
            "state 0",
            listing,
            &list(&|r| r.states = vec![0]),
            "states[0]",
        ),
        Case::field(
            "a long reason",
            (JOBS, "Cancel"),
            &cancel(&"x".repeat(1001)),
            "reason",
        ),
        Case::field(
            "a reason of two lines",
            (JOBS, "Cancel"),
            &cancel("a\nb"),
            "reason",
        ),
        Case::refused(
            "the end of a job that is over",
            Call::of(&path(JOBS, "Cancel"), &cancel("")),
            Code::FailedPrecondition,
        ),
        Case::field(
            "a long name",
            (JOBS, "GetArtefact"),
            &artefact(&"x".repeat(257)),
            "name",
        ),
        Case::field(
            "a name with NUL",
            (JOBS, "GetArtefact"),
            &artefact("a\0"),
            "name",
        ),
    ];
    for token in ["x", "../..", "0", &"f".repeat(5000), "\0"] {
        let request = list(&|r| r.page_token = token.to_owned());
        let name = format!("page token {:.20?}", token);
        cases.push(Case::field(name, listing, &request, "page_token"));
    }
    for name in [
        "",
        "nothing.csv",
        "../jobs.redb",
        "/etc/passwd",
        "results.csv/..",
    ] {
        let method = (JOBS, "GetArtefact");
        cases.push(Case::missing(
            format!("artefact {name:?}"),
            method,
            &artefact(name),
        ));
    }
    cases
}

/// Ids that are none, and one that nobody has.
fn ids() -> Vec<Case> {
    let mut cases = Vec::new();
    let bad = [
        "",
        "x",
        "../..",
        "\0",
        &"0".repeat(5000),
        "0192f000-0000-7000-8000-00000000000g",
    ];
    for id in bad.into_iter().chain([NO_JOB]) {
        let name = format!("job {id:.40?}");
        let id = || id.to_owned();
        let absent = id() == NO_JOB;
        macro_rules! ask {
            ($method:expr, $message:expr) => {{
                let message = $message;
                let case = if absent {
                    Case::missing(&name, $method, &message)
                } else {
                    Case::field(&name, $method, &message, "id")
                };
                cases.push(case);
            }};
        }
        ask!((JOBS, "Get"), GetRequest { id: id() });
        ask!(
            (JOBS, "Watch"),
            WatchRequest {
                id: id(),
                after_sequence: 0
            }
        );
        ask!(
            (JOBS, "Cancel"),
            CancelRequest {
                id: id(),
                reason: String::new()
            }
        );
        ask!(
            (JOBS, "GetArtefact"),
            GetArtefactRequest {
                id: id(),
                name: "results.csv".to_owned()
            }
        );
        ask!(
            (WORKERS, "Beat"),
            BeatRequest {
                id: id(),
                ..BeatRequest::default()
            }
        );
        ask!(
            (WORKERS, "Finish"),
            FinishRequest {
                id: id(),
                outcome: OutcomeKind::Released.into(),
                ..FinishRequest::default()
            }
        );
    }
    cases
}

fn workers(stage: &Stage) -> Vec<Case> {
    let claim = |lane: i32, worker: &str, wait_ms: u32| ClaimRequest {
        lane,
        worker: worker.to_owned(),
        wait_ms,
    };
    let finish = |outcome: i32| FinishRequest {
        id: stage.job.clone(),
        token: 1,
        outcome,
        ..FinishRequest::default()
    };
    let late = BeatRequest {
        id: stage.job.clone(),
        token: 77,
        ..BeatRequest::default()
    };
    let checkpoint = BeatRequest {
        checkpoint: "../x".to_owned(),
        ..late.clone()
    };
    let (claiming, finishing) = ((WORKERS, "Claim"), (WORKERS, "Finish"));
    vec![
        Case::field("lane 0", claiming, &claim(0, "w", 0), "lane"),
        Case::field("lane 9", claiming, &claim(9, "w", 0), "lane"),
        Case::field("no name", claiming, &claim(1, "", 0), "worker"),
        Case::field(
            "a name of two lines",
            claiming,
            &claim(1, "a\nb", 0),
            "worker",
        ),
        Case::field("a day", claiming, &claim(1, "w", 86_400_000), "wait_ms"),
        Case::field("outcome 0", finishing, &finish(0), "outcome"),
        Case::field("outcome 9", finishing, &finish(9), "outcome"),
        Case::field("success without a result", finishing, &finish(1), "result"),
        Case::field(
            "checkpoint ../x",
            (WORKERS, "Beat"),
            &checkpoint,
            "checkpoint",
        ),
        Case::refused(
            "a beat for a job that is over",
            Call::of(&path(WORKERS, "Beat"), &late),
            Code::FailedPrecondition,
        ),
        Case::refused(
            "the end of a job that is over",
            Call::of(
                &path(WORKERS, "Finish"),
                &finish(OutcomeKind::Released.into()),
            ),
            Code::FailedPrecondition,
        ),
    ]
}
