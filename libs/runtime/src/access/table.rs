//! The one table of who may call what: every RPC of every service that this repository serves. An
//! RPC without a row is refused.

use super::role::Role::{self, Analyst, Instrument, Operator, Worker};
use std::{collections::HashMap, sync::LazyLock};

/// What a caller needs for one RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing.
    Open,
    /// One of these roles, or one that holds it.
    Role(&'static [Role]),
    /// The same; and who did it is written down.
    Audited(&'static [Role]),
}

impl Need {
    /// The roles of which one is enough; `None` where none is needed.
    pub(crate) const fn roles(self) -> Option<&'static [Role]> {
        match self {
            Self::Open => None,
            Self::Role(roles) | Self::Audited(roles) => Some(roles),
        }
    }
}

/// The row of one RPC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Its full name, such as `openassay.gate.v1.GateService/Identify`.
    pub(crate) rpc: &'static str,
    /// What it needs.
    pub(crate) need: Need,
}

/// The row of a path such as `/openassay.gate.v1.GateService/Identify`.
pub(crate) fn row(path: &str) -> Option<Row> {
    static ROWS: LazyLock<HashMap<&'static str, Need>> =
        LazyLock::new(|| TABLE.iter().copied().collect());
    let (rpc, need) = ROWS.get_key_value(path.strip_prefix('/')?)?;
    Some(Row { rpc, need: *need })
}

/// The name of an RPC; of one that nobody serves only the part that is known.
pub(crate) fn known_rpc(service: &str, method: &str) -> String {
    let rpc = format!("{service}/{method}");
    let of_service = |row: &str| {
        row.rsplit_once('/')
            .is_some_and(|(name, _)| name == service)
    };
    if row(&format!("/{rpc}")).is_some() {
        rpc
    } else if TABLE.iter().any(|(row, _)| of_service(row)) {
        format!("{service}/unknown")
    } else {
        "unknown".to_owned()
    }
}

const INSTRUMENT: Need = Need::Role(&[Instrument]);
const ANALYST: Need = Need::Role(&[Analyst]);
const WORKER: Need = Need::Role(&[Worker]);
/// What services ask each other and instruments may ask too.
const BOTH: Need = Need::Role(&[Instrument, Worker]);

