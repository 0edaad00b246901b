//! Bad input, row by row: the exit code, what the message names, and that nothing is left behind.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be prepared has failed the test"
)]

use crate::tool::{Answer, Bench, spe, spectrum};
use assay_spectrum::Spectrum;
use std::{fs, path::PathBuf, sync::OnceLock};

/// Two classes of six spectra and one unknown material, with a manifest.
fn data() -> Bench {
    filled(Bench::new())
}

fn filled(bench: Bench) -> Bench {
    let mut manifest = "file,label,role\n".to_owned();
    for (class, channel) in [("Coal", 1500), ("Steel", 4500)] {
        for i in 0..6 {
            let name = format!("{class}-{i}.SPE");
            bench.write(&name, spe(&spectrum(channel + 7 * i)));
            manifest += &format!("{name},{class},known\n");
        }
    }
    bench.write("ash.SPE", spe(&spectrum(8000)));
    bench.write("all.csv", manifest);
    bench
}

/// A small model, trained once for all tests.
fn model() -> PathBuf {
    static MODEL: OnceLock<Bench> = OnceLock::new();
    MODEL
        .get_or_init(|| {
            let bench = filled(Bench::shared("bad-input"));
            train(&bench, &["--bundle", "model", "--k", "2"]).succeeds();
            bench
        })
        .path("model")
}

/// Trains in the folder with a network that takes a moment only.
fn train(bench: &Bench, more: &[&str]) -> Answer {
    let mut arguments = vec![
        "train",
        "--manifest",
        "all.csv",
        "--model",
        "cnn1d",
        "--variant",
        "small-gap",
        "--epochs",
        "2",
        "--batch-size",
        "4",
        "--lr-bounds",
        "1e-4,1e-3",
        "--validation",
        "none",
    ];
    arguments.extend(more);
    bench.run(&arguments)
}

fn identify(bench: &Bench, file: &str) -> Answer {
    bench.run(&["identify", "--bundle", &model().to_string_lossy(), file])
}

