//! The worker of the lane explain: every spectrum of a data set.

use assay_answering::batch::Batch;
use assay_jobs::{Handler, JobContext, JobRecord, Outcome};

/// Explains data sets. Tonic's `async_trait` is that of the handler.
pub(crate) struct ExplainLane(pub(crate) Batch);

#[tonic::async_trait]
impl Handler for ExplainLane {
    async fn run(&self, job: &JobRecord, context: JobContext) -> Outcome {
        self.0.run(job, &context).await
    }
}
