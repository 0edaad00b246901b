//! Jobs per second: many small ones, from the first submission until the last has ended, so that
//! records, hints and workers are what takes the time.

use crate::{
    Effort, batch::finished, models::VECTOR, server::Server, spectra::Spectra, statistics::Values,
    table,
};
use anyhow::Result;
use assay_api::{
    ClientOptions, Limited, channel,
    datasets::{
        CreateDatasetRequest, DatasetRow, Role, dataset_service_client::DatasetServiceClient,
    },
    ingest::{PutFileRequest, ingest_service_client::IngestServiceClient},
    jobs::{Lane, SubmitRequest, job_service_client::JobServiceClient},
};
use futures::future::try_join_all;
use std::time::Instant;

/// Who submit at the same time.
const SUBMITTERS: usize = 8;

pub(crate) async fn run(server: &Server, spectra: &Spectra, effort: Effort) -> Result<()> {
    let options = ClientOptions::default();
    let limit = options.max_message_bytes;
    let ingest = channel(&server.ingest, &options)?;
    let control = channel(&server.url, &options)?;
    let put = IngestServiceClient::new(ingest)
        .limited(limit)
        .put_file(PutFileRequest {
            content: spectra.files[0].bytes.clone(),
            file_name: String::new(),
        })
        .await?
        .into_inner();
    let row = DatasetRow {
        spectrum_digest: put.spectrum.unwrap_or_default().digest,
        role: Role::Unknown.into(),
        ..DatasetRow::default()
    };
    let dataset = DatasetServiceClient::new(control.clone())
        .limited(limit)
        .create_dataset(CreateDatasetRequest { rows: vec![row] })
        .await?
        .into_inner();
    let jobs = JobServiceClient::new(control).limited(limit);
    let request = SubmitRequest {
        lane: Lane::Identify.into(),
        dataset: dataset.digest,
        model: VECTOR.to_owned(),
        ..SubmitRequest::default()
    };
    let (mut submitted, mut ended) = (Values::default(), Values::default());
    for round in 0..=effort.rounds {
        let began = Instant::now();
        let submitting = (0..SUBMITTERS).map(|_| {
            let (mut jobs, request) = (jobs.clone(), request.clone());
            async move {
                let mut ids = Vec::new();
                for _ in 0..effort.jobs / SUBMITTERS {
                    let answer = jobs.submit(request.clone()).await?.into_inner();
                    ids.push(answer.job.unwrap_or_default().id);
                }
                anyhow::Ok(ids)
            }
        });
        let ids = try_join_all(submitting).await?.concat();
        #[expect(clippy::cast_precision_loss, reason = "counts of jobs are small")]
        let count = ids.len() as f64;
        let submitted_per_second = count / began.elapsed().as_secs_f64();
        for id in &ids {
            finished(&mut jobs.clone(), id).await?;
        }
        // The first round warms up.
        if round > 0 {
            submitted.push(submitted_per_second);
            ended.push(count / began.elapsed().as_secs_f64());
        }
    }
    let row = vec![
        format!("{} of one spectrum each", effort.jobs),
        submitted.shown(0),
        ended.shown(0),
    ];
    let head = ["jobs", "submitted/s", "submitted and done/s"];
    table::print("Small jobs, one worker", &head, &[row]);
    Ok(())
}
