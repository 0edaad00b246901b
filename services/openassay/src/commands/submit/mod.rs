//! `openassay submit`: long jobs for a server.

mod batch;
mod summary;
mod train;

use crate::{
    context::Context,
    failure::{Failure, Result},
    options::{JsonFile, JsonTarget},
    remote::{Remote, ServerOption, Servers, fetch, is_final, state_name, watch},
};
use assay_api::jobs::{Job, JobState, SubmitRequest, job_service_client::JobServiceClient};
use assay_core::ErrorKind;
use clap::{Args, Subcommand};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  openassay submit train --manifest train.csv --model cnn2d --name pgaa --promote --wait
  openassay submit identify --name pgaa --manifest spectra.csv --wait --out answers
  openassay submit explain --name pgaa --out why --wait *.SPE
  openassay submit explain --name pgaa --method shap --max-evals 200 --out why --wait *.SPE

The spectra are sent to the server first; those it has already are not stored twice. Without
--wait the command ends when the server has the job safely; `openassay watch ID` shows how it goes
on, `openassay jobs fetch ID --out DIR` gets its results.";

/// Submit a long job to a server
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Submit {
    #[command(subcommand)]
    lane: LaneCommand,
}

#[derive(Debug, Subcommand)]
enum LaneCommand {
    /// Train a model and register it
    Train(Box<train::Train>),
    /// Identify every spectrum of a set
    Identify(Box<batch::Identify>),
    /// Identify every spectrum of a set and say which energies decided
    Explain(Box<batch::Explain>),
}

/// Options of every submission.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    server: ServerOption,

    /// Address of the ingestion service, where services run apart and --server is that of the
    /// control service
    #[arg(
        long,
        value_name = "URL",
        env = "OPENASSAY_INGEST_SERVER",
        help_heading = "Server"
    )]
    ingest_server: Option<String>,

    /// Wait until the job is done, and show how it goes on
    #[arg(long)]
    wait: bool,

    /// With --wait: put the results into this folder
    #[arg(long, value_name = "DIR", requires = "wait")]
    out: Option<PathBuf>,

    /// Submitting again under the same key within 24 hours gives the same job. A job that failed or
    /// was cancelled frees its key; another request under the same key is refused
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    /// How often the job may be begun
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=20))]
    max_attempts: u32,

    #[command(flatten)]
    json: JsonFile,
}

impl Submit {
    pub(crate) fn run(&self, context: &Context) -> Result {
        match &self.lane {
            LaneCommand::Train(train) => train.run(context),
            LaneCommand::Identify(identify) => identify.run(context),
            LaneCommand::Explain(explain) => explain.run(context),
        }
    }
}

impl Common {
    fn check(&self) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        self.out.as_deref().map_or(Ok(()), check_folder)
    }

    fn connect(&self) -> Result<Servers> {
        let ingest = self.ingest_server.as_ref();
        Ok(Servers {
            control: self.server.connect()?,
            ingest: ingest
                .map(|url| Remote::new(url, "--ingest-server", &self.server.credentials))
                .transpose()?,
        })
    }

    /// Submits, and waits if that is wanted.
    fn submit(
        &self,
        context: &Context,
        remote: &Remote,
        mut request: SubmitRequest,
    ) -> Result<Job> {
        request.idempotency_key = self.idempotency_key.clone().unwrap_or_default();
        request.max_attempts = self.max_attempts;
        let mut jobs = remote.client(JobServiceClient::new);
        let answer = remote.call(jobs.submit(request))?;
        let job = answer
            .job
            .ok_or_else(|| Failure::new(ErrorKind::Internal, "the server's answer has no job"))?;
        let note = if answer.created {
            format!("job {} is submitted", job.id)
        } else {
            format!("job {} was submitted before under this key", job.id)
        };
        context.progress.note(&note);
        if !self.wait {
            return Ok(job);
        }
        let job = watch(context, remote, &job.id)?;
        if let (Some(folder), JobState::Succeeded) = (&self.out, job.state()) {
            fetch_all(remote, &job, folder)?;
            context
                .progress
                .note(&format!("results: {}", folder.display()));
        }
        Ok(job)
    }

    /// Shows the job; a job that failed is a failure of the command.
    fn answer(&self, context: &Context, job: &Job) -> Result {
        context.answer(self.json.json.as_ref(), &job_json(job), || job_text(job))?;
        ended_well(job)
    }
}

