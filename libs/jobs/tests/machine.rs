//! The state machine under random calls of several workers: whatever they do, its invariants
//! hold.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_core::{Digest, ErrorKind};
use assay_jobs::{
    Beat, EventKind, Failure, FencingToken, JobError, JobEvent, JobId, JobRecord, JobResult,
    JobState, Lane, NewJob, Outcome, Progress, Timestamp,
    transition::{self, ClaimDecision},
};
use proptest::prelude::*;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(30);

/// One call. Workers use the token that they were given last, which may be an old one.
#[derive(Debug, Clone)]
enum Call {
    Pass(u64),
    Claim(usize),
    Beat(usize, u8),
    Finish(usize, Outcome),
    RepeatFinish(usize),
    Cancel,
    Sweep,
    Redispatch,
}

fn failure() -> Failure {
    Failure {
        kind: ErrorKind::Unavailable,
        message: "busy".to_owned(),
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        1 => Just(Outcome::Succeeded(JobResult::default())),
        1 => Just(Outcome::Failed(failure())),
        1 => Just(Outcome::Cancelled),
        4 => (0_u64..60).prop_map(|wait_s| Outcome::Retry {
            failure: failure(),
            backoff: Duration::from_secs(wait_s),
        }),
        4 => Just(Outcome::Released),
    ]
}

fn calls() -> impl Strategy<Value = Call> {
    let worker = 0_usize..3;
    prop_oneof![
        4 => (1_u64..40).prop_map(Call::Pass),
        6 => worker.clone().prop_map(Call::Claim),
        4 => (worker.clone(), 0_u8..4).prop_map(|(w, n)| Call::Beat(w, n)),
        3 => (worker.clone(), outcomes()).prop_map(|(w, o)| Call::Finish(w, o)),
        2 => worker.prop_map(Call::RepeatFinish),
        1 => Just(Call::Cancel),
        3 => Just(Call::Sweep),
        1 => Just(Call::Redispatch),
    ]
}

/// What a worker remembers.
#[derive(Debug, Clone, Default)]
struct Memory {
    token: Option<FencingToken>,
    /// An end that was accepted.
    ended: Option<(FencingToken, Outcome)>,
}

struct World {
    now: Timestamp,
    record: JobRecord,
    events: Vec<JobEvent>,
    workers: Vec<Memory>,
    /// Every token given, in order.
    tokens: Vec<u64>,
}

impl World {
    fn new(max_attempts: u32) -> Self {
        let job = NewJob {
            lane: Lane::Identify,
            specification: serde_json::json!({ "dataset": "a" }),
            principal: "anna".to_owned(),
            idempotency_key: None,
            max_attempts,
            trace_parent: None,
        };
        let now = Timestamp(1_000);
        let (record, events) = transition::new_record(JobId::new(), job, now).unwrap();
        Self {
            now,
            record,
            events,
            workers: vec![Memory::default(); 3],
            tokens: Vec::new(),
        }
    }

    /// Whether this token is that of a lease that has not run out.
    fn holds(&self, token: FencingToken) -> bool {
        let lease = self.record.lease.as_ref();
        lease.is_some_and(|l| l.token == token.0 && self.now < l.expires_at)
    }

