//! KEDA's `ExternalScaler`: the jobs of a lane that wait or run, so that as many workers are
//! started as they need, and none is stopped that has one.

use crate::error::ControlError;
use assay_api::external_scaler::{
    GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, MetricSpec,
    MetricValue, ScaledObjectRef, external_scaler_server::ExternalScaler,
};
use assay_jobs::{JobStore, Lane};
use assay_runtime::Shutdown;
use futures::{StreamExt, stream, stream::BoxStream};
use std::{sync::Arc, time::Duration};
use tonic::{Request, Response, Status};

/// Between two looks at the store for those who want to hear of changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const MOST_PER_REPLICA: u32 = 1_000_000;

const LANE: &str = "lane";
const JOBS_PER_REPLICA: &str = "jobsPerReplica";

/// The service.
pub(crate) struct Scaler {
    store: Arc<dyn JobStore>,
    shutdown: Shutdown,
}

/// The metadata of a trigger, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trigger {
    lane: Lane,
    per_replica: u32,
}

impl Trigger {
    fn of(object: &ScaledObjectRef) -> Result<Self, ControlError> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, reason: String| {
            faults.push((format!("scalerMetadata.{key}"), reason));
        };
        let metadata = &object.scaler_metadata;
        let lanes = Lane::ALL.map(Lane::name).join(", ");
        let lane = metadata.get(LANE).map(|text| (text, text.parse().ok()));
        let lane = match lane {
            Some((_, Some(lane))) => Some(lane),
            Some((text, None)) => {
                fault(LANE, format!("is {text:?}; allowed: {lanes}"));
                None
            }
            None => {
                fault(LANE, format!("is missing; name one of {lanes}"));
                None
            }
        };
        let per_replica = match metadata
            .get(JOBS_PER_REPLICA)
            .map(|text| (text, text.parse()))
        {
            None => 1,
            Some((_, Ok(number))) if (1..=MOST_PER_REPLICA).contains(&number) => number,
            Some((text, _)) => {
                let reason = format!("is {text:?}; allowed: 1 to {MOST_PER_REPLICA}");
                fault(JOBS_PER_REPLICA, reason);
                1
            }
        };
        // KEDA adds keys of its own; but one that only looks like ours would be missed silently.
        for key in metadata.keys() {
            for ours in [LANE, JOBS_PER_REPLICA] {
                if key != ours && key.eq_ignore_ascii_case(ours) {
                    fault(key, format!("is no key; write {ours}"));
                }
            }
        }
        match lane {
            Some(lane) if faults.is_empty() => Ok(Self { lane, per_replica }),
            _ => Err(ControlError::Fields(faults)),
        }
    }

    fn metric(self) -> String {
        format!("openassay-jobs-{}", self.lane)
    }
}

impl Scaler {
    pub(crate) const fn new(store: Arc<dyn JobStore>, shutdown: Shutdown) -> Self {
        Self { store, shutdown }
    }
}

/// Jobs of a lane that are not over.
async fn jobs(store: &dyn JobStore, lane: Lane) -> Result<u64, ControlError> {
    let counts = store.counts(lane).await?;
    Ok(counts.queued.saturating_add(counts.running))
}

/// One who wants to hear of changes.
struct Watching {
    store: Arc<dyn JobStore>,
    lane: Lane,
    /// What was told last.
    told: Option<bool>,
    shutdown: Shutdown,
}

