//! The built programs name the native libraries that they need, and no others: only what trains
//! needs libtorch. Read from the programs themselves, with `readelf` of the C++ compiler's tools.

use anyhow::{Context as _, Result, ensure};
use assay_e2e::{cluster::PROGRAMS, tool};
use std::{collections::BTreeSet, process::Command};

/// What begins the names of libraries that come with libtorch.
const TORCH: [&str; 5] = ["libtorch", "libc10", "libcuda", "libcupti", "libgomp"];

/// What every program may need: the system's own libraries.
const SYSTEM: [&str; 9] = [
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "ld-linux-x86-64.so.2",
];

/// The libraries that the loader must find before a program begins.
fn needed(program: &str) -> Result<BTreeSet<String>> {
    let output = Command::new("readelf")
        .args(["--dynamic", "--wide"])
        .arg(tool::program(program)?)
        .env("LC_ALL", "C")
        .output()
        .context("readelf does not start: install binutils")?;
    ensure!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().filter(|line| line.contains("(NEEDED)"));
    let names = lines.map(|line| {
        let (_, name) = line.split_once('[').context("a line without a name")?;
        Ok(name.trim_end_matches(']').to_owned())
    });
    names.collect()
}

fn of_torch(libraries: &BTreeSet<String>) -> Vec<&String> {
    let of_torch = |name: &&String| TORCH.iter().any(|start| name.starts_with(start));
    libraries.iter().filter(of_torch).collect()
}

#[test]
fn only_what_trains_needs_libtorch() {
    for program in PROGRAMS.into_iter().chain(["openassay"]) {
        let libraries = needed(program).unwrap();
        assert!(libraries.contains("libc.so.6"), "{program}: {libraries:?}");
        let torch = of_torch(&libraries);
        if ["assay-trainer", "openassay"].contains(&program) {
            let whole = ["libtorch_cpu.so", "libc10.so"].map(str::to_owned);
            let found = whole.iter().all(|name| torch.contains(&name));
            assert!(found, "{program} lacks libtorch: {libraries:?}");
        } else {
            assert_eq!(torch, Vec::<&String>::new(), "{program}");
        }
        let foreign: Vec<_> = libraries
            .iter()
            .filter(|name| !torch.contains(name) && !SYSTEM.contains(&name.as_str()))
            .collect();
        // ONNX Runtime is opened by its path when a model is run; nothing else is linked.
        assert_eq!(foreign, Vec::<&String>::new(), "{program}");
    }
}
