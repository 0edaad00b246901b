//! Lets the test binaries of this crate find libtorch when they run: torch-sys links against it
//! but does not pass its place on. RUNPATH, not RPATH, so that `LD_LIBRARY_PATH` can name another
//! torch of the same version, for example one with CUDA.

use std::{env, path::PathBuf};

fn main() {
    for variable in ["LIBTORCH", "LIBTORCH_LIB"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let root = env::var_os("LIBTORCH_LIB").or_else(|| env::var_os("LIBTORCH"));
    if let Some(root) = root {
        let folder = PathBuf::from(root).join("lib");
        println!("cargo:rustc-link-arg=-Wl,--enable-new-dtags");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
}
