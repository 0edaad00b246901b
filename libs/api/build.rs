//! Generates the gRPC code from `proto/` without an installed protoc, and keeps the descriptors
//! for reflection.

use std::{env, error::Error, fs, path::Path};

/// The interface, one file each.
const FILES: [&str; 8] = [
    "openassay/spectrum/v1/spectrum.proto",
    "openassay/ingest/v1/ingest.proto",
    "openassay/inference/v1/inference.proto",
    "openassay/gate/v1/gate.proto",
    "openassay/explain/v1/explain.proto",
    "openassay/datasets/v1/datasets.proto",
    "openassay/registry/v1/registry.proto",
    "openassay/jobs/v1/jobs.proto",
];

/// The part of the interface that only our own workers use.
const WORKER: &str = "openassay/jobs/v1/worker.proto";

/// KEDA's interface to whoever knows how many replicas are wanted.
const EXTERNAL_SCALER: &str = "externalscaler/externalscaler.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files: Vec<_> = FILES.into_iter().chain([WORKER, EXTERNAL_SCALER]).collect();
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_source_info(true).include_imports(true);
    let descriptors = compiler.open_files(&files)?;
    let out = Path::new(&env::var("OUT_DIR")?).join("openassay.descriptors");
    fs::write(out, descriptors.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .build_transport(true)
        .codec_path("crate::codec::BoundedCodec")
        .compile_fds(descriptors.file_descriptor_set())?;
    Ok(())
}
