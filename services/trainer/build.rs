//! Lets the binary find libtorch where it was linked from, unless LD_LIBRARY_PATH names another.

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(libtorch) = std::env::var_os("LIBTORCH") {
        let folder = std::path::Path::new(&libtorch).join("lib");
        // RUNPATH rather than RPATH, because only the former yields to LD_LIBRARY_PATH.
        println!("cargo:rustc-link-arg=-Wl,--enable-new-dtags");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
}
