//! `cargo xtask test`: everything the tests need, then plain `cargo test`.

use crate::{
    bases,
    checkout::Checkout,
    command::{self, cargo},
    compile,
    servers::Servers,
    setup,
};
use anyhow::{Context as _, Result};
use std::{
    env,
    ffi::{OsStr, OsString},
    process::Command,
    time::Instant,
};

/// Options of `cargo xtask test`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Never touch the network; say what is missing instead.
    pub(crate) offline: bool,
    /// Passed on to `cargo test --workspace`, for example a test's name.
    pub(crate) arguments: Vec<OsString>,
}

/// Data outside the repository that some tests compare with when a variable names it.
const OPTIONAL_DATA: [(&str, &str); 2] = [
    ("OPENASSAY_GOLDEN_DIR", "reference vectors"),
    ("OPENASSAY_PGAA_DIR", "measured spectra"),
];

/// A program that some tests start where it is installed.
struct OptionalProgram {
    /// What it may be called.
    names: &'static [&'static str],
    /// What it is for.
    what: &'static str,
    /// Debian's package.
    package: &'static str,
}

const OPTIONAL_PROGRAMS: [OptionalProgram; 2] = [
    OptionalProgram {
        names: &[
            "chromium",
            "chromium-browser",
            "google-chrome",
            "google-chrome-stable",
        ],
        what: "the console in a browser",
        package: "chromium",
    },
    OptionalProgram {
        names: &["node"],
        what: "the scripts of the console by themselves (Node.js 20 or newer)",
        package: "nodejs",
    },
];

/// Sets up, builds and runs every test.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    let started = Instant::now();
    compile::announce(compile::Profile::Dev)?;
    setup::run(checkout, setup::Wanted { tests: true }, options.offline)?;
    let tool = compile::tests(checkout, options.offline)?;
    bases::prepare(checkout, &tool)?;
    let servers = Servers::prepare(checkout, options.offline)?;
    let mut test = cargo_test(checkout, options.offline)?;
    test.envs(servers.environment().iter().map(|(name, url)| (*name, url)));
    test.arg("--no-fail-fast").args(&options.arguments);
    let outcome = command::run(checkout, &mut test, "The failed tests are named above");
    let absent = notes(|name| env::var_os(name).is_some());
    let programs = programs(is_there);
    for note in absent.iter().chain(&programs).chain(servers.notes()) {
        eprintln!("{note}");
    }
    outcome?;
    eprintln!(
        "all tests passed ({:.0} s)",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// `cargo test` of the workspace, in the surroundings that its tests need.
pub(crate) fn cargo_test(checkout: &Checkout, offline: bool) -> Result<Command> {
    let mut test = cargo(checkout);
    test.args(["test", "--workspace"]);
    if offline {
        test.arg("--offline");
    }
    test.env("OPENASSAY_BASES_DIR", checkout.bases())
        .env("OPENASSAY_TEST_PYTHONPATH", checkout.python())
        // Several trainings run at once here; threads that spin while they wait would take the
        // cores from one another.
        .env("OMP_WAIT_POLICY", "passive")
        .env("LD_LIBRARY_PATH", library_path(checkout)?);
    Ok(test)
}

/// What the tests passed over in the absence of data; cargo hides the words of a passed test.
fn notes(is_set: impl Fn(&str) -> bool) -> Vec<String> {
    let absent = OPTIONAL_DATA.iter().filter(|(name, _)| !is_set(name));
    absent
        .map(|(name, what)| format!("NOT COMPARED with {what}: {name} is not set"))
        .collect()
}

/// What the tests passed over in the absence of programs.
fn programs(is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let absent = OPTIONAL_PROGRAMS.iter();
    let absent = absent.filter(|program| !program.names.iter().any(|name| is_there(name)));
    absent
        .map(|OptionalProgram { what, package, .. }| {
            format!("NOT TESTED: {what}; on Debian or Ubuntu: sudo apt-get install -y {package}")
        })
        .collect()
}

/// Whether a program is there and new enough for the tests.
fn is_there(program: &str) -> bool {
    is_on_path(program) && (program != "node" || node_is_new())
}

fn node_is_new() -> bool {
    let told = Command::new("node").arg("--version").output();
    let major = |told: String| -> Option<u32> {
        let version = told.trim().strip_prefix('v')?;
        version.split('.').next()?.parse().ok()
    };
    told.ok()
        .and_then(|told| major(String::from_utf8_lossy(&told.stdout).into_owned()))
        .is_some_and(|major| major >= 20)
}

fn is_on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Documentation tests get no run path from a build script, so the loader is told.
fn library_path(checkout: &Checkout) -> Result<OsString> {
    let libtorch = checkout
        .foreign_libtorch()
        .unwrap_or_else(|| checkout.libtorch());
    appended(
        env::var_os("LD_LIBRARY_PATH").as_deref(),
        libtorch.join("lib").as_os_str(),
    )
}

fn appended(before: Option<&OsStr>, folder: &OsStr) -> Result<OsString> {
    let before = before.filter(|b| !b.is_empty()).map(env::split_paths);
    let folders = before.into_iter().flatten().chain([folder.into()]);
    env::join_paths(folders).context("LIBTORCH has a colon in its path: name another folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_libraries_come_first() {
        let path = appended(Some(OsStr::new("/gpu:/b")), OsStr::new("/c/lib")).unwrap();
        assert_eq!(path, "/gpu:/b:/c/lib");
        assert_eq!(appended(None, OsStr::new("/c/lib")).unwrap(), "/c/lib");
        assert_eq!(
            appended(Some(OsStr::new("")), OsStr::new("/c")).unwrap(),
            "/c"
        );
        assert!(appended(None, OsStr::new("/a:b")).is_err());
    }

    #[test]
    fn absent_programs_are_told() {
        assert_eq!(programs(|_| true), Vec::<String>::new());
        assert_eq!(programs(|name| name == "google-chrome").len(), 1);
        let told = programs(|name| name == "node");
        assert!(told[0].contains("browser") && told[0].ends_with("chromium"));
    }

    #[test]
    fn absent_data_is_told() {
        assert_eq!(notes(|_| true), Vec::<String>::new());
        let notes = notes(|name| name == "OPENASSAY_GOLDEN_DIR");
        assert_eq!(
            notes,
            ["NOT COMPARED with measured spectra: OPENASSAY_PGAA_DIR is not set"]
        );
    }
}