#[test]
fn a_good_spectrum_has_an_answer() {
    let bench = data();
    let answer = identify(&bench, "Coal-0.SPE").succeeds();
    assert!(answer.out.contains("Coal-0.SPE"), "{answer:#?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let bench = data();
    identify(&bench, "missing.SPE").fails(66, &["missing.SPE", "No such file"]);
    identify(&bench, ".").fails(69, &["cannot read ."]);
    bench.write("empty.SPE", "");
    identify(&bench, "empty.SPE").fails(65, &["empty.SPE", "empty"]);
    bench.write("noise.bin", [0_u8, 1, 2, 3, 255]);
    identify(&bench, "noise.bin").fails(65, &["noise.bin"]);
}

#[test]
fn one_bad_file_does_not_hide_the_answers_about_the_others() {
    let bench = data();
    let path = model().to_string_lossy().into_owned();
    let arguments = [
        "identify",
        "--bundle",
        &path,
        "--json",
        "missing.SPE",
        "Coal-0.SPE",
    ];
    let answer = bench.run(&arguments);
    answer.fails(66, &["missing.SPE"]);
    let entries = answer.json();
    assert!(
        entries[0]["error"]
            .as_str()
            .is_some_and(|e| e.contains("missing.SPE"))
    );
    assert!(entries[1]["gate"]["score"].is_number());
}

#[test]
fn truncated_data_is_refused_with_its_place() {
    let bench = data();
    let whole = spe(&spectrum(1500));
    let cut = whole.find("$DATA").map_or(0, |at| at + 4000);
    bench.write("cut.SPE", &whole[..cut]);
    identify(&bench, "cut.SPE").fails(65, &["cut.SPE", "16384"]);
}

#[test]
fn negative_and_non_finite_counts_are_refused_with_line_and_value() {
    let bench = data();
    let whole = spe(&spectrum(1500));
    let lines: Vec<&str> = whole.lines().collect();
    let first = lines
        .iter()
        .position(|line| line.starts_with("$DATA"))
        .unwrap()
        + 2;
    for (bad, value) in [
        ("-5", "-5"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e999", "1e999"),
    ] {
        let mut changed = lines.clone();
        changed[first + 10] = bad;
        bench.write("bad.SPE", changed.join("\r\n"));
        let place = format!("line {}", first + 11);
        identify(&bench, "bad.SPE").fails(65, &["bad.SPE", &place, value]);
    }
    let mut csv = "energy_kev,counts\n".to_owned();
    for channel in 0..100 {
        csv += &format!(
            "{},{}\n",
            channel * 80,
            if channel == 7 { "NaN" } else { "5" }
        );
    }
    bench.write("bad.csv", csv);
    identify(&bench, "bad.csv").fails(65, &["bad.csv", "line 9", "NaN"]);
}

#[test]
fn spectra_that_say_nothing_are_refused() {
    let bench = data();
    let uncalibrated = Spectrum {
        calibration: None,
        ..spectrum(1500)
    };
    let empty = Spectrum {
        counts: vec![0; 16_384],
        ..spectrum(1500)
    };
    let constant = Spectrum {
        counts: vec![9; 16_384],
        ..spectrum(1500)
    };
    let short = Spectrum {
        counts: spectrum(1500).counts[..5000].to_vec(),
        ..spectrum(1500)
    };
    let cases = [
        ("uncalibrated.SPE", uncalibrated, "calibrat"),
        ("empty.SPE", empty, "counts"),
        ("constant.SPE", constant, "constant"),
        ("short.SPE", short, "covers"),
    ];
    for (name, spectrum, part) in cases {
        bench.write(name, spe(&spectrum));
        identify(&bench, name).fails(65, &[name, part]);
    }
}

#[test]
fn a_manifest_with_faults_names_each_with_its_line() {
    let bench = data();
    let good = fs::read_to_string(bench.path("all.csv")).unwrap();
    let before = bench.names();
    let cases = [
        (
            format!("{good}gone.SPE,Coal,known\n"),
            66,
            "line 14: file \"gone.SPE\"",
        ),
        (format!("{good}ash.SPE,Ash,maybe\n"), 65, "maybe"),
        (format!("{good}ash.SPE,UNKNOWN,known\n"), 65, "UNKNOWN"),
        (format!("{good}ash.SPE,Ash,known\n"), 65, "Ash"),
        (
            good.replace("file,label,role", "name,label,role"),
            65,
            "file",
        ),
        (String::new(), 65, "all.csv"),
    ];
    for (manifest, code, part) in cases {
        bench.write("all.csv", &manifest);
        train(&bench, &["--bundle", "out"]).fails(code, &[part]);
        assert_eq!(bench.names(), before, "{part}");
    }
    fs::remove_file(bench.path("all.csv")).unwrap();
    train(&bench, &["--bundle", "out"]).fails(66, &["all.csv"]);
}

#[test]
fn a_label_that_the_bundle_does_not_know_is_named_with_its_line() {
    let bench = data();
    let path = model().to_string_lossy().into_owned();
    let evaluate = [
        "evaluate",
        "--bundle",
        &path,
        "--manifest",
        "more.csv",
        "--json",
        "out.json",
    ];
    bench.write(
        "more.csv",
        "file,label,role\nCoal-0.SPE,Coal,known\nash.SPE,Ash,known\n",
    );
    bench
        .run(&evaluate)
        .fails(65, &["more.csv", "line 3", "Ash", "Coal, Steel"]);
    bench.write(
        "more.csv",
        "file,label,role\nCoal-0.SPE,Steel,known\nash.SPE,Coal,unknown\n",
    );
    bench
        .run(&evaluate)
        .fails(65, &["line 3", "Coal", "unknown"]);
    assert!(!bench.path("out.json").exists());
}

#[test]
fn parameters_out_of_range_are_refused_with_what_is_allowed() {
    let bench = data();
    let before = bench.names();
    let cases: [(&[&str], i32, &str); 10] = [
        (&["--alpha", "0"], 64, "above 0 and below 1"),
        (&["--alpha", "1.5"], 64, "--alpha"),
        (&["--alpha", "nan"], 64, "--alpha"),
        (&["--epochs", "0"], 64, "--epochs"),
        (&["--lr-bounds", "1,0.1"], 64, "BASE < MAX"),
        (&["--image-size", "64"], 64, "--model cnn2d"),
        (&["--k", "200"], 65, "rank"),
        (&["--validation", "fraction:2"], 64, "fraction"),
        (&["--valid-bins", "5..6"], 65, "valid_bins"),
        (&["--resume"], 64, "--checkpoint"),
    ];
    for (options, code, part) in cases {
        let mut arguments = vec!["--bundle", "out"];
        // What the common options give already must not stand twice.
        arguments.extend(options);
        let answer = match options[0] {
            "--epochs" | "--lr-bounds" | "--validation" => {
                let mut plain = vec!["train", "--manifest", "all.csv", "--model", "cnn1d"];
                plain.extend(arguments);
                bench.run(&plain)
            }
            _ => train(&bench, &arguments),
        };
        answer.fails(code, &[part]);
        assert_eq!(bench.names(), before, "{options:?}");
    }
}

#[test]
fn a_place_that_is_taken_is_refused_before_the_work() {
    let bench = data();
    bench.write("taken/notes.txt", "mine");
    train(&bench, &["--bundle", "taken"]).fails(73, &["taken", "other things"]);
    train(&bench, &["--bundle", "no/where"]).fails(66, &["no/where", "does not exist"]);
    train(&bench, &["--bundle", "out", "--report", "taken"]).fails(73, &["taken"]);
    assert_eq!(
        fs::read_to_string(bench.path("taken/notes.txt")).unwrap(),
        "mine"
    );
    assert!(!bench.path("out").exists());
}

/// A copy of the model with one file changed.
fn changed(bench: &Bench, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    for entry in fs::read_dir(model()).unwrap().flatten() {
        let bytes = fs::read(entry.path()).unwrap();
        bench.write(
            &format!("bundle/{}", entry.file_name().to_string_lossy()),
            bytes,
        );
    }
    let path = bench.path("bundle").join(name);
    fs::write(&path, change(fs::read(&path).unwrap())).unwrap();
}

#[test]
fn a_bundle_of_another_version_or_with_a_changed_byte_is_refused() {
    for name in ["model.onnx", "gate.safetensors", "README.md"] {
        let bench = data();
        changed(&bench, name, |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        });
        let identify = ["identify", "--bundle", "bundle", "Coal-0.SPE"];
        bench
            .run(&identify)
            .fails(65, &[name, "changed or damaged"]);
    }
    let bench = data();
    changed(&bench, "bundle.json", |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("\"format_version\": 1"), "{text}");
        text.replacen("\"format_version\": 1", "\"format_version\": 99", 1)
            .into_bytes()
    });
    let describe = ["describe", "--bundle", "bundle"];
    bench.run(&describe).fails(65, &["bundle.json", "99"]);
    bench
        .run(&["describe", "--bundle", "nothing"])
        .fails(66, &["nothing"]);
}

#[test]
fn a_bundle_in_place_is_kept_unless_it_is_to_be_replaced() {
    let bench = data();
    train(&bench, &["--bundle", "model", "--k", "2"]).succeeds();
    let first = fs::read(bench.path("model/bundle.json")).unwrap();
    train(&bench, &["--bundle", "model", "--k", "2"]).fails(73, &["model", "--replace"]);
    assert_eq!(fs::read(bench.path("model/bundle.json")).unwrap(), first);
    train(&bench, &["--bundle", "model", "--k", "3", "--replace"]).succeeds();
    assert_ne!(fs::read(bench.path("model/bundle.json")).unwrap(), first);
}
