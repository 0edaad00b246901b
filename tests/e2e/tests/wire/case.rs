//! One bad request, and what the interface says is the answer.

use assay_e2e::raw::{Answer, Call};
use http::StatusCode;
use tonic::Code;
use tonic_types::StatusExt as _;

pub(crate) const INGEST: &str = "openassay.ingest.v1.IngestService";
pub(crate) const INFERENCE: &str = "openassay.inference.v1.InferenceService";
pub(crate) const GATE: &str = "openassay.gate.v1.GateService";
pub(crate) const EXPLAIN: &str = "openassay.explain.v1.ExplainService";
pub(crate) const DATASETS: &str = "openassay.datasets.v1.DatasetService";
pub(crate) const REGISTRY: &str = "openassay.registry.v1.RegistryService";
pub(crate) const JOBS: &str = "openassay.jobs.v1.JobService";
pub(crate) const WORKERS: &str = "openassay.jobs.v1.WorkerService";

/// What stands on the server that is asked.
pub(crate) struct Stage {
    /// Digest of a spectrum.
    pub(crate) spectrum: String,
    /// Its file.
    pub(crate) file: Vec<u8>,
    /// Digest of a data set.
    pub(crate) dataset: String,
    /// Digest of a bundle.
    pub(crate) bundle: String,
    /// Length of the model's input vectors.
    pub(crate) bins: usize,
    /// A job that is done.
    pub(crate) job: String,
}

/// A bad request.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) call: Call,
    /// Status of HTTP; that of gRPC stands in an answer that is in order as HTTP.
    http: StatusCode,
    code: Code,
    /// The fields that are at fault; empty where none is.
    fields: Vec<String>,
}

/// Where a method is.
pub(crate) fn path(service: &str, method: &str) -> String {
    format!("/{service}/{method}")
}

impl Case {
    /// A request that is refused with a code.
    pub(crate) fn refused(name: impl Into<String>, call: Call, code: Code) -> Self {
        Self {
            name: name.into(),
            call,
            http: StatusCode::OK,
            code,
            fields: Vec::new(),
        }
    }

    /// A request that is no gRPC and is refused in the words of HTTP.
    pub(crate) fn foreign(name: impl Into<String>, call: Call, http: StatusCode) -> Self {
        Self {
            http,
            ..Self::refused(name, call, Code::Unknown)
        }
    }

    /// A request with a field that cannot be used.
    pub(crate) fn field(
        name: impl Into<String>,
        (service, method): (&str, &str),
        message: &impl prost::Message,
        field: &str,
    ) -> Self {
        let call = Call::of(&path(service, method), message);
        Self {
            fields: vec![field.to_owned()],
            ..Self::refused(name, call, Code::InvalidArgument)
        }
    }

    /// A request for something that is not there.
    pub(crate) fn missing(
        name: impl Into<String>,
        (service, method): (&str, &str),
        message: &impl prost::Message,
    ) -> Self {
        let call = Call::of(&path(service, method), message);
        Self::refused(name, call, Code::NotFound)
    }

    /// What is wrong with the answer; nothing where it is the right one.
    pub(crate) fn fault(&self, answer: &Answer) -> Option<String> {
        let status = &answer.status;
        let violations = status
            .get_details_bad_request()
            .map(|details| details.field_violations)
            .unwrap_or_default();
        let fields: Vec<_> = violations.iter().map(|v| v.field.clone()).collect();
        let told = violations.iter().all(|v| !v.description.is_empty());
        let right = answer.http == self.http
            && status.code() == self.code
            && fields == self.fields
            && told
            // A method that is not there needs no more words.
            && (self.code == Code::Unimplemented || !status.message().is_empty());
        (!right).then(|| {
            format!(
                "{}: expected {:?} {:?}, found {:?} {fields:?} ({}): {}",
                self.name,
                self.code,
                self.fields,
                status.code(),
                answer.http,
                status.message()
            )
        })
    }
}

/// Texts that are no digest.
pub(crate) fn no_digests() -> Vec<String> {
    [
        "zz",
        "../../../../etc/passwd",
        "..",
        "/",
        "%2e%2e%2f",
        "\0",
        &"g".repeat(64),
        &"a".repeat(63),
        &"a".repeat(65),
        &"../".repeat(21),
        &"é".repeat(32),
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A digest of nothing that is there.
pub(crate) fn absent() -> String {
    "ab".repeat(32)
}
