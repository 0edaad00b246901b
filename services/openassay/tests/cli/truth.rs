//! Explanations against the truth, on simulated spectra and a model trained on them.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be prepared has failed the test"
)]

use crate::tool::Bench;
use serde_json::Value;

fn order<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let orders = summary["orders"].as_array().unwrap();
    orders.iter().find(|o| o["order"] == name).unwrap()
}

#[test]
fn evidence_finds_the_true_lines_better_than_chance() {
    let bench = Bench::new();
    let simulate = "simulate --out data --known 4 --unknown 0 --lots 2 --live-time 3000,9000";
    let train = "train --manifest data/manifest.csv --model cnn1d --epochs 40 \
                 --lr-bounds 1e-4,1e-2 --k 5 --seed 7 --bundle model";
    let verify = "verify-explanations --bundle model --spectra data --per-class 1 --most-peaks 40 \
                  --steps 6 --draws 4 --json scores.json";
    for line in [simulate, train] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        bench.run(&arguments).succeeds();
    }
    let arguments: Vec<&str> = verify.split_whitespace().collect();
    let table = bench.run(&arguments).succeeds().out;
    for word in ["evidence", "occlusion", "net area", "chance", "Steel"] {
        assert!(table.contains(word), "{word} is missing in {table}");
    }

    let text = std::fs::read(bench.path("scores.json")).unwrap();
    let scores: Value = serde_json::from_slice(&text).unwrap();
    let summary = &scores["summary"];
    assert_eq!(summary["spectra"], 10);
    assert_eq!(scores["classes"].as_array().unwrap().len(), 10);
    assert_eq!(scores["spectra"].as_array().unwrap().len(), 10);
    let of_class = |name: &str| {
        let classes = scores["classes"].as_array().unwrap();
        let found = classes.iter().find(|c| c["class"] == name).unwrap();
        found["elements"].as_array().unwrap().clone()
    };
    assert!(of_class("Steel").contains(&Value::from("Fe")));
    assert!(of_class("Titanium Alloy").contains(&Value::from("Ti")));
    assert!(!of_class("Steel").contains(&Value::from("H")));
    assert!(summary["distinguishing"].as_u64().unwrap() > 20);

    let (evidence, chance) = (order(summary, "evidence"), order(summary, "random"));
    let number = |order: &Value, name: &str| order[name].as_f64().unwrap();
    assert_eq!(number(chance, "auroc"), 0.5);
    // Other seeds of the training: 0.66 and 0.76; AP 0.09 above chance; 10 of 10 curves.
    assert!(number(evidence, "auroc") > 0.58, "{evidence}");
    let precision = number(chance, "average_precision") + 0.04;
    assert!(
        number(evidence, "average_precision") > precision,
        "{evidence}"
    );
    for curve in ["deletion_beats_random", "insertion_beats_random"] {
        assert!(
            evidence[curve].as_u64().unwrap() >= 8,
            "{curve}: {evidence}"
        );
    }

    let regions = &summary["regions"];
    let width_kev = regions["cell_width_kev"].as_f64().unwrap();
    assert!(width_kev > 50.0, "{width_kev}");
    for share in ["expected", "map", "occlusion"] {
        let share = regions["holding"][share].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&share), "{share}");
    }
}

#[test]
fn what_is_no_simulated_folder_is_named() {
    let bench = Bench::new();
    bench.write("data/truth.json", r#"{"version": 1}"#);
    let none = [
        "verify-explanations",
        "--bundle",
        "none",
        "--spectra",
        "data",
    ];
    bench.run(&none).fails(66, &["none"]);
    let zero = [&none[..], &["--per-class", "0"]].concat();
    bench.run(&zero).fails(64, &["--per-class is 0"]);
    let steps = [&none[..], &["--steps", "0"]].concat();
    bench.run(&steps).fails(65, &["steps is 0", "1 to 100"]);
}
