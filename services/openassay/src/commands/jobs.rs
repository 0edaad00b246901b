//! `openassay jobs`: what a server has to do and has done.

use crate::{
    commands::submit::{check_folder, ended_well, fetch_all, job_json, job_text, lane_name},
    context::Context,
    failure::{Failure, Result},
    options::{JsonFile, JsonTarget},
    remote::{Remote, ServerOption, is_final, state_name},
    terminal::{Align, Table},
};
use assay_api::jobs::{
    CancelRequest, GetRequest, Job, JobState, Lane, ListRequest,
    job_service_client::JobServiceClient,
};
use assay_core::ErrorKind;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay jobs list --state running --state queued
  openassay jobs show ID
  openassay jobs fetch ID --out results
  openassay jobs cancel ID --reason \"wrong data set\"";

/// Jobs of a server: list, show, cancel, fetch results
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List jobs, newest first
    List {
        /// Only of this lane
        #[arg(long, value_enum)]
        lane: Option<LaneOption>,
        /// Only in this state; may be given several times
        #[arg(long = "state", value_enum)]
        states: Vec<StateOption>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 50,
              value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        server: ServerOption,
        #[command(flatten)]
        json: JsonFile,
    },
    /// Show one job
    Show {
        /// The job
        id: String,
        #[command(flatten)]
        server: ServerOption,
        #[command(flatten)]
        json: JsonFile,
    },
    /// Stop a job: a waiting one at once, a running one soon
    Cancel {
        /// The job
        id: String,
        /// Why, for the record
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        reason: String,
        #[command(flatten)]
        server: ServerOption,
        #[command(flatten)]
        json: JsonFile,
    },
    /// Get the results of a finished job
    Fetch {
        /// The job
        id: String,
        /// Folder for the results
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        server: ServerOption,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LaneOption {
    Train,
    Identify,
    Explain,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StateOption {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl Jobs {
    pub(crate) fn run(&self, context: &Context) -> Result {
        match &self.action {
            Action::List {
                lane,
                states,
                limit,
                server,
                json,
            } => {
                check(json)?;
                let jobs = list(&server.connect()?, *lane, states, *limit)?;
                let values: Vec<_> = jobs.iter().map(job_json).collect();
                context.answer(json.json.as_ref(), &values, || table(&jobs))
            }
            Action::Show { id, server, json } => {
                check(json)?;
                let job = get(&server.connect()?, id)?;
                context.answer(json.json.as_ref(), &job_json(&job), || job_text(&job))
            }
            Action::Cancel {
                id,
                reason,
                server,
                json,
            } => {
                check(json)?;
                let job = cancel(&server.connect()?, id, reason)?;
                context.answer(json.json.as_ref(), &job_json(&job), || job_text(&job))
            }
            Action::Fetch { id, out, server } => {
                check_folder(out)?;
                let remote = server.connect()?;
                let job = get(&remote, id)?;
                ended_well(&job)?;
                if job.state() != JobState::Succeeded {
                    return Err(Failure::new(
                        ErrorKind::FailedPrecondition,
                        format!(
                            "job {id} is {}; its results are there when it has succeeded (see \
                             `openassay watch {id}`)",
                            state_name(job.state())
                        ),
                    ));
                }
                fetch_all(&remote, &job, out)?;
                context
                    .progress
                    .note(&format!("results: {}", out.display()));
                Ok(())
            }
        }
    }
}

fn check(json: &JsonFile) -> Result {
    json.json.as_ref().map_or(Ok(()), JsonTarget::check)
}

fn get(remote: &Remote, id: &str) -> Result<Job> {
    let mut jobs = remote.client(JobServiceClient::new);
    let answer = remote.call(jobs.get(GetRequest { id: id.to_owned() }))?;
    answer.job.ok_or_else(missing)
}

fn cancel(remote: &Remote, id: &str, reason: &str) -> Result<Job> {
    let mut jobs = remote.client(JobServiceClient::new);
    let request = CancelRequest {
        id: id.to_owned(),
        reason: reason.to_owned(),
    };
    remote.call(jobs.cancel(request))?.job.ok_or_else(missing)
}

fn missing() -> Failure {
    Failure::new(ErrorKind::Internal, "the server's answer has no job")
}

fn list(
    remote: &Remote,
    lane: Option<LaneOption>,
    states: &[StateOption],
    limit: u32,
) -> Result<Vec<Job>> {
    let mut client = remote.client(JobServiceClient::new);
    let lane = lane.map_or(Lane::Unspecified, |lane| match lane {
        LaneOption::Train => Lane::Train,
        LaneOption::Identify => Lane::Identify,
        LaneOption::Explain => Lane::Explain,
    });
    let states: Vec<i32> = states
        .iter()
        .map(|state| match state {
            StateOption::Queued => JobState::Queued,
            StateOption::Running => JobState::Running,
            StateOption::Succeeded => JobState::Succeeded,
            StateOption::Failed => JobState::Failed,
            StateOption::Cancelled => JobState::Cancelled,
        })
        .map(i32::from)
        .collect();
    let mut jobs = Vec::new();
    let mut page_token = String::new();
    loop {
        let left = limit.saturating_sub(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        let request = ListRequest {
            lane: lane.into(),
            states: states.clone(),
            page_size: left.clamp(1, 1000),
            page_token,
        };
        let page = remote.call(client.list(request))?;
        jobs.extend(page.jobs);
        if page.next_page_token.is_empty() || jobs.len() >= limit as usize {
            return Ok(jobs);
        }
        page_token = page.next_page_token;
    }
}

fn table(jobs: &[Job]) -> String {
    let mut table = Table::new([
        ("job", Align::Left),
        ("lane", Align::Left),
        ("state", Align::Left),
        ("attempts", Align::Right),
        ("progress", Align::Left),
        ("submitted", Align::Left),
    ]);
    for job in jobs {
        let running = job.progress.as_ref().filter(|_| !is_final(job.state()));
        let progress = running.map_or_else(String::new, |progress| {
            match (progress.stage.as_str(), progress.total) {
                ("", _) => String::new(),
                (stage, 0) => stage.to_owned(),
                (stage, total) => format!("{stage} {} of {total}", progress.done),
            }
        });
        table.row([
            job.id.clone(),
            lane_name(job),
            state_name(job.state()),
            format!("{} of {}", job.attempt, job.max_attempts),
            progress,
            assay_reporting::utc(job.created_at_ms / 1000),
        ]);
    }
    if jobs.is_empty() {
        "no jobs\n".to_owned()
    } else {
        table.render()
    }
}
