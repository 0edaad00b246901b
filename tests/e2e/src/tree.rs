//! Rules for the files of the repository. Pure: it is given the files.

use crate::checkout::RepositoryFile;
use std::path::Path;

/// What may stand at the top, besides files and folders that begin with a dot.
pub const TOP_LEVEL: [&str; 10] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "deploy",
    "libs",
    "proto",
    "services",
    "tests",
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = [
    "util", "utils", "common", "helper", "helpers", "misc", "manager", "managers",
];

const LONGEST_RUST_FILE: usize = 500;
const LONGEST_MAIN: usize = 60;
const LARGEST_FILE_BYTES: u64 = 1_500_000;

// In two parts, so that this file does not break the rule it checks.
const HOMES: [&str; 3] = [
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("/", "root/"),
];
const SWITCHED_OFF: &str = concat!("#[", "ignore");

/// What breaks a rule, one sentence each; `root` is the top of this checkout.
#[must_use]
pub fn violations(files: &[RepositoryFile], root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        found.extend(place(&file.path));
        if file.size_bytes > LARGEST_FILE_BYTES {
            found.push(format!(
                "{}: {} bytes, allowed {LARGEST_FILE_BYTES}: make it from a script or a package",
                file.path, file.size_bytes
            ));
        }
        if let Some(text) = &file.text {
            found.extend(paths_of_a_machine(&file.path, text, root));
            if Path::new(&file.path).extension().is_some_and(|e| e == "rs") {
                found.extend(rust(&file.path, text));
            }
        }
    }
    found
}

fn place(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let top = path.split('/').next().unwrap_or(path);
    if !top.starts_with('.') && !TOP_LEVEL.contains(&top) {
        found.push(format!(
            "{path}: nothing but {} and dotfiles stands at the top",
            TOP_LEVEL.join(", ")
        ));
    }
    for part in path.split('/') {
        let stem = part.split('.').next().unwrap_or(part).to_lowercase();
        if EMPTY_NAMES.contains(&stem.as_str()) {
            found.push(format!(
                "{path}: `{part}` does not say what is inside; name it after that"
            ));
        }
    }
    found
}

fn rust(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if !text.starts_with("//!") {
        found.push(format!(
            "{path}: does not begin with `//!` and what lives there"
        ));
    }
    if lines > LONGEST_RUST_FILE {
        found.push(format!(
            "{path}: {lines} lines, allowed {LONGEST_RUST_FILE}: is it one thing?"
        ));
    }
    if path.starts_with("services/") && path.ends_with("/src/main.rs") && lines >= LONGEST_MAIN {
        found.push(format!(
            "{path}: {lines} lines, allowed fewer than {LONGEST_MAIN}: a service's main only wires"
        ));
    }
    if let Some(line) = line_of(text, SWITCHED_OFF) {
        found.push(format!(
            "{path}:{line}: a test that is switched off; mend or remove it"
        ));
    }
    found
}

fn paths_of_a_machine(path: &str, text: &str, root: &Path) -> Vec<String> {
    let own = root.to_string_lossy();
    // A path of one part, such as a container's, also stands in ordinary text.
    let own = (root.components().count() > 2).then_some(own.as_ref());
    HOMES
        .into_iter()
        .chain(own)
        .filter_map(|start| {
            let line = line_of(text, start)?;
            Some(format!(
                "{path}:{line}: `{start}…` is a path of one machine; make it relative"
            ))
        })
        .collect()
}

/// Number of the first line that holds `needle`; for a path, only where a path begins.
fn line_of(text: &str, needle: &str) -> Option<usize> {
    let begins = |line: &str, at: usize| {
        let before = line[..at].chars().next_back();
        !needle.starts_with('/')
            || !before.is_some_and(|c| c.is_alphanumeric() || "._-}".contains(c))
    };
    text.lines()
        .position(|line| line.match_indices(needle).any(|(at, _)| begins(line, at)))
        .map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = RepositoryFile {
            path: path.to_owned(),
            size_bytes: text.len() as u64,
            text: Some(text.to_owned()),
        };
        violations(&[file], Path::new("/srv/checkout"))
    }

    #[track_caller]
    fn breaks_one_rule(path: &str, text: &str, word: &str) {
        let found = found(path, text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains(word) && found[0].contains(path),
            "{found:?}"
        );
    }

    #[test]
    fn a_good_file_breaks_nothing() {
        assert_eq!(
            found("libs/core/src/lib.rs", "//! Core.\n"),
            Vec::<String>::new()
        );
        assert_eq!(found(".ci/run", "cd \"$x/home/y\"\n"), Vec::<String>::new());
    }

    #[test]
    fn strangers_at_the_top_are_found() {
        breaks_one_rule("notes.txt", "", "stands at the top");
        breaks_one_rule("tools/x.txt", "", "stands at the top");
    }

    #[test]
    fn empty_names_are_found() {
        breaks_one_rule("libs/core/src/utils.rs", "//! x\n", "`utils.rs`");
        breaks_one_rule("libs/common/README.md", "", "`common`");
    }

    #[test]
    fn bad_rust_files_are_found() {
        breaks_one_rule("libs/core/src/a.rs", "use std::fs;\n", "`//!`");
        breaks_one_rule(
            "libs/core/src/a.rs",
            &format!("//!{}", "\n".repeat(501)),
            "501 lines",
        );
        breaks_one_rule(
            "services/x/src/main.rs",
            &format!("//!{}", "\n".repeat(60)),
            "60 lines",
        );
        let off = format!("//! x\n{SWITCHED_OFF}]\n");
        breaks_one_rule("libs/core/src/a.rs", &off, "a.rs:2");
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        for home in HOMES {
            breaks_one_rule(
                "README.md",
                &format!("x\nsee {home}someone/x"),
                "README.md:2",
            );
        }
        breaks_one_rule("README.md", "`/srv/checkout/x`", "/srv/checkout");
    }

    #[test]
    fn large_files_are_found() {
        let file = RepositoryFile {
            path: "libs/x/data.bin".to_owned(),
            size_bytes: LARGEST_FILE_BYTES + 1,
            text: None,
        };
        assert_eq!(violations(&[file], Path::new("/")).len(), 1);
    }
}
