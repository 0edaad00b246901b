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

/// The Open Inference Protocol, which other people's clients speak.
const OPEN_INFERENCE: &str = "inference/service.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = FILES.into_iter().chain([WORKER, OPEN_INFERENCE]);
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_source_info(true).include_imports(true);
    let descriptors = compiler.open_files(files)?;
    let out = Path::new(&env::var("OUT_DIR")?).join("openassay.descriptors");
    fs::write(out, descriptors.encode_file_descriptor_set())?;

    let mut ours = descriptors.file_descriptor_set();
    let mut foreign = ours.clone();
    let is_foreign = |name: &str| name.starts_with("inference/");
    ours.file.retain(|file| !is_foreign(file.name()));
    foreign.file.retain(|file| is_foreign(file.name()));
    tonic_prost_build::configure()
        .build_transport(true)
        .codec_path("crate::codec::BoundedCodec")
        .compile_fds(ours)?;
    // Its messages lie deep in each other, and their names tell the codec how.
    let mut named = prost_build::Config::new();
    named.enable_type_names().btree_map(["."]);
    tonic_prost_build::configure()
        .build_transport(true)
        .codec_path("crate::codec::NestedCodec")
        .compile_fds_with_config(foreign, named)?;
    Ok(())
}
