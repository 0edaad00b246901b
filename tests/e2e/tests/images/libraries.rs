//! The libraries that an image takes from its base image, found by the dynamic loader's own
//! listing.

use crate::image::Image;
use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// What debian-slim has: the GNU C library, and the runtime of C++ that its package manager needs.
const BASE: [&str; 9] = [
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
];

/// Copies those libraries of the base image into an image that its programs and libraries ask for.
/// Anything else that they ask for and that is not in the image fails the test.
pub(crate) fn add_base(image: &Image) {
    let mut taken = BTreeSet::new();
    for file in files(&image.root) {
        if !is_program_or_library(&file) {
            continue;
        }
        for (name, place) in asked_for(image, &file) {
            if place.starts_with(&image.root) {
                continue;
            }
            let own = file.strip_prefix(&image.root).unwrap().display();
            assert!(
                BASE.contains(&name.as_str()),
                "{}: {own} needs {name}, which is neither in files.txt nor in the base image",
                image.service
            );
            taken.insert(place);
        }
    }
    assert!(!taken.is_empty(), "{}: no program", image.service);
    for place in &taken {
        let to = image.outside(&place.to_string_lossy());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(place, to).unwrap();
    }
    eprintln!("{}: of the base image: {taken:?}", image.service);
}

/// Names and places of the libraries that the loader finds for a file.
fn asked_for(image: &Image, file: &Path) -> Vec<(String, PathBuf)> {
    let mut list = Command::new("ldd");
    list.arg(file)
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/bin:/bin");
    for (name, value) in &image.variables {
        if name == "LD_LIBRARY_PATH" {
            list.env(name, image.outside(value));
        }
    }
    let output = list.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| {
        let line = line.trim();
        if line.starts_with("linux-vdso") || line == "statically linked" {
            return None;
        }
        let (name, place) = line.split_once(" => ").unwrap_or((line, line));
        let place = place.split(" (").next()?.trim();
        let name = name.split(" (").next()?.rsplit('/').next()?;
        Some((name.to_owned(), PathBuf::from(place)))
    });
    lines.collect()
}

fn is_program_or_library(file: &Path) -> bool {
    let mut start = [0; 4];
    let read = fs::File::open(file).unwrap().read(&mut start).unwrap();
    start[..read] == *b"\x7fELF"
}

/// Every file of a folder; who starts the image must be able to read it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        if entry.file_type().unwrap().is_dir() {
            assert_eq!(mode & 0o5, 0o5, "{entry:?} cannot be entered by everybody");
            found.extend(files(&entry.path()));
        } else {
            assert_eq!(mode & 0o4, 0o4, "{entry:?} cannot be read by everybody");
            found.push(entry.path());
        }
    }
    found
}
