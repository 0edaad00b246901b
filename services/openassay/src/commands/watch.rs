//! `openassay watch`: a job as it goes on.

use crate::{
    commands::submit::{ended_well, job_json, job_text},
    context::Context,
    failure::Result,
    options::{JsonFile, JsonTarget},
    remote::{ServerOption, watch},
};
use clap::Args;

/// Watch a job of a server to its end
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The job
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    server: ServerOption,

    #[command(flatten)]
    json: JsonFile,
}

impl Watch {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        let remote = self.server.connect()?;
        let job = watch(context, &remote, &self.id)?;
        context.answer(self.json.json.as_ref(), &job_json(&job), || job_text(&job))?;
        ended_well(&job)
    }
}
