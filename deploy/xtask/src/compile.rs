//! Builds the command-line tool and says where it is.

use crate::{
    checkout::Checkout,
    command::{cargo, run},
    machine,
};
use anyhow::{Context as _, Result};
use std::{
    env,
    path::{Path, PathBuf},
    thread,
};

/// How the tool is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    /// Work of a first build, a rough estimate for the note to the user; (core minutes, gigabytes).
    fn first_build(self) -> (f64, f64) {
        match self {
            Self::Dev => (14.0, 4.0),
            Self::Release => (18.0, 2.0),
        }
    }
}

/// Before a first build: that the machine can, that it takes long, and how long about.
pub(crate) fn announce(profile: Profile) -> Result<()> {
    machine::check_compiler()?;
    announce_first_build(profile)
}

/// That a first build takes long, unless there has been one.
pub(crate) fn announce_first_build(profile: Profile) -> Result<()> {
    if !tool(profile)?.exists() {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        eprintln!("{}", first_build_note(profile, cores));
    }
    Ok(())
}

fn first_build_note(profile: Profile, cores: usize) -> String {
    let (core_minutes, gigabytes) = profile.first_build();
    // Beyond eight cores the longest chain of crates decides.
    let at_once = u32::try_from(cores.clamp(1, 8)).unwrap_or(8);
    let minutes = (core_minutes / f64::from(at_once)).ceil();
    format!(
        "the first {} build takes about {minutes:.0} minutes on {cores} cores and {gigabytes:.0} GB \
         in target/; later ones take seconds",
        profile.folder()
    )
}

/// Builds the tool for the demo.
pub(crate) fn release(checkout: &Checkout, offline: bool) -> Result<PathBuf> {
    let mut command = cargo(checkout);
    command.args(["build", "--release", "--package", "openassay"]);
    if offline {
        command.arg("--offline");
    }
    run(checkout, &mut command, BUILD_REMEDY)?;
    tool(Profile::Release)
}

/// Builds every binary and test, and nothing that `cargo test --workspace` would build otherwise.
pub(crate) fn tests(checkout: &Checkout, offline: bool) -> Result<PathBuf> {
    let mut command = cargo(checkout);
    command.args(["build", "--workspace", "--bins", "--tests"]);
    if offline {
        command.arg("--offline");
    }
    run(checkout, &mut command, BUILD_REMEDY)?;
    tool(Profile::Dev)
}

const BUILD_REMEDY: &str = "The compiler's words are above. Where libtorch was not found, run \
                            `cargo xtask setup`; where crates could not be fetched, look at the \
                            network and run the same command again";

fn tool(profile: Profile) -> Result<PathBuf> {
    let own = env::current_exe().context("cannot find the running program")?;
    beside(&own, profile)
        .with_context(|| format!("{} is not in a target folder of cargo", own.display()))
}

/// This task was built to `TARGET/PROFILE/`, whatever the target folder is; so is the tool.
fn beside(own: &Path, profile: Profile) -> Option<PathBuf> {
    let target = own.ancestors().nth(2)?;
    Some(target.join(profile.folder()).join("openassay"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_lies_in_the_same_target_folder() {
        let own = Path::new("/t/x86_64-unknown-linux-gnu/debug/assay-xtask");
        let tool = beside(own, Profile::Release).unwrap();
        assert_eq!(
            tool,
            Path::new("/t/x86_64-unknown-linux-gnu/release/openassay")
        );
        assert_eq!(beside(Path::new("/x"), Profile::Dev), None);
    }

    #[test]
    fn more_cores_take_less_time() {
        let two = first_build_note(Profile::Release, 2);
        assert!(two.contains("about 9 minutes on 2 cores"), "{two}");
        assert!(first_build_note(Profile::Release, 64).contains("about 3 minutes"));
    }
}
