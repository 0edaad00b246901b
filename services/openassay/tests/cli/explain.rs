//! Explanations of single spectra: what they say, what they write, and what is refused.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be prepared has failed the test"
)]

use crate::{
    tool::{Answer, Bench},
    training::trained_path,
};
use std::fs;

/// A spectrum of the collection that the model was trained on.
fn spectrum() -> String {
    let manifest = fs::read_to_string(trained_path("test.csv")).unwrap();
    let first = manifest.lines().nth(1).unwrap();
    trained_path(first.split(',').next().unwrap())
}

fn explain(bench: &Bench, more: &[&str]) -> Answer {
    let (file, model) = (spectrum(), trained_path("model"));
    bench.run(&[&["explain", &file, "--bundle", &model], more].concat())
}

#[test]
fn a_page_its_data_figures_and_tables_are_written() {
    let bench = Bench::new();
    let more = [
        "--most-peaks",
        "8",
        "-o",
        "page.html",
        "--figure",
        "spectrum.png",
        "--csv",
        "tables",
        "--json",
    ];
    let answer = explain(&bench, &more).succeeds().json();
    let page = fs::read_to_string(bench.path("page.html")).unwrap();
    assert!(page.starts_with("<!"), "{}", &page[..40]);
    assert!(page.len() < 6 << 20, "{} bytes", page.len());
    let data = fs::read_to_string(bench.path("page.json")).unwrap();
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data, answer);
    assert!(
        fs::read(bench.path("spectrum.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
    let peaks = fs::read_to_string(bench.path("tables/peaks.csv")).unwrap();
    let listed = answer["peaks"]["peaks"].as_array().unwrap();
    assert_eq!(peaks.lines().count(), listed.len() + 1);
    let tested = listed.iter().filter(|peak| !peak["logit_change"].is_null());
    assert_eq!(tested.count(), 8);
    assert_eq!(
        answer["verdict"]["nearest_class"],
        answer["explained_class"]
    );
}

#[test]
fn any_class_is_explained_and_shapley_values_add_up() {
    let bench = Bench::new();
    let usual = explain(&bench, &["--no-peaks", "--json"]).succeeds().json();
    let classes = usual["verdict"]["classes"].as_array().unwrap();
    let class = classes
        .iter()
        .filter_map(|class| class["class"].as_str())
        .find(|class| usual["explained_class"] != **class)
        .unwrap();
    let other = explain(&bench, &["--no-peaks", "--class", class, "--json"]);
    let other = other.succeeds().json();
    assert_eq!(other["explained_class"], class);
    assert_eq!(other["verdict"], usual["verdict"]);
    assert_ne!(other["importance"]["values"], usual["importance"]["values"]);

    let more = "--method shap --max-evals 40 --segments 8 --top 2 --no-peaks --json";
    let more: Vec<_> = more.split(' ').collect();
    let shap = explain(&bench, &more).succeeds().json();
    let totals = shap["shap"]["classes"].as_array().unwrap();
    assert_eq!(totals.len(), 2);
    for (total, values) in totals.iter().zip(
        shap["shap"]["values"]["segments"]["values"]
            .as_array()
            .unwrap(),
    ) {
        let sum: f64 = values
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .sum();
        let number = |name: &str| total[name].as_f64().unwrap();
        assert!(
            (number("base") + sum - number("output")).abs() < 1e-5,
            "{total}"
        );
    }
}

#[test]
fn the_table_names_regions_and_peaks() {
    let bench = Bench::new();
    let told = explain(&bench, &["--most-peaks", "5", "-q"]).succeeds().out;
    for words in ["best class", "regions that speak for", "peak keV", "logit"] {
        assert!(told.contains(words), "{words:?} is missing in {told}");
    }
    assert!(bench.names().is_empty(), "{:?}", bench.names());
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let bench = Bench::new();
    for (more, code, told) in [
        (
            &["--class", "Gold"][..],
            65,
            "the model has no such class; it has",
        ),
        (
            &["--most-peaks", "0"],
            65,
            "most_tested is 0; allowed: 1 to 1000",
        ),
        (
            &["--method", "shap", "--max-evals", "3"],
            65,
            "max_evals is 3",
        ),
        (&["--method", "shap", "--segments", "99999"], 65, "99999"),
        (
            &["--method", "shap", "--top", "5"],
            65,
            "top is 5; allowed: 1 to 4",
        ),
        (
            &["--method", "shap", "--over", "image"],
            65,
            "makes no image",
        ),
        (&["--figure", "a.bmp"], 64, "ends in .png or .svg"),
        (&["--image-figure", "a.png"], 65, "makes no image"),
        (&["-o", "missing/a.html"], 66, "missing"),
        (&["-o", "a.json"], 64, "must not end in .json"),
    ] {
        explain(&bench, &[more, &["--no-peaks"]].concat()).fails(code, &[told]);
        assert!(bench.names().is_empty(), "{more:?}: {:?}", bench.names());
    }
    let model = trained_path("model");
    let absent = bench.run(&["explain", "absent.SPE", "--bundle", &model]);
    absent.fails(66, &["absent.SPE"]);
    let text = bench.write("text.SPE", "no spectrum");
    let text = text.to_string_lossy().into_owned();
    bench
        .run(&["explain", &text, "--bundle", &model])
        .fails(65, &["text.SPE"]);
}