/// Every RPC and what it needs.
pub(crate) const TABLE: &[(&str, Need)] = &[
    // Whoever watches over the process is nobody, and learns only whether it works.
    ("grpc.health.v1.Health/Check", Need::Open),
    ("grpc.health.v1.Health/List", Need::Open),
    ("grpc.health.v1.Health/Watch", Need::Open),
    // The interface is public; `access.reflection` takes both services away.
    (
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Need::Open,
    ),
    (
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Need::Open,
    ),
    ("openassay.ingest.v1.IngestService/PutFile", INSTRUMENT),
    ("openassay.ingest.v1.IngestService/PutSpectrum", INSTRUMENT),
    ("openassay.ingest.v1.IngestService/PutSpectra", INSTRUMENT),
    ("openassay.ingest.v1.IngestService/GetSpectrum", INSTRUMENT),
    ("openassay.ingest.v1.IngestService/GetFile", INSTRUMENT),
    ("openassay.ingest.v1.IngestService/RenderImage", INSTRUMENT),
    (
        "openassay.ingest.v1.IngestService/RenderImageStream",
        INSTRUMENT,
    ),
    ("openassay.inference.v1.InferenceService/Features", BOTH),
    (
        "openassay.inference.v1.InferenceService/Classify",
        INSTRUMENT,
    ),
    ("openassay.inference.v1.InferenceService/Importances", BOTH),
    (
        "openassay.inference.v1.InferenceService/DescribeModel",
        BOTH,
    ),
    (
        "openassay.inference.v1.InferenceService/ListModels",
        INSTRUMENT,
    ),
    ("openassay.gate.v1.GateService/Identify", INSTRUMENT),
    ("openassay.gate.v1.GateService/IdentifyStream", INSTRUMENT),
    ("openassay.gate.v1.GateService/DescribeGate", INSTRUMENT),
    ("openassay.explain.v1.ExplainService/ExplainCam", ANALYST),
    ("openassay.explain.v1.ExplainService/ExplainPeaks", ANALYST),
    ("openassay.explain.v1.ExplainService/ExplainShap", ANALYST),
    ("openassay.explain.v1.ExplainService/RenderReport", ANALYST),
    (
        "openassay.datasets.v1.DatasetService/CreateDataset",
        ANALYST,
    ),
    ("openassay.datasets.v1.DatasetService/GetDataset", ANALYST),
    ("openassay.registry.v1.RegistryService/ListModels", ANALYST),
    (
        "openassay.registry.v1.RegistryService/DescribeVersion",
        ANALYST,
    ),
    ("openassay.registry.v1.RegistryService/GetBundle", ANALYST),
    (
        "openassay.registry.v1.RegistryService/PutBundle",
        Need::Audited(&[Operator]),
    ),
    (
        "openassay.registry.v1.RegistryService/Promote",
        Need::Audited(&[Operator]),
    ),
    (
        "openassay.registry.v1.RegistryService/RollBack",
        Need::Audited(&[Operator]),
    ),
    // Whose job it is, and whether a training may be promoted, the service looks at itself.
    (
        "openassay.jobs.v1.JobService/Submit",
        Need::Audited(&[Analyst]),
    ),
    ("openassay.jobs.v1.JobService/Get", ANALYST),
    ("openassay.jobs.v1.JobService/Watch", ANALYST),
    (
        "openassay.jobs.v1.JobService/Cancel",
        Need::Audited(&[Analyst]),
    ),
    ("openassay.jobs.v1.JobService/List", ANALYST),
    ("openassay.jobs.v1.JobService/GetArtefact", ANALYST),
    ("openassay.jobs.v1.WorkerService/Claim", WORKER),
    ("openassay.jobs.v1.WorkerService/Beat", WORKER),
    ("openassay.jobs.v1.WorkerService/Finish", WORKER),
    // The Open Inference Protocol: what says no more than health says is as open.
    ("inference.GRPCInferenceService/ServerLive", Need::Open),
    ("inference.GRPCInferenceService/ServerReady", Need::Open),
    ("inference.GRPCInferenceService/ModelReady", INSTRUMENT),
    ("inference.GRPCInferenceService/ServerMetadata", INSTRUMENT),
    ("inference.GRPCInferenceService/ModelMetadata", INSTRUMENT),
    ("inference.GRPCInferenceService/ModelInfer", INSTRUMENT),
    (
        "inference.GRPCInferenceService/ModelStreamInfer",
        INSTRUMENT,
    ),
    ("inference.GRPCInferenceService/ModelConfig", INSTRUMENT),
    ("inference.GRPCInferenceService/ModelStatistics", INSTRUMENT),
    ("inference.GRPCInferenceService/RepositoryIndex", INSTRUMENT),
    (
        "inference.GRPCInferenceService/RepositoryModelLoad",
        Need::Audited(&[Operator]),
    ),
    (
        "inference.GRPCInferenceService/RepositoryModelUnload",
        Need::Audited(&[Operator]),
    ),
    // Not offered; clients ask all the same, and are told so.
    (
        "inference.GRPCInferenceService/SystemSharedMemoryStatus",
        INSTRUMENT,
    ),
    (
        "inference.GRPCInferenceService/SystemSharedMemoryRegister",
        INSTRUMENT,
    ),
    (
        "inference.GRPCInferenceService/SystemSharedMemoryUnregister",
        INSTRUMENT,
    ),
    (
        "inference.GRPCInferenceService/CudaSharedMemoryStatus",
        INSTRUMENT,
    ),
    (
        "inference.GRPCInferenceService/CudaSharedMemoryRegister",
        INSTRUMENT,
    ),
    (
        "inference.GRPCInferenceService/CudaSharedMemoryUnregister",
        INSTRUMENT,
    ),
    (
        "inference.GRPCInferenceService/TraceSetting",
        Need::Role(&[Operator]),
    ),
    (
        "inference.GRPCInferenceService/LogSettings",
        Need::Role(&[Operator]),
    ),
    // KEDA, which asks how much work waits.
    ("externalscaler.ExternalScaler/IsActive", WORKER),
    ("externalscaler.ExternalScaler/StreamIsActive", WORKER),
    ("externalscaler.ExternalScaler/GetMetricSpec", WORKER),
    ("externalscaler.ExternalScaler/GetMetrics", WORKER),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_path_and_stands_once() {
        for (rpc, need) in TABLE {
            let found = row(&format!("/{rpc}")).unwrap();
            assert_eq!((found.rpc, found.need), (*rpc, *need));
        }
        let mut names: Vec<_> = TABLE.iter().map(|(rpc, _)| rpc).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn what_has_no_row_is_not_found() {
        for path in [
            "",
            "/",
            "openassay.gate.v1.GateService/Identify",
            "/openassay.gate.v1.GateService/Identify/",
            "//openassay.gate.v1.GateService/Identify",
            "/openassay.gate.v1.GateService/identify",
            "/openassay.gate.v1.GateService/Other",
        ] {
            assert!(row(path).is_none(), "{path}");
        }
    }
}
