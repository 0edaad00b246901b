//! One round: clients that ask one question after the other for a while.

use crate::{
    question::{Case, Questions},
    statistics::{quantile, sorted_ms},
};
use anyhow::Result;
use assay_api::gate::{IdentifyResponse, gate_service_client::GateServiceClient};
use std::time::{Duration, Instant};
use tonic::transport::Channel;

/// What a round showed.
pub(crate) struct Round {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Medians of what the server says it spent on reading, preprocessing, features and deciding.
    pub(crate) parts_ms: [f64; 4],
}

impl Round {
    pub(crate) fn of(times: &[Duration], parts: &[[f64; 4]], wall: Duration) -> Self {
        let ms = sorted_ms(times);
        let part = |at: usize| {
            let mut column: Vec<f64> = parts.iter().map(|parts| parts[at] * 1e3).collect();
            column.sort_by(f64::total_cmp);
            quantile(&column, 0.5)
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of requests are small")]
        let count = times.len() as f64;
        Self {
            per_second: count / wall.as_secs_f64(),
            p50_ms: quantile(&ms, 0.5),
            p99_ms: quantile(&ms, 0.99),
            parts_ms: [part(0), part(1), part(2), part(3)],
        }
    }
}

/// Seconds that an answer says were spent.
pub(crate) const fn parts(answer: &IdentifyResponse) -> [f64; 4] {
    [
        answer.read_s,
        answer.preprocess_s,
        answer.features_s,
        answer.decide_s,
    ]
}

/// All clients ask at once, each one question at a time.
pub(crate) async fn run(
    clients: &[GateServiceClient<Channel>],
    questions: &Questions<'_>,
    case: Case,
    time: Duration,
) -> Result<Round> {
    let began = Instant::now();
    let asking = clients.iter().map(|client| async move {
        let mut client = client.clone();
        let (mut times, mut spent) = (Vec::new(), Vec::new());
        while began.elapsed() < time {
            let question = questions.next(case);
            let asked = Instant::now();
            let answer = client.identify(question).await?.into_inner();
            times.push(asked.elapsed());
            spent.push(parts(&answer));
        }
        anyhow::Ok((times, spent))
    });
    let (mut times, mut spent) = (Vec::new(), Vec::new());
    for (their_times, their_parts) in futures::future::try_join_all(asking).await? {
        times.extend(their_times);
        spent.extend(their_parts);
    }
    Ok(Round::of(&times, &spent, began.elapsed()))
}
