//! The command line itself: help, usage errors, pipes, pages and tables that need no model.

use crate::tool::{Bench, spe, spectrum};
use std::{
    io::Read,
    process::{Command, Stdio},
};

const COMMANDS: [&str; 12] = [
    "train",
    "evaluate",
    "identify",
    "split",
    "simulate",
    "describe",
    "benchmark",
    "lr-find",
    "compare-clr",
    "featurize",
    "convert-base",
    "report",
];

#[test]
fn help_names_every_command_and_goes_to_standard_output() {
    let bench = Bench::new();
    let help = bench.run(&["--help"]).succeeds();
    for command in COMMANDS {
        assert!(help.out.contains(&format!("  {command} ")), "{command}");
    }
    assert!(help.out.contains("First steps") && help.err.is_empty());
}

#[test]
#[cfg(feature = "train")]
fn every_command_has_help_with_an_example() {
    let bench = Bench::new();
    for command in COMMANDS {
        let help = bench.run(&[command, "--help"]).succeeds();
        assert!(help.out.contains("Example"), "{command}");
        assert!(
            help.out.contains(&format!("openassay {command}")),
            "{command}"
        );
    }
}

#[test]
fn version_is_that_of_the_package() {
    let version = Bench::new().run(&["--version"]).succeeds();
    assert_eq!(
        version.out.trim(),
        format!("openassay {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_command_lines_exit_with_64_and_say_what_is_wrong() {
    let bench = Bench::new();
    let cases: [(&[&str], &str); 7] = [
        (&["frobnicate"], "frobnicate"),
        (&["identify", "--bundle", "b"], "<FILE>"),
        (&["evaluate", "--bundle", "b"], "--manifest"),
        (
            &["evaluate", "--bundle", "b", "--manifest", "m", "--nonsense"],
            "--nonsense",
        ),
        (&["--threads", "0", "report", "x.json"], "--threads"),
        (
            &[
                "split",
                "--manifest",
                "m",
                "--fraction",
                "1.5",
                "--train",
                "a",
                "--test",
                "b",
            ],
            "above 0 and below 1",
        ),
        (
            &[
                "split",
                "--manifest",
                "m",
                "--fraction",
                "0.5",
                "--train",
                "a",
                "--test",
                "a",
            ],
            "--test",
        ),
    ];
    for (arguments, part) in cases {
        bench.run(arguments).fails(64, &[part]);
    }
    let nothing = bench.run(&[]);
    assert_eq!(nothing.code, 64);
    assert!(nothing.err.contains("Usage"), "{nothing:#?}");
    assert!(bench.names().is_empty());
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_openassay"))
        .args(["describe", "--model", "cnn1d"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status} {err}");
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn describe_counts_the_parameters_of_the_published_networks() {
    let bench = Bench::new();
    for (variant, parameters) in [
        ("flatten", 592_794),
        ("gap", 546_714),
        ("small-gap", 15_018),
    ] {
        let arguments = [
            "describe",
            "--model",
            "cnn1d",
            "--variant",
            variant,
            "--json",
        ];
        let answer = bench.run(&arguments).succeeds().json();
        assert_eq!(answer["totals"]["parameters"], parameters, "{variant}");
    }
    let people = bench.run(&["describe", "--model", "cnn1d"]).succeeds();
    assert!(people.out.contains("592,794"), "{}", people.out);
}

#[test]
fn split_keeps_unknowns_for_the_test_and_writes_both_parts() {
    let bench = Bench::new();
    let mut manifest = "file,label,role\n".to_owned();
    for class in ["Coal", "Steel"] {
        for i in 0..10 {
            bench.write(&format!("{class}-{i}.SPE"), spe(&spectrum(1000 + i)));
            manifest += &format!("{class}-{i}.SPE,{class},known\n");
        }
    }
    bench.write("u.SPE", spe(&spectrum(5)));
    bench.write("all.csv", manifest + "u.SPE,Ash,unknown\n");
    let arguments = [
        "split",
        "--manifest",
        "all.csv",
        "--fraction",
        "0.2",
        "--seed",
        "3",
        "--train",
        "train.csv",
        "--test",
        "test.csv",
        "--json",
    ];
    let answer = bench.run(&arguments).succeeds().json();
    assert_eq!(answer["train"]["n"], 16);
    assert_eq!(answer["test"]["labels"]["Coal"], 2);
    assert_eq!(answer["test"]["labels"]["Ash"], 1);
    let test = std::fs::read_to_string(bench.path("test.csv")).unwrap();
    assert_eq!(test.lines().count(), 6, "{test}");
}

#[test]
fn report_makes_the_page_of_a_report_again_and_refuses_anything_else() {
    let bench = Bench::new();
    bench.write("broken.json", "{\"version\": 1}");
    bench
        .run(&["report", "broken.json"])
        .fails(65, &["broken.json", "not a report"]);
    bench.write("newer.json", "{\"version\": 99}");
    bench
        .run(&["report", "newer.json"])
        .fails(65, &["version 99"]);
    bench
        .run(&["report", "missing.json"])
        .fails(66, &["missing.json"]);
    assert_eq!(bench.names(), ["broken.json", "newer.json"]);
    let report = assay_report::TrainingReport::new("A <title>", Default::default());
    bench.write("good.json", report.to_json().unwrap());
    bench.run(&["report", "good.json"]).succeeds();
    let page = std::fs::read_to_string(bench.path("good.html")).unwrap();
    assert!(page.contains("A &#60;title&#62;"));
}

#[test]
fn simulate_writes_a_folder_as_a_whole_and_never_over_another() {
    let bench = Bench::new();
    let arguments = [
        "simulate",
        "--out",
        "data",
        "--known",
        "1",
        "--unknown",
        "1",
        "--live-time",
        "300,400",
        "--json",
    ];
    let answer = bench.run(&arguments).succeeds().json();
    assert_eq!(answer["n"], 13);
    let manifest = std::fs::read_to_string(bench.path("data/manifest.csv")).unwrap();
    assert_eq!(manifest.lines().count(), 14);
    let file = manifest.lines().nth(1).unwrap().split(',').next().unwrap();
    let bytes = std::fs::read(bench.path("data").join(file)).unwrap();
    assert!(
        assay_formats::read(&bytes, Some(file))
            .unwrap()
            .warnings
            .is_empty()
    );
    bench.run(&arguments).fails(73, &["data", "not empty"]);
    assert_eq!(bench.names(), ["data"]);
}

#[test]
fn simulate_names_a_value_out_of_range() {
    let bench = Bench::new();
    bench
        .run(&["simulate", "--out", "data", "--known", "0"])
        .fails(65, &["spectra_per_known_class", "1 to 10000"]);
    assert!(bench.names().is_empty());
}

#[test]
fn convert_base_names_the_file_and_writes_nothing() {
    let bench = Bench::new();
    bench.write("weights.pth", "this is no pickle");
    let with = |name| {
        [
            "convert-base",
            "weights.pth",
            "--name",
            name,
            "--out",
            "b.safetensors",
        ]
    };
    bench
        .run(&with("efficientnet-lite0"))
        .fails(65, &["weights.pth"]);
    bench
        .run(&with("resnet"))
        .fails(66, &["resnet", "efficientnet-lite0"]);
    assert_eq!(bench.names(), ["weights.pth"]);
}

#[test]
#[cfg(not(feature = "train"))]
fn a_build_without_torch_says_how_to_get_it() {
    let bench = Bench::new();
    for command in ["train", "benchmark", "lr-find", "compare-clr"] {
        bench
            .run(&[command, "--manifest", "m.csv"])
            .fails(69, &["no torch", "cargo xtask setup"]);
    }
}
