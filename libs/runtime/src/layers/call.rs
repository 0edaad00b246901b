//! What a request calls, in words that metrics can bear: callers must not be able to make new
//! ones.

use std::collections::BTreeSet;

/// Stands for every name that is not one of ours.
pub(super) const UNKNOWN: &str = "unknown";

/// Services that watch over the process and must be answered when nothing else is.
pub(crate) const WATCHING: [&str; 3] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// The service and method of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) service: &'static str,
    pub(super) method: String,
}

impl Call {
    /// Reads a path such as `/openassay.gate.v1.GateService/Identify`.
    pub(super) fn of(path: &str, services: &BTreeSet<&'static str>) -> Self {
        let (service, method) = path
            .strip_prefix('/')
            .and_then(|path| path.split_once('/'))
            .unwrap_or_default();
        let known = services
            .get(service)
            .or_else(|| WATCHING.iter().find(|name| **name == service));
        match known {
            Some(service) => Self {
                service,
                method: method.to_owned(),
            },
            None => Self {
                service: UNKNOWN,
                method: UNKNOWN.to_owned(),
            },
        }
    }

    /// Whether it is exempt from limits.
    pub(super) fn watches(&self) -> bool {
        WATCHING.contains(&self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_services_have_a_name() {
        let services = BTreeSet::from(["a.v1.A"]);
        let call = Call::of("/a.v1.A/Do", &services);
        assert_eq!((call.service, call.method.as_str()), ("a.v1.A", "Do"));
        for path in ["", "/", "/b.v1.B/Do", "a.v1.A/Do", "/a.v1.A"] {
            assert_eq!(Call::of(path, &services).service, UNKNOWN, "{path}");
        }
        assert!(Call::of("/grpc.health.v1.Health/Check", &services).watches());
        assert!(!call.watches());
    }
}
