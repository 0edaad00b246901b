//! The stamp of a component: a text that names every pin and rule it was made from. It lies in
//! the component's own folder, so that folder and stamp appear together.

use crate::wheels::{Component, Take};
use std::{fmt::Write as _, fs, path::Path};

/// Name of the stamp in a component's folder.
pub(crate) const STAMP: &str = "PINS";

/// What the stamp of `component` says when it is current.
pub(crate) fn text(component: &Component) -> String {
    let mut text = String::from("made by `cargo xtask setup`; remove this file to unpack anew\n");
    for (wheel, takes) in component.wheels {
        let _ = writeln!(text, "{}  {}", wheel.sha256, wheel.file);
        for take in *takes {
            let (Take::File { from, to } | Take::Tree { from, to }) = take;
            let _ = writeln!(text, "  {from} as {to}");
        }
    }
    for (link, target) in component.links {
        let _ = writeln!(text, "{link} to {target}");
    }
    for (file, content) in component.texts {
        let _ = writeln!(text, "{file} says {content:?}");
    }
    text
}

/// Whether the folder of `component` below `state` was made from the pins of today.
pub(crate) fn is_current(state: &Path, component: &Component) -> bool {
    matches(&state.join(component.folder), &text(component))
}

/// Whether the stamp in `folder` reads `text`.
pub(crate) fn matches(folder: &Path, text: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wheels::{COMPONENTS, Wheel};

    const fn pinned(sha256: &'static str) -> Wheel {
        Wheel {
            file: "p-1-py3-none-any.whl",
            sha256,
            size_bytes: 1,
        }
    }

    const TAKE_B: &[Take] = &[Take::File { from: "a", to: "b" }];
    const TAKE_C: &[Take] = &[Take::File { from: "a", to: "c" }];

    fn text_of(wheels: &'static [(Wheel, &'static [Take])]) -> String {
        text(&Component {
            name: "c",
            purpose: "",
            folder: "c",
            unpacked_bytes: 1,
            wheels,
            links: &[],
            texts: &[],
        })
    }

    #[test]
    fn a_changed_pin_or_rule_changes_the_stamp() {
        let before = text_of(const { &[(pinned("aa"), TAKE_B)] });
        assert_eq!(before, text_of(const { &[(pinned("aa"), TAKE_B)] }));
        assert_ne!(before, text_of(const { &[(pinned("bb"), TAKE_B)] }));
        assert_ne!(before, text_of(const { &[(pinned("aa"), TAKE_C)] }));
    }

    #[test]
    fn only_the_same_text_is_current() {
        let state = tempfile::tempdir().unwrap();
        let component = &COMPONENTS[1];
        assert!(!is_current(state.path(), component));
        let folder = state.path().join(component.folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(STAMP), text(component)).unwrap();
        assert!(is_current(state.path(), component));
        fs::write(folder.join(STAMP), "older pins").unwrap();
        assert!(!is_current(state.path(), component));
    }
}
