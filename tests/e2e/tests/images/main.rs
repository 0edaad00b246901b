//! Every image without a container engine: its files are put together as the build does it, and
//! its program is started with those, the libraries of the base image, and nothing else. What is
//! missing in a list is found here and not by an operator.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod confined;
mod image;
mod libraries;

use assay_e2e::{collection, tool};
use confined::{Confinement, Running};
use image::Image;
use serde_json::Value;
use std::{fs, path::Path, process::Command};

/// Those whose addresses others must know come first.
const SERVICES: [&str; 6] = [
    "control",
    "inference",
    "ingest",
    "gate",
    "explainer",
    "trainer",
];

/// Images with what their base image brings, below a folder.
fn images(folder: &Path) -> Option<Vec<Image>> {
    let mut images = Vec::new();
    for service in SERVICES {
        images.push(Image::assemble(service, folder)?);
    }
    Some(images)
}

/// An image's own arguments, and these settings after that of a free port of this machine.
fn arguments(image: &Image, more: &[String]) -> Vec<String> {
    let mut arguments = image.arguments.clone();
    let here = ["server.listen=127.0.0.1:0".to_owned()];
    for setting in here.iter().chain(more) {
        arguments.extend(["--set".to_owned(), setting.clone()]);
    }
    arguments
}

/// The tool on the machine outside, as a user has it.
fn tool_with(folder: &Path, arguments: &[&str], control: &str, ingest: &str) -> String {
    let output = Command::new(tool::executable().unwrap())
        .args(arguments)
        .env("OPENASSAY_SERVER", control)
        .env("OPENASSAY_INGEST_SERVER", ingest)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn images_have_all_that_the_services_need_from_training_to_answer() {
    let test = "images_have_all_that_the_services_need_from_training_to_answer";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some(images) = images(folder) else {
        eprintln!("SKIPPED {test}: set-up's libtorch, ONNX Runtime or bases are not there");
        return;
    };
    let confinement = Confinement::of_this_machine();
    eprintln!("{test}: {confinement}");
    let data = folder.join("data-of-all");
    fs::create_dir(&data).unwrap();
    let mut running: Vec<Running> = Vec::new();
    for image in &images {
        let url = |at: usize| running[at].url.clone();
        let more = match image.service {
            "gate" | "explainer" => vec![
                format!("inference_url={}", url(1)),
                format!("control_url={}", url(0)),
            ],
            // One thread: the machine has other work.
            "trainer" => vec![
                format!("control_url={}", url(0)),
                "trainer.threads=1".to_owned(),
            ],
            _ => Vec::new(),
        };
        let arguments = arguments(image, &more);
        running.push(Running::start(image, &data, confinement, &arguments).unwrap());
    }
    let [control, _, ingest, gate, ..] = &running[..] else {
        panic!("six run");
    };

    let collection = collection::simulate(folder, 4, 2).unwrap();
    let run = |arguments: &[&str]| tool_with(folder, arguments, &control.url, &ingest.url);
    // Two-dimensional: with a base of the image, features by ONNX Runtime, the head by torch.
    let submit = [
        "submit",
        "train",
        "--manifest",
        collection::MANIFEST,
        "--promote",
        "--json",
    ];
    let model = [
        "--model",
        "cnn2d",
        "--image-size",
        "64",
        "--epochs",
        "3",
        "--k",
        "4",
    ];
    let quick = [
        "--validation",
        "none",
        "--lr-bounds",
        "0.001,0.01",
        "--wait",
        "--out",
        "trained",
    ];
    let job: Value = serde_json::from_str(&run(&[&submit[..], &model, &quick].concat())).unwrap();
    assert_eq!(job["state"], "succeeded", "{job}");
    let spectrum = format!("data/{}", collection.spectra[0].name);
    let spectrum = spectrum.as_str();
    let identify = ["identify", "--server", &gate.url, "--json", spectrum];
    let answers: Value = serde_json::from_str(&run(&identify)).unwrap();
    assert!(answers[0]["verdict"].is_string(), "{answers}");
    run(&["submit", "explain", spectrum, "--wait", "--out", "why"]);
    assert!(folder.join("why/results.jsonl").is_file());
    // Hidden pixels are computed by the explainer itself.
    let pixels = ["--method", "shap", "--over", "image", "--max-evals", "20"];
    let submit = ["submit", "explain", spectrum, "--wait", "--out", "pixels"];
    run(&[&submit[..], &pixels].concat());
    assert!(folder.join("pixels/shapley.csv").is_file());

    for running in running.into_iter().rev() {
        let service = running.service;
        assert_eq!(running.terminate().unwrap(), Some(0), "{service}");
    }
}

#[test]
fn a_file_that_is_missing_in_a_list_is_found() {
    let test = "a_file_that_is_missing_in_a_list_is_found";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let confinement = Confinement::of_this_machine();
    let data = folder.join("data-of-all");
    fs::create_dir(&data).unwrap();
    for (service, lost, code, words) in [
        (
            "inference",
            "usr/lib/openassay",
            Some(69),
            "ONNX Runtime was not found",
        ),
        (
            "trainer",
            "opt/libtorch/torch/lib/libc10.so",
            Some(127),
            "libc10.so",
        ),
    ] {
        let Some(image) = Image::assemble(service, folder) else {
            eprintln!("SKIPPED {test}: set-up's libtorch, ONNX Runtime or bases are not there");
            return;
        };
        let lost = image.root.join(lost);
        if lost.is_dir() {
            fs::remove_dir_all(&lost).unwrap();
        } else {
            fs::remove_file(&lost).unwrap();
        }
        if confinement == Confinement::Loader && service == "trainer" {
            eprintln!(
                "PARTLY SKIPPED {test}: {confinement}, and programs know where they were linked"
            );
            continue;
        }
        let arguments = arguments(&image, &[]);
        let refused = Running::start(&image, &data, confinement, &arguments).unwrap_err();
        assert_eq!(refused.code, code, "{service}: {}", refused.words);
        assert!(
            refused.words.contains(words),
            "{service}: {}",
            refused.words
        );
    }
}