impl Watching {
    /// The next change; the first answer is one. `None` when the service ends.
    async fn next(&mut self) -> Result<Option<bool>, ControlError> {
        loop {
            let active = tokio::select! {
                biased;
                () = self.shutdown.begun() => return Ok(None),
                jobs = jobs(&*self.store, self.lane) => jobs? > 0,
            };
            if self.told.replace(active) != Some(active) {
                return Ok(Some(active));
            }
            tokio::select! {
                () = self.shutdown.begun() => return Ok(None),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

#[tonic::async_trait]
impl ExternalScaler for Scaler {
    async fn is_active(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<IsActiveResponse>, Status> {
        let trigger = Trigger::of(request.get_ref())?;
        let result = jobs(&*self.store, trigger.lane).await? > 0;
        Ok(Response::new(IsActiveResponse { result }))
    }

    type StreamIsActiveStream = BoxStream<'static, Result<IsActiveResponse, Status>>;

    async fn stream_is_active(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<Self::StreamIsActiveStream>, Status> {
        let trigger = Trigger::of(request.get_ref())?;
        let watching = Watching {
            store: Arc::clone(&self.store),
            lane: trigger.lane,
            told: None,
            shutdown: self.shutdown.clone(),
        };
        let changes = stream::try_unfold(watching, async |mut watching| {
            let next = watching.next().await?;
            Ok(next.map(|result| (IsActiveResponse { result }, watching)))
        });
        Ok(Response::new(changes.boxed()))
    }

    async fn get_metric_spec(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<GetMetricSpecResponse>, Status> {
        let trigger = Trigger::of(request.get_ref())?;
        let spec = MetricSpec {
            metric_name: trigger.metric(),
            target_size: trigger.per_replica.into(),
            target_size_float: trigger.per_replica.into(),
        };
        Ok(Response::new(GetMetricSpecResponse {
            metric_specs: vec![spec],
        }))
    }

    async fn get_metrics(
        &self,
        request: Request<GetMetricsRequest>,
    ) -> Result<Response<GetMetricsResponse>, Status> {
        let GetMetricsRequest {
            scaled_object_ref,
            metric_name,
        } = request.into_inner();
        let Some(object) = scaled_object_ref else {
            return Err(ControlError::field("scaledObjectRef", "is missing").into());
        };
        let trigger = Trigger::of(&object)?;
        let metric = trigger.metric();
        if !metric_name.is_empty() && metric_name != metric {
            let reason = format!("is {metric_name:?}; the metric of this lane is {metric}");
            return Err(ControlError::field("metricName", reason).into());
        }
        let jobs = jobs(&*self.store, trigger.lane).await?;
        let value = MetricValue {
            metric_name: metric,
            metric_value: i64::try_from(jobs).unwrap_or(i64::MAX),
            metric_value_float: jobs as f64,
        };
        Ok(Response::new(GetMetricsResponse {
            metric_values: vec![value],
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(metadata: &[(&str, &str)]) -> Result<Trigger, String> {
        let metadata = metadata.iter();
        let object = ScaledObjectRef {
            scaler_metadata: metadata.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            ..ScaledObjectRef::default()
        };
        Trigger::of(&object).map_err(|error| error.to_string())
    }

    #[test]
    fn a_trigger_names_a_lane_and_may_say_how_many_jobs_a_replica_is_to_have() {
        let train = trigger(&[(LANE, "train"), ("scalerAddress", "control:50051")]);
        let expected = Trigger {
            lane: Lane::Train,
            per_replica: 1,
        };
        assert_eq!(train, Ok(expected));
        let many = trigger(&[(LANE, "explain"), (JOBS_PER_REPLICA, "20")]).unwrap();
        assert_eq!((many.lane, many.per_replica), (Lane::Explain, 20));
        assert_eq!(many.metric(), "openassay-jobs-explain");
    }

    #[test]
    fn every_fault_of_a_trigger_is_told() {
        let said = trigger(&[(JOBS_PER_REPLICA, "0")]).unwrap_err();
        assert!(said.contains("scalerMetadata.lane: is missing"), "{said}");
        assert!(said.contains("identify"), "{said}");
        assert!(said.contains("scalerMetadata.jobsPerReplica"), "{said}");
        for wrong in ["-1", "1.5", "many", "", "1000001"] {
            let said = trigger(&[(LANE, "train"), (JOBS_PER_REPLICA, wrong)]);
            assert!(said.unwrap_err().contains("1 to 1000000"), "{wrong}");
        }
        let said = trigger(&[(LANE, "Train")]).unwrap_err();
        assert!(said.contains("\"Train\""), "{said}");
        let said = trigger(&[(LANE, "train"), ("jobsPerreplica", "2")]).unwrap_err();
        assert!(said.contains("write jobsPerReplica"), "{said}");
    }
}
