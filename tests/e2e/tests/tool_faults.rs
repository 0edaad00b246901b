//! What goes wrong between the tool and a server is told in words for files and folders, once,
//! and before the work.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_e2e::{
    collection::{self, BUNDLE, Collection, MANIFEST},
    server::Server,
};
use std::{fs, path::Path};

/// Exit code and words of the tool.
fn told(server: &Server, folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = server.output(folder, arguments).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

fn furnished(folder: &Path) -> (Server, Collection) {
    let collection = collection::simulate(folder, 2, 1).unwrap();
    collection::train(folder).unwrap();
    let server = Server::start(folder, &[]).unwrap();
    let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
    server.run(folder, &push).unwrap();
    (server, collection)
}

#[test]
fn faults_are_told_by_file_and_folder_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (server, collection) = furnished(folder);
    let good = format!("data/{}", collection.spectra[0].name);
    let other = format!("data/{}", collection.spectra[1].name);
    fs::write(folder.join("empty.spe"), "").unwrap();
    fs::write(folder.join("binary.spe"), [7, 0, 1, 255].repeat(16)).unwrap();
    fs::write(folder.join("long.csv"), "1\n".repeat(9 << 20)).unwrap();

    let identify = ["identify", "--server", &server.url];
    for (file, code, words) in [
        ("absent.spe", 66, "cannot read absent.spe"),
        ("empty.spe", 65, "error: empty.spe: the file is empty"),
        (
            "binary.spe",
            65,
            "error: binary.spe: byte 1 is 0x00: a binary file",
        ),
        ("long.csv", 75, "error: long.csv: a message of "),
    ] {
        let (found, said) = told(&server, folder, &[&identify[..], &[file]].concat());
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains(words), "{said}");
        let (found, said) = told(&server, folder, &["submit", "identify", file]);
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
    // The others are answered all the same.
    let some = [&identify[..], &["empty.spe", &good, "binary.spe"]].concat();
    let output = server.output(folder, &some).unwrap();
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8(output.stdout).unwrap().contains(&good));

    let nobody = ["identify", "--server", "http://127.0.0.1:1", &good, &other];
    let nothing = [&identify[..], &["--name", "nothing", &good, &other]].concat();
    for (arguments, code, words) in [
        (&nobody[..], 69, "no server answers"),
        (&nothing, 66, "\"nothing\" does not exist"),
    ] {
        let (found, said) = told(&server, folder, arguments);
        assert_eq!(found, Some(code), "{said}");
        assert_eq!(said.matches(words).count(), 1, "{said}");
    }
    assert!(server.terminate().unwrap().success());
}

#[test]
fn places_that_cannot_be_written_are_told_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (server, _) = furnished(folder);
    fs::write(folder.join("file"), "").unwrap();
    let submit = ["submit", "identify", "--manifest", MANIFEST, "--wait"];
    for out in ["file", "file/in/it"] {
        let (code, said) = told(&server, folder, &[&submit[..], &["--out", out]].concat());
        assert_eq!(code, Some(73), "{said}");
        assert!(said.contains("file is no folder"), "{said}");
    }
    let jobs = server.run(folder, &["jobs", "list"]).unwrap();
    assert_eq!(jobs, "no jobs\n");
    let pull = ["models", "pull", "default", "--bundle"];
    let (code, said) = told(&server, folder, &[&pull[..], &[BUNDLE]].concat());
    assert_eq!(code, Some(73), "{said}");
    assert!(said.contains("model exists already"), "{said}");
    let (code, said) = told(&server, folder, &["submit", "identify"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("--manifest <FILE>|SPECTRUM"), "{said}");
    assert!(server.terminate().unwrap().success());
}
