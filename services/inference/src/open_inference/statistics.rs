//! What was asked of each model by this protocol, for `ModelStatistics` and for Prometheus under
//! the names that Triton's dashboards know. Only models that exist have a row.

use assay_api::open_inference::{
    InferBatchStatistics, InferStatistics, ModelStatistics, StatisticDuration,
};
use metrics::{Counter, Gauge};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Name and version of a model.
pub(super) type ModelName = (String, String);

/// The models that were asked.
#[derive(Default)]
pub(super) struct Statistics(Mutex<BTreeMap<ModelName, Arc<Record>>>);

/// How often something was done, and how long it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Total {
    count: u64,
    time: Duration,
}

/// The steps of a request that was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Steps {
    /// Reading tensors.
    pub(super) input: Duration,
    /// Waiting for the model.
    pub(super) queue: Duration,
    /// Computing features; nothing where all were in the cache.
    pub(super) infer: Duration,
    /// The head, and writing tensors.
    pub(super) output: Duration,
}

/// What was asked of one model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    last_inference_ms: u64,
    rows: u64,
    executions: u64,
    success: Total,
    fail: Total,
    queue: Total,
    input: Total,
    infer: Total,
    output: Total,
    /// Requests that computed something, by their number of rows: as many entries as there are
    /// numbers of rows, at most.
    batches: BTreeMap<u64, [Total; 3]>,
}

/// One model, and its metrics.
pub(super) struct Record {
    counts: Mutex<Counts>,
    succeeded: Counter,
    failed: Counter,
    rows: Counter,
    executions: Counter,
    pending: Gauge,
    queue_us: Counter,
    infer_us: Counter,
}

/// A request on its way. One that is dropped has failed.
pub(super) struct Running {
    record: Arc<Record>,
    arrived: Instant,
    answered: bool,
}

impl Statistics {
    /// The record of a model that is there.
    pub(super) fn of(&self, name: &str, version: &str) -> Arc<Record> {
        let key = (name.to_owned(), version.to_owned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            all.entry(key)
                .or_insert_with_key(|(name, version)| Arc::new(Record::new(name, version))),
        )
    }

    /// Everything so far.
    pub(super) fn all(&self) -> BTreeMap<ModelName, Counts> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = all.iter();
        counts
            .map(|(key, record)| (key.clone(), record.counts().clone()))
            .collect()
    }
}

