//! `openassay models`: the registry of a server.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file,
    options::{JsonFile, JsonTarget},
    remote::{Remote, ServerOption},
    terminal::{Align, Table},
};
use assay_api::openassay::registry::v1::{
    DescribeVersionRequest, GetBundleRequest, ListModelsRequest, Model, PromoteRequest,
    PutBundleRequest, RollBackRequest, registry_service_client::RegistryServiceClient,
};
use assay_core::ErrorKind;
use assay_pipeline::{Bundle, bundle::Existing};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  openassay models list
  openassay models push --bundle model --name pgaa
  openassay models promote pgaa --version 3f9c2a7b01de
  openassay models rollback pgaa";

/// Bytes of a file that are sent at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Models of a server: list, describe, put, get, promote, roll back
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List models with their versions and aliases
    List {
        #[command(flatten)]
        server: ServerOption,
        #[command(flatten)]
        json: JsonFile,
    },
    /// Show the model card of a version
    Describe {
        /// NAME (what production points to), NAME@ALIAS, NAME:VERSION
        #[arg(value_name = "MODEL")]
        model: String,
        #[command(flatten)]
        server: ServerOption,
    },
    /// Put a bundle that was trained here
    Push {
        /// Model bundle
        #[arg(long, value_name = "DIR")]
        bundle: PathBuf,
        /// Name of the model
        #[arg(long, value_name = "NAME", default_value = "default")]
        name: String,
        /// Name of the version [default: the first 12 digits of the bundle's digest]
        #[arg(
            long,
            value_name = "VERSION",
            default_value = "",
            hide_default_value = true
        )]
        version: String,
        /// Serve it at once (alias production)
        #[arg(long)]
        promote: bool,
        #[command(flatten)]
        server: ServerOption,
    },
    /// Get a bundle
    Pull {
        /// NAME, NAME@ALIAS, NAME:VERSION or a bundle's digest
        #[arg(value_name = "MODEL")]
        model: String,
        /// Where the bundle goes
        #[arg(long, value_name = "DIR")]
        bundle: PathBuf,
        #[command(flatten)]
        server: ServerOption,
    },
    /// Point an alias to a version
    Promote {
        /// Name of the model
        name: String,
        /// The version
        #[arg(long, value_name = "VERSION")]
        version: String,
        /// The alias
        #[arg(long, value_name = "ALIAS", default_value = "production")]
        alias: String,
        /// Only if it points to this version now
        #[arg(
            long,
            value_name = "VERSION",
            default_value = "",
            hide_default_value = true
        )]
        expected: String,
        #[command(flatten)]
        server: ServerOption,
    },
    /// Point an alias to where it pointed before
    Rollback {
        /// Name of the model
        name: String,
        /// The alias
        #[arg(long, value_name = "ALIAS", default_value = "production")]
        alias: String,
        #[command(flatten)]
        server: ServerOption,
    },
}

impl Models {
    pub(crate) fn run(&self, context: &Context) -> Result {
        match &self.action {
            Action::List { server, json } => {
                json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
                let remote = server.connect()?;
                let mut registry = remote.client(RegistryServiceClient::new);
                let models = remote
                    .call(registry.list_models(ListModelsRequest {}))?
                    .models;
                let values: Vec<_> = models.iter().map(model_json).collect();
                context.answer(json.json.as_ref(), &values, || table(&models))
            }
            Action::Describe { model, server } => {
                let remote = server.connect()?;
                let mut registry = remote.client(RegistryServiceClient::new);
                let request = DescribeVersionRequest {
                    model: model.clone(),
                };
                let version = remote.call(registry.describe_version(request))?;
                crate::terminal::answer(&version.card)
            }
            Action::Push {
                bundle,
                name,
                version,
                promote,
                server,
            } => {
                let remote = server.connect()?;
                let version = push(&remote, bundle, name, version)?;
                context
                    .progress
                    .note(&format!("{name}:{version} is registered"));
                if *promote {
                    move_alias(context, &remote, name, "production", &version, "")?;
                }
                Ok(())
            }
            Action::Pull {
                model,
                bundle,
                server,
            } => {
                pull(&server.connect()?, model, bundle)?;
                context
                    .progress
                    .note(&format!("bundle: {}", bundle.display()));
                Ok(())
            }
            Action::Promote {
                name,
                version,
                alias,
                expected,
                server,
            } => move_alias(context, &server.connect()?, name, alias, version, expected),
            Action::Rollback {
                name,
                alias,
                server,
            } => {
                let remote = server.connect()?;
                let mut registry = remote.client(RegistryServiceClient::new);
                let request = RollBackRequest {
                    name: name.clone(),
                    alias: alias.clone(),
                };
                let moved = remote.call(registry.roll_back(request))?;
                tell_moved(context, name, alias, &moved.version);
                Ok(())
            }
        }
    }
}

