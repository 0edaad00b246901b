//! The page is complete, escaped, small and offline; the JSON is the same report.

mod sample;

use assay_report::{Figure, ReportError, SpectrumRow, TrainingReport, render_html};
use proptest::prelude::*;

/// The page without the chart script, which is third-party text.
fn own_markup(page: &str) -> String {
    page.split_once("<script>/**\n* plotly.js")
        .and_then(|(before, rest)| Some((before, rest.split_once("</script>")?.1)))
        .map_or_else(
            || page.to_owned(),
            |(before, after)| before.to_owned() + after,
        )
}

#[test]
fn loads_nothing_from_anywhere() {
    let page = render_html(&sample::report()).unwrap();
    let own = own_markup(&page);
    assert!(own.len() < 1_000_000, "the chart script is still in");
    for loads in [
        "http:", "https:", "src=\"", "url(", "@import", "<link", "<iframe",
    ] {
        assert!(!own.contains(loads), "{loads}");
    }
    let links = own.matches("href=\"").count();
    assert_eq!(links, own.matches("href=\"#").count());
    assert!(own.contains("default-src 'none'"));
}

#[test]
fn carries_the_chart_script_once_and_stays_below_six_megabytes() {
    let page = render_html(&sample::report()).unwrap();
    assert_eq!(page.matches("* plotly.js v").count(), 1);
    assert!(
        !page.contains("__webpack_modules__"),
        "the formula renderer is not needed"
    );
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
}

#[test]
fn a_page_without_charts_carries_no_chart_script() {
    let mut report = sample::report();
    report.lr_finder = None;
    report.runs.clear();
    report.gate = None;
    report.k_selection = None;
    let page = render_html(&report).unwrap();
    assert!(!page.contains("plotly.js") && page.len() < 500_000);
}

#[test]
fn stays_small_with_very_many_spectra_and_keeps_every_fault() {
    let mut report = sample::report();
    let rows = &mut report.evaluations[1].spectra;
    let plain = rows[0].clone();
    rows.extend((0..100_000).map(|i| SpectrumRow {
        file: format!("more/{i}.SPE"),
        ..plain.clone()
    }));
    rows.push(SpectrumRow {
        file: "the-last-fault.SPE".into(),
        verdict: "UNKNOWN".into(),
        ..plain
    });
    let page = render_html(&report).unwrap();
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
    assert!(page.contains("the-last-fault.SPE"));
    assert!(page.contains("more, all without fault"));
}

#[test]
fn escapes_what_came_from_files() {
    let page = render_html(&sample::report()).unwrap();
    let own = own_markup(&page);
    assert!(!own.contains("<img"));
    assert!(own.contains("&#60;img src=x onerror=alert(1)&#62;"));
    assert_eq!(
        own.matches("<script").count(),
        own.matches("</script").count()
    );
}

#[test]
fn shows_every_section_once_with_unique_ids() {
    let page = own_markup(&render_html(&sample::report()).unwrap());
    let mut ids: Vec<_> = page
        .split(" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    for id in [
        "set-1",
        "set-2",
        "gate",
        "training",
        "spectra",
        "specification",
        "timings",
        "lr-finder",
        "schedule",
        "loss",
        "accuracy",
        "gate-scores",
        "k-choice",
    ] {
        assert_eq!(ids.iter().filter(|&&i| i == id).count(), 1, "{id}");
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    assert_eq!(
        page.matches("<table").count(),
        page.matches("<caption").count()
    );
}

#[test]
fn says_the_headline_in_words_and_undefined_values_with_their_reason() {
    let page = render_html(&sample::report()).unwrap();
    for words in [
        "59 of 61",
        "known spectra accepted and named rightly",
        "5 of 5",
        "unknown spectra refused",
        "60 of 61",
        "1 known spectrum was refused.",
        "1 known spectrum was accepted under a wrong class.",
        "no spectrum of this class was tested",
        "undefined",
        "Grid search",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn json_is_the_same_report() {
    let report = sample::report();
    let text = report.to_json().unwrap();
    assert_eq!(TrainingReport::from_json(&text).unwrap(), report);
}

#[test]
fn refuses_json_of_another_version_and_unknown_fields() {
    let text = sample::report().to_json().unwrap();
    let newer = text.replacen("\"version\": 1", "\"version\": 2", 1);
    assert!(matches!(
        TrainingReport::from_json(&newer),
        Err(ReportError::Version { found: 2, .. })
    ));
    let more = text.replacen("\"version\": 1", "\"version\": 1, \"extra\": 0", 1);
    assert!(TrainingReport::from_json(&more).is_err());
    assert!(TrainingReport::from_json("{}").is_err());
}

#[test]
fn names_the_field_that_is_not_finite_or_does_not_fit() {
    let mut report = sample::report();
    report.evaluations[1].spectra[2].gate_score = Some(f64::NAN);
    let message = render_html(&report).unwrap_err().to_string();
    assert!(
        message.contains("evaluations[1].spectra[2].gate_score"),
        "{message}"
    );

    let mut report = sample::report();
    if let Some(merit) = &mut report.evaluations[0].merit {
        merit.tsps = Figure {
            value: None,
            reason: None,
        };
    }
    let message = report.to_json().unwrap_err().to_string();
    assert!(message.contains("evaluations[0].merit.tsps"), "{message}");

    let mut report = sample::report();
    if let Some(search) = &mut report.search {
        search.chosen = (2, 0);
    }
    let message = report.to_json().unwrap_err().to_string();
    assert!(message.contains("search.chosen"), "{message}");

    let mut report = sample::report();
    if let Some(confusion) = &mut report.evaluations[0].confusion {
        confusion.counts[1].pop();
    }
    let message = report.to_json().unwrap_err().to_string();
    assert!(
        message.contains("evaluations[0].confusion.counts"),
        "{message}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_and_number_renders_and_comes_back(
        label in "\\PC{0,20}[<>&\"'\u{2028}]{0,3}",
        scores in prop::collection::vec(prop::num::f64::NORMAL, 1..20),
        threshold in prop::num::f64::NORMAL,
    ) {
        let mut report = sample::report();
        report.title = label.clone();
        report.runs[0].name = label.clone();
        let part = &mut report.evaluations[0];
        part.name = label.clone();
        for (row, score) in part.spectra.iter_mut().zip(scores) {
            row.gate_score = Some(score);
            row.label = label.clone();
        }
        if let Some(gate) = &mut report.gate {
            gate.threshold = threshold;
        }
        let page = render_html(&report).unwrap();
        let own = own_markup(&page);
        prop_assert_eq!(own.matches("<script").count(), own.matches("</script").count());
        for figure in own.split("<script type=\"application/json\">").skip(1) {
            let text = figure.split("</script>").next().unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
        }
        let back = TrainingReport::from_json(&report.to_json().unwrap()).unwrap();
        prop_assert_eq!(back, report);
    }
}
