//! The Containerfiles: pinned, without privileges, and built from the one list of files that the
//! tests of the images use as well.

use crate::assert_none;
use assay_e2e::checkout;
use std::{collections::BTreeSet, fs, process::Command};

/// What a Containerfile says about its image.
pub(crate) struct Containerfile {
    text: String,
    /// `USER`
    pub(crate) user: String,
    /// The program of `ENTRYPOINT`.
    pub(crate) entry: String,
}

impl Containerfile {
    pub(crate) fn of(service: &str) -> Self {
        let file = format!("deploy/containers/{service}/Containerfile");
        let text = fs::read_to_string(checkout::root().unwrap().join(file)).unwrap();
        // A backslash goes on in the next line.
        let text = text.replace("\\\n", " ");
        let last = |word: &str| {
            let mut lines = text.lines().filter_map(|line| line.strip_prefix(word));
            lines.next_back().unwrap_or_default().trim().to_owned()
        };
        let entry = last("ENTRYPOINT ").replace(['[', ']', '"'], "");
        Self {
            user: last("USER "),
            entry,
            text,
        }
    }

    fn lines(&self, word: &str) -> Vec<&str> {
        let lines = self.text.lines();
        lines.filter_map(|line| line.strip_prefix(word)).collect()
    }
}

fn list_of(file: &str) -> Vec<(String, String)> {
    let file = checkout::root()
        .unwrap()
        .join("deploy/containers")
        .join(file);
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (from, to) = line.split_once(' ').unwrap();
            (from.to_owned(), to.to_owned())
        })
        .collect()
}

#[test]
fn every_image_is_pinned_and_runs_without_privileges() {
    let mut violations = Vec::new();
    for service in crate::SERVICES {
        let image = Containerfile::of(service);
        let mut expect = |right: bool, what: &str| {
            if !right {
                violations.push(format!("{service}: {what}"));
            }
        };
        expect(
            image.entry == format!("/usr/bin/assay-{service}"),
            "another program",
        );
        expect(image.user == "65532:65532", "its user is no number");
        expect(image.lines("STOPSIGNAL ") == ["SIGTERM"], "no SIGTERM");
        let bases = image
            .lines("ARG ")
            .into_iter()
            .filter(|line| line.contains('/'));
        let bases: Vec<_> = bases.collect();
        expect(bases.len() == 2, "its base images are not two arguments");
        for base in bases {
            let tag = base.rsplit_once(':').map_or("", |(_, tag)| tag);
            let whole = tag.chars().filter(|c| *c == '.').count() > 0;
            expect(
                whole && !tag.contains("latest"),
                "a base image without a whole version",
            );
        }
        let stages: BTreeSet<&str> = image.lines("FROM ").into_iter().collect();
        let named = stages.iter().all(|stage| {
            ["${RUST}", "${BASE}", "image", "build"]
                .contains(&stage.split(' ').next().unwrap_or(""))
        });
        expect(named, "a stage from elsewhere");
        expect(
            image.text.contains("cargo build --release --locked"),
            "not built by the lock file",
        );
        let list = format!("deploy/containers/{service}/files.txt");
        expect(
            image.text.contains(&list),
            "not built from its list of files",
        );
        for label in ["title", "description", "version", "revision", "licenses"] {
            let label = format!("org.opencontainers.image.{label}=");
            expect(image.text.contains(&label), "a label is missing");
        }
        let files = list_of(&format!("{service}/files.txt"));
        let native = files.iter().any(|(from, _)| from.starts_with("state/"));
        let set_up = image.text.contains("cargo xtask setup");
        expect(
            native == set_up,
            "native libraries come from `cargo xtask setup`",
        );
        let torch = files.iter().any(|(from, _)| from.contains("libtorch"));
        expect(
            torch == (service == "trainer"),
            "libtorch is the trainer's alone",
        );
        let program = (format!("programs/assay-{service}"), "/usr/bin/".to_owned());
        expect(files.contains(&program), "its program is not in its list");
    }
    assert_none(&violations);
}

#[test]
fn the_flavour_for_gpus_has_the_same_torch_and_wheels_for_every_file() {
    let root = checkout::root().unwrap();
    let pins = fs::read_to_string(root.join("deploy/xtask/src/wheels.rs")).unwrap();
    let wanted = root.join("deploy/containers/trainer/cuda-requirements.txt");
    let wanted = fs::read_to_string(wanted).unwrap();
    let mut projects = BTreeSet::new();
    for line in wanted.lines().filter(|line| !line.starts_with('#')) {
        let (pin, hash) = line.split_once(" --hash=sha256:").unwrap();
        let (project, version) = pin.split_once("==").unwrap();
        assert_eq!(hash.len(), 64, "{line}");
        let file = format!("{}-{version}-", project.replace('-', "_"));
        if project == "torch" {
            assert!(
                pins.contains(&file) && pins.contains(hash),
                "{line} is not xtask's pin"
            );
        }
        // One that both have must be one.
        assert_eq!(pins.contains(&file), pins.contains(hash), "{line}");
        projects.insert(project.replace('-', "_"));
    }
    let licensed = list_of("trainer/cuda-files.txt");
    let licensed: BTreeSet<_> = licensed
        .iter()
        .filter_map(|(_, to)| to.strip_prefix("/usr/share/licenses/"))
        .map(|folder| folder.trim_end_matches('/'))
        .collect();
    for project in projects.iter().filter(|project| *project != "torch") {
        let there = licensed.iter().any(|folder| project.starts_with(*folder));
        assert!(there, "{project} has no licence in the image");
    }
}

#[test]
fn builds_see_every_crate_and_no_secret() {
    let root = checkout::root().unwrap();
    let text = fs::read_to_string(root.join(".dockerignore")).unwrap();
    assert!(text.lines().any(|line| line == "*"), "everything is sent");
    let sent: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().unwrap();
        let folder = folder.strip_prefix(&root).unwrap();
        let inside = |place: &&str| folder.starts_with(place);
        assert!(sent.iter().any(inside), "{folder} is not sent");
    }
    for file in [
        "Cargo.toml",
        "Cargo.lock",
        ".cargo",
        "proto",
        "LICENSE",
        "deploy/containers",
    ] {
        assert!(sent.contains(&file), "{file} is not sent");
        assert!(root.join(file).exists(), "{file} is not there");
    }
    for place in sent {
        assert!(!place.starts_with("deploy/kubernetes") && !place.starts_with("deploy/compose"));
    }
}

#[test]
fn docker_itself_finds_nothing_wrong_with_the_builds() {
    let test = "docker_itself_finds_nothing_wrong_with_the_builds";
    let root = checkout::root().unwrap();
    let there = Command::new("docker").args(["buildx", "version"]).output();
    let engine = Command::new("docker").arg("info").output();
    let works = |output: std::io::Result<std::process::Output>| {
        output.is_ok_and(|output| output.status.success())
    };
    if !works(there) || !works(engine) {
        eprintln!("SKIPPED {test}: there is no docker with an engine and buildx");
        return;
    }
    for service in crate::SERVICES {
        let file = format!("deploy/containers/{service}/Containerfile");
        let checked = Command::new("docker")
            .args(["build", "--check", "--file", &file, "."])
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(checked.status.success(), "{service}: {checked:?}");
    }
}
