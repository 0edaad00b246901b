//! How models are served, for people and programs that ask.

use super::Route;
use crate::pool::Presence;
use assay_core::Digest;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Why a model that failed is not there for the moment.
const ENDED: &str = "its thread ended by a defect; it is loaded again";

/// State of a served model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Being read, warmed up and tested.
    Loading,
    /// Answers.
    Serving,
    /// Finishes what it began.
    Draining,
    /// Could not be loaded or failed its test.
    Refused,
}

/// How one model is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedStatus {
    /// Name with alias or version; empty for a bundle without one.
    pub(crate) name: String,
    /// The bundle; `None` when the name is not in the registry.
    pub(crate) bundle: Option<Digest>,
    pub(crate) state: State,
    /// Why; may be empty.
    pub(crate) reason: String,
    /// Requests that use it now.
    pub(crate) in_flight: usize,
}

/// Every name, by name, then every bundle without one.
pub(super) fn all(
    routes: &BTreeMap<String, Route>,
    present: &HashMap<Digest, Presence>,
    refused: &HashMap<Digest, String>,
) -> Vec<NamedStatus> {
    let mut all = Vec::new();
    let mut named = BTreeSet::new();
    for (name, route) in routes {
        let rows = of_route(name, route, present);
        named.extend(rows.iter().filter_map(|row| row.bundle));
        all.extend(rows);
    }
    let without_name: BTreeMap<_, _> = present
        .iter()
        .filter(|(digest, _)| !named.contains(digest))
        .collect();
    for (digest, presence) in without_name {
        let (state, reason, in_flight) = match *presence {
            Presence::Loading => (State::Loading, "asked for by its digest", 0),
            Presence::Ready(0) => (State::Serving, "kept for requests by its digest", 0),
            Presence::Ready(n) => (State::Draining, "answers requests by its digest", n),
            Presence::Ended => (State::Loading, ENDED, 0),
        };
        all.push(NamedStatus {
            name: String::new(),
            bundle: Some(*digest),
            state,
            reason: reason.to_owned(),
            in_flight,
        });
    }
    let asked_by_digest: BTreeMap<_, _> = refused
        .iter()
        .filter(|(digest, _)| !named.contains(digest))
        .collect();
    all.extend(
        asked_by_digest
            .into_iter()
            .map(|(digest, reason)| NamedStatus {
                name: String::new(),
                bundle: Some(*digest),
                state: State::Refused,
                reason: reason.clone(),
                in_flight: 0,
            }),
    );
    all
}

/// What answers under a name now, and what is to answer but does not yet.
fn of_route(name: &str, route: &Route, present: &HashMap<Digest, Presence>) -> Vec<NamedStatus> {
    let row = |bundle, state, reason: &str, in_flight| NamedStatus {
        name: name.to_owned(),
        bundle,
        state,
        reason: reason.to_owned(),
        in_flight,
    };
    let mut rows = Vec::new();
    let [wanted, serving] =
        [&route.wanted, &route.serving].map(|target| target.as_ref().map(|target| target.bundle));
    let same = wanted == serving;
    let trouble = route.trouble.as_deref().unwrap_or_default();
    if let Some(digest) = serving {
        rows.push(match present.get(&digest) {
            Some(Presence::Ready(users)) => row(
                Some(digest),
                State::Serving,
                if same { trouble } else { "" },
                *users,
            ),
            Some(Presence::Loading) => row(Some(digest), State::Loading, "", 0),
            Some(Presence::Ended) => row(Some(digest), State::Loading, ENDED, 0),
            None if same && route.trouble.is_some() => {
                row(Some(digest), State::Refused, trouble, 0)
            }
            None => {
                let reason = "not in memory; loaded when it is asked for";
                row(Some(digest), State::Serving, reason, 0)
            }
        });
    }
    if !same || serving.is_none() {
        rows.push(match &route.trouble {
            Some(reason) => row(wanted, State::Refused, reason, 0),
            None => row(wanted, State::Loading, "read, warmed up and tested", 0),
        });
    }
    rows
}
