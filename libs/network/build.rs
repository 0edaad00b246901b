//! Turns the description of the ONNX format into Rust types; needs no protoc.

use std::{error::Error, io, result::Result};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto/onnx_model.proto");
    let descriptors = protox::compile(["onnx_model.proto"], ["proto"])?;
    prost_build::Config::new()
        .compile_fds(descriptors)
        .map_err(io::Error::into)
}