/// Refuses early what cannot become a folder, so that hours of work do not end in that message.
pub(crate) fn check_folder(folder: &Path) -> Result {
    let there = folder.ancestors().find(|above| above.exists());
    match there {
        Some(file) if !file.is_dir() => Err(Failure::new(
            ErrorKind::AlreadyExists,
            format!(
                "cannot put results into {}: {} is no folder; name another",
                folder.display(),
                file.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// Fetches every artefact into a folder.
pub(crate) fn fetch_all(remote: &Remote, job: &Job, folder: &Path) -> Result {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::new(
            ErrorKind::Unavailable,
            format!("cannot make the folder {}: {error}", folder.display()),
        )
    })?;
    let artefacts = job.result.iter().flat_map(|result| &result.artefacts);
    for artefact in artefacts {
        // The name comes from the server: it must not lead out of the folder.
        let name = Path::new(&artefact.name)
            .file_name()
            .ok_or_else(|| Failure::new(ErrorKind::Internal, "an artefact has no usable name"))?;
        fetch(remote, &job.id, &artefact.name, &folder.join(name))?;
    }
    Ok(())
}

/// The failure of a job that ended badly.
pub(crate) fn ended_well(job: &Job) -> Result {
    match job.state() {
        JobState::Failed => {
            let failure = assay_api::job::failure_from_wire(job.error_code, &job.error_message);
            Err(Failure::new(failure.kind, failure.message)
                .while_doing(format!("job {} failed", job.id)))
        }
        JobState::Cancelled => Err(Failure::new(
            ErrorKind::Cancelled,
            format!("job {} was cancelled", job.id),
        )),
        _ => Ok(()),
    }
}

/// A job for programs.
pub(crate) fn job_json(job: &Job) -> serde_json::Value {
    let text = |text: &str| serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
    let artefacts: Vec<_> = job
        .result
        .iter()
        .flat_map(|result| &result.artefacts)
        .map(|artefact| json!({"name": artefact.name, "digest": artefact.digest}))
        .collect();
    json!({
        "id": job.id,
        "lane": lane_name(job),
        "state": state_name(job.state()),
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "created_at_ms": job.created_at_ms,
        "started_at_ms": moment(job.started_at_ms),
        "finished_at_ms": moment(job.finished_at_ms),
        "error": (!job.error_message.is_empty()).then_some(&job.error_message),
        "summary": job.result.as_ref().map(|result| text(&result.summary_json)),
        "artefacts": artefacts,
        "specification": text(&job.specification_json),
    })
}

/// A job for people.
pub(crate) fn job_text(job: &Job) -> String {
    let mut text = format!(
        "job       {}\nlane      {}\nstate     {}\nattempts  {} of {}\n",
        job.id,
        lane_name(job),
        state_name(job.state()),
        job.attempt,
        job.max_attempts
    );
    if !job.error_message.is_empty() && !matches!(job.state(), JobState::Succeeded) {
        text += &format!("reason    {}\n", job.error_message);
    }
    if let (Some(progress), false) = (&job.progress, is_final(job.state())) {
        match (progress.stage.as_str(), progress.total) {
            ("", _) => {}
            (stage, 0) => text += &format!("progress  {stage}\n"),
            (stage, total) => {
                text += &format!("progress  {stage} {} of {total}\n", progress.done);
            }
        }
    }
    if let Some(result) = &job.result {
        let summary: serde_json::Value =
            serde_json::from_str(&result.summary_json).unwrap_or_default();
        text += &summary::lines(&summary);
        let names: Vec<_> = result.artefacts.iter().map(|a| a.name.as_str()).collect();
        text += &format!("results   {}\n", names.join(", "));
    }
    text
}

/// The lane of a job as people write it.
pub(crate) fn lane_name(job: &Job) -> String {
    let name = job.lane().as_str_name();
    name.trim_start_matches("LANE_").to_lowercase()
}

const fn moment(at_ms: u64) -> Option<u64> {
    if at_ms == 0 { None } else { Some(at_ms) }
}
