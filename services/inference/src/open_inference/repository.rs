//! The registry and the statistics of its models, as the protocol asks for them.

use super::{Service, faults};
use crate::{
    inference::moment,
    model::before,
    names::{Indexed, Standing},
};
use assay_answering::AnswerError;
use assay_api::{
    open_inference::{
        ModelRepositoryParameter, ModelStatisticsRequest, ModelStatisticsResponse,
        RepositoryIndexRequest, RepositoryIndexResponse, RepositoryModelLoadRequest,
        RepositoryModelLoadResponse, RepositoryModelUnloadRequest, RepositoryModelUnloadResponse,
        repository_index_response::ModelIndex,
    },
    status,
};
use assay_runtime::request::time_left;
use assay_store::StoreError;
use std::{collections::BTreeMap, sync::Arc};
use tonic::{Request, Status};
use tracing::Instrument;

const NAMED: faults::Named = faults::Named {
    name: "model_name",
    version: "model_name",
};

/// The one parameter of letting go, which has no effect: no model depends on another.
const DEPENDENTS: &str = "unload_dependents";

impl Service {
    /// Every version of the registry.
    pub(super) async fn index(
        &self,
        request: Request<RepositoryIndexRequest>,
    ) -> Result<RepositoryIndexResponse, Status> {
        let deadline = moment(time_left(request.metadata()));
        let asked = request.into_inner();
        one_repository(&asked.repository_name)?;
        let reading = self.inference.names().index();
        let indexed = before(deadline, "the registry was read", reading).await;
        let indexed = indexed.and_then(|indexed| indexed);
        let indexed = indexed.map_err(|error| status::of(&error))?;
        let ready = |row: &Indexed| row.standing == Standing::Ready;
        let rows = indexed.into_iter().filter(|row| !asked.ready || ready(row));
        Ok(RepositoryIndexResponse {
            models: rows.map(to_wire).collect(),
        })
    }

    /// Loads a model. It goes on when the caller leaves.
    pub(super) async fn load(
        &self,
        request: Request<RepositoryModelLoadRequest>,
    ) -> Result<RepositoryModelLoadResponse, Status> {
        let deadline = moment(time_left(request.metadata()));
        let asked = request.into_inner();
        one_repository(&asked.repository_name)?;
        known_parameters(&asked.parameters, &[])?;
        let names = Arc::clone(self.inference.names());
        let loading = tokio::spawn(names.load(asked.model_name).in_current_span());
        let loaded = before(deadline, "the model was being loaded", loading).await;
        let loaded = loaded.and_then(|loaded| {
            loaded.unwrap_or_else(|error| Err(AnswerError::Defect(format!("loading: {error}"))))
        });
        loaded.map_err(|error| faults::status(error, NAMED, "model_name"))?;
        Ok(RepositoryModelLoadResponse {})
    }

    /// Lets go of a model.
    pub(super) async fn unload(
        &self,
        request: Request<RepositoryModelUnloadRequest>,
    ) -> Result<RepositoryModelUnloadResponse, Status> {
        let deadline = moment(time_left(request.metadata()));
        let asked = request.into_inner();
        one_repository(&asked.repository_name)?;
        known_parameters(&asked.parameters, &[DEPENDENTS])?;
        let unloading = self.inference.names().unload(&asked.model_name);
        let unloaded = before(deadline, "the registry was read", unloading).await;
        let unloaded = unloaded.and_then(|unloaded| unloaded);
        unloaded.map_err(|error| faults::status(error, NAMED, "model_name"))?;
        Ok(RepositoryModelUnloadResponse {})
    }

    /// What the models of a name and a version did, or all of them.
    pub(super) fn statistics_of(
        &self,
        asked: ModelStatisticsRequest,
    ) -> Result<ModelStatisticsResponse, Status> {
        let ModelStatisticsRequest { name, version } = asked;
        let mut all = self.statistics.all();
        for served in self.inference.names().served() {
            all.entry(served).or_default();
        }
        let is_asked = |(of_name, of_version): &(String, String)| {
            (name.is_empty() || *of_name == name) && (version.is_empty() || *of_version == version)
        };
        all.retain(|model, _| is_asked(model));
        if all.is_empty() && !(name.is_empty() && version.is_empty()) {
            return Err(status::of(&StoreError::NotFound {
                what: "model",
                name: format!("{name}:{version}").chars().take(130).collect(),
                advice: " among those that are served or were asked; leave name and version empty \
                         for all of them"
                    .to_owned(),
            }));
        }
        let rows = all.into_iter();
        Ok(ModelStatisticsResponse {
            model_stats: rows.map(|(model, counts)| counts.to_wire(model)).collect(),
        })
    }
}

fn one_repository(name: &str) -> Result<(), Status> {
    match name {
        "" => Ok(()),
        name => Err(status::invalid_field(
            "repository_name",
            format!(
                "is {}, but there is one registry; leave it empty",
                super::shown(name)
            ),
        )),
    }
}

fn known_parameters(
    parameters: &BTreeMap<String, ModelRepositoryParameter>,
    known: &[&str],
) -> Result<(), Status> {
    match parameters.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(status::invalid_field(
            "parameters",
            format!(
                "has {}, but what a model is stands in its bundle; leave it out",
                super::shown(key)
            ),
        )),
    }
}

fn to_wire(row: Indexed) -> ModelIndex {
    let state = match row.standing {
        Standing::Ready => "READY",
        Standing::Loading => "LOADING",
        Standing::Unavailable => "UNAVAILABLE",
    };
    ModelIndex {
        name: row.name,
        version: row.version,
        state: state.to_owned(),
        reason: row.reason,
    }
}
