//! The lane for batches: rows per second of a job, from its start to its end.

use crate::{Effort, models::VECTOR, server::Server, spectra::Spectra, statistics::Values, table};
use anyhow::{Context as _, Result, ensure};
use assay_api::{
    ClientOptions, Limited, channel,
    datasets::{
        CreateDatasetRequest, DatasetRow, Role, dataset_service_client::DatasetServiceClient,
    },
    ingest::{PutFileRequest, ingest_service_client::IngestServiceClient},
    jobs::{
        GetRequest, Job, JobState, Lane, SubmitRequest, WatchRequest,
        job_service_client::JobServiceClient,
    },
};
use tonic::transport::Channel;

pub(crate) async fn run(server: &Server, spectra: &Spectra, effort: Effort) -> Result<()> {
    let options = ClientOptions::default();
    let control = channel(&server.url, &options)?;
    let limit = options.max_message_bytes;
    let ingest = channel(&server.ingest, &options)?;
    let mut ingest = IngestServiceClient::new(ingest).limited(limit);
    let mut rows = Vec::new();
    for number in 0..effort.batch_rows {
        let request = PutFileRequest {
            content: spectra.variant(number),
            file_name: String::new(),
        };
        let put = ingest.put_file(request).await?.into_inner();
        rows.push(DatasetRow {
            spectrum_digest: put.spectrum.unwrap_or_default().digest,
            role: Role::Unknown.into(),
            ..DatasetRow::default()
        });
    }
    let mut datasets = DatasetServiceClient::new(control.clone()).limited(limit);
    let created = datasets
        .create_dataset(CreateDatasetRequest { rows })
        .await?;
    let created = created.into_inner();
    let mut jobs = JobServiceClient::new(control).limited(limit);
    let mut rates = Values::default();
    for round in 0..=effort.rounds {
        let request = SubmitRequest {
            lane: Lane::Identify.into(),
            dataset: created.digest.clone(),
            model: VECTOR.to_owned(),
            ..SubmitRequest::default()
        };
        let submitted = jobs.submit(request).await?.into_inner();
        let id = submitted.job.unwrap_or_default().id;
        let job = finished(&mut jobs, &id).await?;
        let taken_ms = job.finished_at_ms.saturating_sub(job.started_at_ms);
        // The first one warms up.
        if round > 0 {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a short job")]
            let taken_s = taken_ms as f64 / 1e3;
            rates.push(f64::from(created.rows) / taken_s);
        }
    }
    let row = vec![
        "new spectra, 1D model".to_owned(),
        created.rows.to_string(),
        rates.shown(0),
    ];
    table::print("Batch lane", &["job", "rows", "rows/s"], &[row]);
    Ok(())
}

/// Waits for the end of a job.
pub(crate) async fn finished(jobs: &mut JobServiceClient<Channel>, id: &str) -> Result<Job> {
    let mut events = jobs
        .watch(WatchRequest {
            id: id.to_owned(),
            after_sequence: 0,
        })
        .await?
        .into_inner();
    while events.message().await?.is_some() {}
    let got = jobs.get(GetRequest { id: id.to_owned() }).await?;
    let job = got.into_inner().job.context("no job")?;
    ensure!(
        job.state() == JobState::Succeeded,
        "the job ended {:?}: {}",
        job.state(),
        job.error_message
    );
    Ok(job)
}
