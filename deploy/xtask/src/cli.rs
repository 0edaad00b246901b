//! The command line of `cargo xtask`. Parsed by hand: an argument parser with derive macros would
//! be the longest part of building this crate, which everyone waits for.

use crate::{demo, kill, suite};
use anyhow::{Context as _, Result, bail};
use pico_args::Arguments;
use std::{ffi::OsString, path::PathBuf};

/// What the user sees for `--help`, for nothing, and after a mistake.
pub(crate) const HELP: &str = "\
Set-up, demo, tests and checks of the OpenAssay repository

usage: cargo xtask <task> [options]

tasks:
  demo   [--data DIR] [--out DIR]   set up, build, train both models, evaluate, identify, report
                                    --data: a folder of spectra with a manifest.csv
                                            (file,label,role); simulated spectra without it
                                    --out:  where results go (.openassay/demo)
  test   [-- ARGS]                  set up, build, run every test; ARGS go to `cargo test`
  kill-test [--rounds N] [--seed N] set up, build, kill a server at random moments with jobs in
                                    flight, N times (50); --seed: of the random moments (1)
  setup  [--tests]                  only fetch libtorch, ONNX Runtime and the pretrained bases
                                    --tests: and the Python packages of the tests
  lint                              formatting, clippy with warnings denied, cargo-deny

options of every task:
  --offline                         never touch the network; say what is missing instead
";

/// A task and its options.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Setup { tests: bool, offline: bool },
    Demo(demo::Options),
    Test(suite::Options),
    KillTest(kill::Options),
    Lint { offline: bool },
}

/// Reads the words after `cargo xtask`.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Task> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let passed_on = match words.iter().position(|w| w == "--") {
        Some(at) => {
            let rest = words.split_off(at + 1);
            words.pop();
            rest
        }
        None => Vec::new(),
    };
    let mut words = Arguments::from_vec(words);
    if words.contains(["-h", "--help"]) {
        return Ok(Task::Help);
    }
    let task = words
        .subcommand()
        .context("the task's name is not readable")?;
    let offline = words.contains("--offline");
    let task = match task.as_deref() {
        None | Some("help") => Task::Help,
        Some("setup") => Task::Setup {
            tests: words.contains("--tests"),
            offline,
        },
        Some("demo") => Task::Demo(demo::Options {
            data: folder(&mut words, "--data")?,
            out: folder(&mut words, "--out")?,
            offline,
        }),
        Some("test") => {
            refuse(words.finish())?;
            return Ok(Task::Test(suite::Options {
                offline,
                arguments: passed_on,
            }));
        }
        Some("kill-test") => Task::KillTest(kill::Options {
            rounds: number(&mut words, "--rounds", kill::ROUNDS)?,
            seed: number(&mut words, "--seed", kill::SEED)?,
            offline,
        }),
        Some("lint") => Task::Lint { offline },
        Some(other) => bail!("there is no task `{other}`\n\n{HELP}"),
    };
    refuse(words.finish())?;
    refuse(passed_on)?;
    Ok(task)
}

fn folder(words: &mut Arguments, option: &'static str) -> Result<Option<PathBuf>> {
    words
        .opt_value_from_os_str(option, |value| {
            Ok::<_, std::convert::Infallible>(value.into())
        })
        .with_context(|| format!("{option} needs the name of a folder"))
}

fn number(words: &mut Arguments, option: &'static str, usual: u64) -> Result<u64> {
    let given = words
        .opt_value_from_str(option)
        .with_context(|| format!("{option} needs a whole number"))?;
    Ok(given.unwrap_or(usual))
}

fn refuse(left_over: Vec<OsString>) -> Result<()> {
    match left_over.first() {
        None => Ok(()),
        Some(word) => bail!("`{}` is not understood here\n\n{HELP}", word.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn tasks_and_options_are_understood() {
        assert_eq!(parsed("").unwrap(), Task::Help);
        assert_eq!(parsed("demo --help").unwrap(), Task::Help);
        let demo = demo::Options {
            data: Some("d".into()),
            out: None,
            offline: true,
        };
        assert_eq!(parsed("demo --offline --data d").unwrap(), Task::Demo(demo));
        let both = Task::Setup {
            tests: true,
            offline: true,
        };
        assert_eq!(parsed("setup --tests --offline").unwrap(), both);
        assert_eq!(parsed("lint").unwrap(), Task::Lint { offline: false });
        let kill_test = |rounds, seed| {
            Task::KillTest(kill::Options {
                rounds,
                seed,
                offline: false,
            })
        };
        assert_eq!(parsed("kill-test").unwrap(), kill_test(50, 1));
        let chosen = parsed("kill-test --rounds 3 --seed 7").unwrap();
        assert_eq!(chosen, kill_test(3, 7));
    }

    #[test]
    fn words_after_two_dashes_are_passed_on() {
        let test = suite::Options {
            offline: true,
            arguments: vec!["name".into(), "--".into(), "--nocapture".into()],
        };
        assert_eq!(
            parsed("test --offline -- name -- --nocapture").unwrap(),
            Task::Test(test)
        );
    }

    #[test]
    fn mistakes_are_told() {
        for line in [
            "tset",
            "test name",
            "setup --fast",
            "demo --data",
            "kill-test --rounds many",
            "lint -- x",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
        let fault = parsed("tset").unwrap_err().to_string();
        assert!(
            fault.contains("`tset`") && fault.contains("usage:"),
            "{fault}"
        );
    }
}