/// Checks a bundle here, sends it, and returns the name of its version.
fn push(remote: &Remote, bundle: &Path, name: &str, version: &str) -> Result<String> {
    let bundle = Bundle::open(bundle)?;
    let mut parts = Vec::new();
    for (file, bytes) in bundle.files() {
        // An empty file has one empty part.
        let chunks: Vec<&[u8]> = match bytes.len() {
            0 => vec![&[]],
            _ => bytes.chunks(CHUNK_BYTES).collect(),
        };
        for chunk in chunks {
            parts.push(PutBundleRequest {
                name: name.to_owned(),
                version: version.to_owned(),
                file_name: file.to_string(),
                chunk: chunk.to_vec(),
            });
        }
    }
    let mut registry = remote.client(RegistryServiceClient::new);
    let answer = remote.call(registry.put_bundle(tokio_stream::iter(parts)))?;
    answer
        .version
        .map(|version| version.version)
        .ok_or_else(|| Failure::new(ErrorKind::Internal, "the server's answer has no version"))
}

/// Fetches a bundle, checks it and writes it.
fn pull(remote: &Remote, model: &str, to: &Path) -> Result {
    if to.exists() {
        return Err(Failure::new(
            ErrorKind::AlreadyExists,
            format!("{} exists already; name a new folder", to.display()),
        ));
    }
    file::check_writable(to)?;
    let mut registry = remote.client(RegistryServiceClient::new);
    let request = GetBundleRequest {
        model: model.to_owned(),
    };
    let received = remote.wait(async {
        let mut parts = registry.get_bundle(request).await?.into_inner();
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        while let Some(part) = parts.message().await? {
            files
                .entry(part.file_name)
                .or_default()
                .extend_from_slice(&part.chunk);
        }
        Ok(files)
    });
    let files = received.map_err(|status| remote.failure(&status))?;
    let bundle = Bundle::from_files(files, Path::new(model))?;
    Ok(bundle.write(to, Existing::Keep)?)
}

fn move_alias(
    context: &Context,
    remote: &Remote,
    name: &str,
    alias: &str,
    version: &str,
    expected: &str,
) -> Result {
    let mut registry = remote.client(RegistryServiceClient::new);
    let request = PromoteRequest {
        name: name.to_owned(),
        alias: alias.to_owned(),
        version: version.to_owned(),
        expected_version: expected.to_owned(),
    };
    let moved = remote.call(registry.promote(request))?;
    tell_moved(context, name, alias, &moved.version);
    Ok(())
}

fn tell_moved(context: &Context, name: &str, alias: &str, version: &str) {
    context
        .progress
        .note(&format!("{name}@{alias} points to {version}"));
}

fn model_json(model: &Model) -> serde_json::Value {
    let versions: Vec<_> = model
        .versions
        .iter()
        .map(|version| {
            json!({
                "version": version.version,
                "bundle": version.bundle,
                "created_at_ms": version.created_at_ms,
                "job": (!version.job_id.is_empty()).then_some(&version.job_id),
            })
        })
        .collect();
    let aliases: BTreeMap<_, _> = model
        .aliases
        .iter()
        .map(|alias| (&alias.alias, &alias.version))
        .collect();
    json!({"name": model.name, "versions": versions, "aliases": aliases})
}

fn table(models: &[Model]) -> String {
    let mut table = Table::new([
        ("model", Align::Left),
        ("version", Align::Left),
        ("aliases", Align::Left),
        ("bundle", Align::Left),
        ("registered", Align::Left),
    ]);
    for model in models {
        for version in &model.versions {
            let aliases: Vec<_> = model
                .aliases
                .iter()
                .filter(|alias| alias.version == version.version)
                .map(|alias| alias.alias.as_str())
                .collect();
            table.row([
                model.name.clone(),
                version.version.clone(),
                aliases.join(", "),
                version.bundle.chars().take(12).collect(),
                assay_reporting::utc(version.created_at_ms / 1000),
            ]);
        }
    }
    if models.is_empty() {
        "no models\n".to_owned()
    } else {
        table.render()
    }
}
