//! A server with a model, rows for it, and what our own interface says of them.

use assay_api::inference::{
    ClassifyRequest, DescribeModelRequest, FeaturesRequest, Vector,
    inference_service_client::InferenceServiceClient,
};
use assay_e2e::{
    client,
    collection::{self, BUNDLE},
    foreign,
    metrics::Metrics,
    server::Server,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Name and version of the model.
pub(crate) const MODEL: &str = "steel";
pub(crate) const VERSION: &str = "2026.1";

/// Rows that clients send.
pub(crate) const ROWS: usize = 3;

/// Everything that is the same for all clients.
pub(crate) struct Stage {
    pub(crate) server: Server,
    /// Host and port.
    pub(crate) address: String,
    /// Digest of the bundle.
    pub(crate) bundle: String,
    /// Length of a row.
    pub(crate) bins: usize,
    /// The classes.
    pub(crate) labels: Vec<String>,
    /// The tensors that our own interface gives, by the names of the protocol, as the hexadecimal
    /// digits of their bytes.
    pub(crate) tensors: BTreeMap<&'static str, String>,
    /// Probabilities of each row.
    pub(crate) probabilities: Vec<Vec<f32>>,
    question: PathBuf,
}

impl Stage {
    pub(crate) async fn start(folder: &Path) -> Self {
        collection::simulate(folder, 2, 1).unwrap();
        collection::train(folder).unwrap();
        let metrics = ["--set", "server.metrics_listen=127.0.0.1:0"];
        let server = Server::start(folder, &metrics).unwrap();
        let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
        let named = ["--name", MODEL, "--version", VERSION];
        server.run(folder, &[&push[..], &named].concat()).unwrap();

        let channel = client::connect(&server.url).unwrap();
        let mut inference = client::client(&channel, InferenceServiceClient::new);
        let model = MODEL.to_owned();
        let described = inference.describe_model(DescribeModelRequest {
            model: model.clone(),
        });
        let described = described.await.unwrap().into_inner();
        let rows = rows(described.bins as usize);
        let vectors: Vec<_> = rows
            .iter()
            .map(|row| Vector {
                values: row.clone(),
            })
            .collect();
        let features = inference.features(FeaturesRequest {
            model: model.clone(),
            vectors: vectors.clone(),
        });
        let features = features.await.unwrap().into_inner().features;
        let classes = inference.classify(ClassifyRequest { model, vectors }).await;
        let classes = classes.unwrap().into_inner();
        let tensors = BTreeMap::from([
            ("features", hex(&features)),
            ("logits", hex(&classes.logits)),
            ("probabilities", hex(&classes.probabilities)),
        ]);
        let probabilities = classes.probabilities.into_iter().map(|row| row.values);
        let question = folder.join("question.json");
        let rows = rows
            .iter()
            .map(|row| row.iter().copied().map(f64::from).collect());
        let rows: Vec<Vec<f64>> = rows.collect();
        let text = json!({"model": MODEL, "version": VERSION, "rows": rows}).to_string();
        fs::write(&question, text).unwrap();
        Self {
            address: server.url.trim_start_matches("http://").to_owned(),
            server,
            bundle: described.bundle,
            bins: described.bins as usize,
            labels: described.labels,
            tensors,
            probabilities: probabilities.collect(),
            question,
        }
    }

    /// Runs a client with the address and the rows; gives what it printed.
    pub(crate) fn ask(&self, script: &str) -> Option<Value> {
        let arguments = [OsStr::new(&self.address), self.question.as_os_str()];
        let printed = foreign::python(script, script, arguments).unwrap()?;
        Some(serde_json::from_str(&printed).unwrap())
    }

    /// That tensors of a client are those of our own interface, and no others.
    #[track_caller]
    pub(crate) fn check_tensors(&self, told: &Value, names: &[&str]) {
        let told = told.as_object().unwrap();
        assert_eq!(told.len(), names.len(), "{:?}", told.keys());
        for name in names {
            assert_eq!(told[*name]["hex"], self.tensors[name], "{name}");
            assert_eq!(told[*name]["shape"][0], ROWS, "{name}");
        }
    }

    /// That Prometheus hears of the model what its statistics say.
    pub(crate) fn check_metrics(&self, triton: &Value) {
        let metrics = Metrics::read(&self.server.metrics_address().unwrap()).unwrap();
        let value = |name: &str| {
            let name = format!("{name}{{model=\"{MODEL}\",version=\"{VERSION}\"}}");
            metrics.get(&name) as u64
        };
        let told = &triton["statistics"]["model_stats"][0];
        let number = |value: &Value| -> u64 { value.as_str().unwrap().parse().unwrap() };
        let times = &told["inference_stats"];
        assert_eq!(
            value("nv_inference_request_success"),
            number(&times["success"]["count"])
        );
        assert_eq!(
            value("nv_inference_request_failure"),
            number(&times["fail"]["count"])
        );
        assert_eq!(
            value("nv_inference_count"),
            number(&told["inference_count"])
        );
        assert_eq!(
            value("nv_inference_exec_count"),
            number(&told["execution_count"])
        );
        let computed_us = number(&times["compute_infer"]["ns"]) / 1000;
        assert_eq!(value("nv_inference_compute_infer_duration_us"), computed_us);
        assert_eq!(
            value("nv_inference_queue_duration_us"),
            number(&times["queue"]["ns"]) / 1000
        );
        assert_eq!(value("nv_inference_pending_request_count"), 0);
    }
}

/// Falling continua with peaks, each row its own.
fn rows(bins: usize) -> Vec<Vec<f32>> {
    let value = |row: usize, bin: usize| {
        let peak = if bin % (37 + 11 * row) < 2 { 2.5 } else { 0.0 };
        peak - 6.0 - (bin * (row + 3)) as f32 / bins as f32
    };
    let row = |row: usize| (0..bins).map(|bin| value(row, bin)).collect();
    (0..ROWS).map(row).collect()
}

fn hex(rows: &[Vector]) -> String {
    let values = rows.iter().flat_map(|row| &row.values);
    let bytes = values.flat_map(|value| value.to_le_bytes());
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