    fn accept(&mut self, answer: Result<Vec<JobEvent>, JobError>, expected: bool) {
        assert_eq!(answer.is_ok(), expected, "{answer:?}");
        self.events.extend(answer.unwrap_or_default());
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Pass(time_s) => self.now = self.now.after(Duration::from_secs(time_s)),
            Call::Claim(worker) => self.claim(worker),
            Call::Beat(worker, news) => {
                let Some(token) = self.workers[worker].token else {
                    return;
                };
                let beat = Beat {
                    progress: vec![Progress::default(); usize::from(news)],
                    checkpoint: Some(Digest::of(&[news])),
                    warnings: vec!["careful".to_owned()],
                };
                let expected = self.holds(token);
                let answer = transition::beat(&mut self.record, token, beat, LEASE, self.now);
                self.accept(answer, expected);
            }
            Call::Finish(worker, outcome) => {
                let Some(token) = self.workers[worker].token else {
                    return;
                };
                let repeat = self.workers.iter().any(|w| {
                    w.ended.as_ref() == Some(&(token, outcome.clone()))
                        && self.record.settled.map(|s| s.token) == Some(token.0)
                });
                let expected = self.holds(token);
                let kept = outcome.clone();
                let answer = transition::finish(&mut self.record, token, outcome, self.now);
                if expected {
                    self.workers[worker].ended = Some((token, kept));
                }
                self.accept(answer, expected || repeat);
            }
            Call::RepeatFinish(worker) => self.repeat(worker),
            Call::Cancel => {
                let over = matches!(self.record.state, JobState::Succeeded | JobState::Failed);
                let answer = transition::cancel(&mut self.record, "enough", self.now);
                self.accept(answer, !over);
            }
            Call::Sweep => {
                let due = self.record.lease.as_ref().map(|l| l.expires_at <= self.now);
                let expired = transition::expire(&mut self.record, self.now);
                assert_eq!(expired.is_some(), due == Some(true));
                self.events.extend(expired.map(|e| e.1).unwrap_or_default());
            }
            Call::Redispatch => {
                if transition::needs_hint(&self.record, LEASE, self.now) {
                    transition::redispatched(&mut self.record, self.now);
                    assert!(!transition::needs_hint(&self.record, LEASE, self.now));
                }
            }
        }
    }

    fn claim(&mut self, worker: usize) {
        let before = self.record.clone();
        let free = before.state == JobState::Queued && before.not_before <= self.now;
        let name = format!("w{worker}");
        let (decision, events) = transition::claim(&mut self.record, &name, LEASE, self.now);
        self.events.extend(events);
        match decision {
            ClaimDecision::Claimed => {
                assert!(free && before.attempt < before.job.max_attempts);
                let lease = self.record.lease.as_ref().unwrap();
                assert_eq!(lease.worker, name);
                self.tokens.push(lease.token);
                self.workers[worker].token = Some(FencingToken(lease.token));
            }
            ClaimDecision::NotNow => assert!(!free && self.record == before),
            ClaimDecision::Exhausted => assert_eq!(self.record.state, JobState::Failed),
        }
    }

    /// The last accepted end, told again, changes nothing and is refused only when another end
    /// was accepted since.
    fn repeat(&mut self, worker: usize) {
        let Some((token, outcome)) = self.workers[worker].ended.clone() else {
            return;
        };
        let latest = self.record.settled.map(|s| s.token) == Some(token.0);
        let before = self.record.clone();
        let answer = transition::finish(&mut self.record, token, outcome, self.now);
        assert_eq!(self.record, before);
        self.accept(answer, latest);
    }

    fn check(&self, before: &JobRecord) {
        let record = &self.record;
        if before.state.is_final() {
            assert_eq!(record, before, "a final record never changes");
        }
        assert!(record.attempt <= record.job.max_attempts);
        assert!(self.tokens.is_sorted_by(|a, b| a < b), "tokens rise");
        assert_eq!(record.last_token, self.tokens.last().copied().unwrap_or(0));
        assert_eq!(record.lease.is_some(), record.state == JobState::Running);
        let holders = self.workers.iter().filter_map(|w| w.token);
        assert!(holders.filter(|token| self.holds(*token)).count() <= 1);
        assert_eq!(record.finished_at.is_some(), record.state.is_final());
        assert_eq!(record.result.is_some(), record.state == JobState::Succeeded);
        assert!(record.state != JobState::Failed || record.failure.is_some());
        let numbers: Vec<u64> = self.events.iter().map(|e| e.sequence).collect();
        assert_eq!(numbers, (1..=record.sequence).collect::<Vec<_>>());
        let last = self.events.iter().rev().find_map(|e| match &e.kind {
            EventKind::State { state, attempt, .. } => Some((*state, *attempt)),
            _ => None,
        });
        assert_eq!(last, Some((record.state, record.attempt)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_sequence_of_calls_breaks_a_record(
        max_attempts in 1_u32..4,
        calls in proptest::collection::vec(calls(), 1..60),
    ) {
        let mut world = World::new(max_attempts);
        for call in calls {
            let before = world.record.clone();
            world.call(call);
            world.check(&before);
        }
        let json = serde_json::to_vec(&world.record).unwrap();
        prop_assert_eq!(serde_json::from_slice::<JobRecord>(&json).unwrap(), world.record);
    }

    /// Sweeps and claims alone bring every job to its end: nothing hangs for ever.
    #[test]
    fn every_job_comes_to_its_end(
        max_attempts in 1_u32..4,
        calls in proptest::collection::vec(calls(), 0..40),
    ) {
        let mut world = World::new(max_attempts);
        for call in calls {
            world.call(call);
        }
        for _ in 0..max_attempts {
            world.call(Call::Pass(60));
            world.call(Call::Sweep);
            world.call(Call::Claim(0));
        }
        world.call(Call::Pass(60));
        world.call(Call::Sweep);
        world.call(Call::Claim(0));
        prop_assert!(world.record.state.is_final(), "{:?}", world.record);
    }
}