impl Record {
    fn new(name: &str, version: &str) -> Self {
        let labels = [("model", name.to_owned()), ("version", version.to_owned())];
        Self {
            counts: Mutex::default(),
            succeeded: metrics::counter!("nv_inference_request_success", &labels),
            failed: metrics::counter!("nv_inference_request_failure", &labels),
            rows: metrics::counter!("nv_inference_count", &labels),
            executions: metrics::counter!("nv_inference_exec_count", &labels),
            pending: metrics::gauge!("nv_inference_pending_request_count", &labels),
            queue_us: metrics::counter!("nv_inference_queue_duration_us", &labels),
            infer_us: metrics::counter!("nv_inference_compute_infer_duration_us", &labels),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that arrived.
    pub(super) fn begin(self: Arc<Self>, arrived: Instant) -> Running {
        self.pending.increment(1);
        Running {
            record: self,
            arrived,
            answered: false,
        }
    }

    fn succeeded(&self, took: Duration, steps: Steps, rows: usize) {
        let mut counts = self.counts();
        counts.answered(took, steps, rows as u64);
        self.succeeded.increment(1);
        self.rows.absolute(counts.rows);
        self.executions.absolute(counts.executions);
        self.queue_us.absolute(counts.queue.us());
        self.infer_us.absolute(counts.infer.us());
    }

    fn failed(&self, took: Duration) {
        let mut counts = self.counts();
        counts.asked();
        counts.fail.add(took);
        self.failed.increment(1);
    }
}

impl Running {
    /// The request was answered.
    pub(super) fn answered(mut self, steps: Steps, rows: usize) {
        self.answered = true;
        self.record.succeeded(self.arrived.elapsed(), steps, rows);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.record.pending.decrement(1);
        if !self.answered {
            self.record.failed(self.arrived.elapsed());
        }
    }
}

impl Counts {
    fn asked(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis();
        self.last_inference_ms = u64::try_from(now).unwrap_or(u64::MAX);
    }

    fn answered(&mut self, took: Duration, steps: Steps, rows: u64) {
        self.asked();
        self.success.add(took);
        self.queue.add(steps.queue);
        self.input.add(steps.input);
        self.infer.add(steps.infer);
        self.output.add(steps.output);
        self.rows += rows;
        if steps.infer > Duration::ZERO {
            self.executions += 1;
            let batch = self.batches.entry(rows).or_default();
            let times = [steps.input, steps.infer, steps.output];
            for (total, time) in batch.iter_mut().zip(times) {
                total.add(time);
            }
        }
    }

    /// Of a model, for the wire.
    pub(super) fn to_wire(&self, (name, version): ModelName) -> ModelStatistics {
        let batches = self.batches.iter().map(|(rows, totals)| {
            let [input, infer, output] = totals.map(|total| Some(total.to_wire()));
            InferBatchStatistics {
                batch_size: *rows,
                compute_input: input,
                compute_infer: infer,
                compute_output: output,
            }
        });
        ModelStatistics {
            name,
            version,
            last_inference: self.last_inference_ms,
            inference_count: self.rows,
            execution_count: self.executions,
            inference_stats: Some(InferStatistics {
                success: Some(self.success.to_wire()),
                fail: Some(self.fail.to_wire()),
                queue: Some(self.queue.to_wire()),
                compute_input: Some(self.input.to_wire()),
                compute_infer: Some(self.infer.to_wire()),
                compute_output: Some(self.output.to_wire()),
                cache_hit: Some(StatisticDuration::default()),
                cache_miss: Some(StatisticDuration::default()),
            }),
            batch_stats: batches.collect(),
            ..ModelStatistics::default()
        }
    }
}

impl Total {
    fn add(&mut self, time: Duration) {
        self.count += 1;
        self.time = self.time.saturating_add(time);
    }

    fn us(self) -> u64 {
        u64::try_from(self.time.as_micros()).unwrap_or(u64::MAX)
    }

    fn to_wire(self) -> StatisticDuration {
        StatisticDuration {
            count: self.count,
            ns: u64::try_from(self.time.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn steps(infer: Duration) -> Steps {
        Steps {
            input: MS,
            queue: 2 * MS,
            infer,
            output: 3 * MS,
        }
    }

    #[test]
    fn requests_rows_and_executions_are_counted_apart() {
        let mut counts = Counts::default();
        counts.answered(10 * MS, steps(4 * MS), 5);
        counts.answered(10 * MS, steps(4 * MS), 5);
        counts.answered(9 * MS, steps(4 * MS), 1);
        // All features were in the cache.
        counts.answered(6 * MS, steps(Duration::ZERO), 7);
        let wire = counts.to_wire(("steel".to_owned(), "3".to_owned()));
        assert_eq!((wire.inference_count, wire.execution_count), (18, 3));
        assert!(wire.last_inference > 1_600_000_000_000);
        let times = wire.inference_stats.unwrap();
        let total = |count, ms: u64| {
            let ns = ms * 1_000_000;
            Some(StatisticDuration { count, ns })
        };
        assert_eq!(times.success, total(4, 35));
        assert_eq!(times.fail, total(0, 0));
        assert_eq!(times.queue, total(4, 8));
        assert_eq!(times.compute_infer, total(4, 12));
        let batches: Vec<_> = wire
            .batch_stats
            .iter()
            .map(|batch| (batch.batch_size, batch.compute_infer))
            .collect();
        assert_eq!(batches, [(1, total(1, 4)), (5, total(2, 8))]);
    }

    #[test]
    fn what_is_dropped_has_failed_and_each_version_has_its_own_row() {
        let statistics = Statistics::default();
        drop(statistics.of("steel", "3").begin(Instant::now()));
        let running = statistics.of("steel", "4").begin(Instant::now());
        running.answered(steps(MS), 2);
        let all = statistics.all();
        let ended = |version: &str| {
            let counts = &all[&("steel".to_owned(), version.to_owned())];
            (counts.success.count, counts.fail.count, counts.rows)
        };
        assert_eq!(ended("3"), (0, 1, 0));
        assert_eq!(ended("4"), (1, 0, 2));
    }
}
