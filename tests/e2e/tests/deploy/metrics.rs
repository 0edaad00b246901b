//! Alerts and the dashboard ask for metrics that there are, by labels that they have.

use crate::{
    assert_none,
    object::{list, number, text},
    yaml,
};
use assay_e2e::checkout;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

const RULES: &str = "deploy/kubernetes/components/monitoring/rules.yaml";
const TESTS: &str = "deploy/kubernetes/components/monitoring/rules-test.yaml";
const DASHBOARD: &str = "deploy/dashboards/openassay.json";
/// Labels that Prometheus gives.
const GIVEN: [&str; 3] = ["instance", "job", "le"];

/// A metric of the table.
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

/// The table of all metrics.
fn table() -> BTreeMap<String, Metric> {
    let path = checkout::root().unwrap().join("libs/runtime/METRICS.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let bare = |cell: &str| cell.trim().trim_matches('`').to_owned();
        let labels = cells[2].split(',').map(bare);
        let metric = Metric {
            kind: cells[1].to_owned(),
            labels: labels.filter(|label| !label.is_empty()).collect(),
        };
        (bare(cells[0]), metric)
    })
    .collect()
}

/// What is wrong with an expression.
fn faults(expression: &str, table: &BTreeMap<String, Metric>) -> Vec<String> {
    let mut found = Vec::new();
    let mut known: BTreeSet<&str> = GIVEN.into();
    let mut asked: Vec<&str> = Vec::new();
    let ours = ["openassay_", "nv_inference_"];
    let names = ours
        .iter()
        .flat_map(|start| expression.match_indices(start));
    for (at, _) in names {
        let rest = &expression[at..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        let (series, after) = rest.split_at(end.unwrap_or(rest.len()));
        let parts = ["_bucket", "_sum", "_count"];
        let part = parts.into_iter().find_map(|part| series.strip_suffix(part));
        let histogram = part.filter(|name| table.contains_key(*name));
        let name = histogram.unwrap_or(series);
        let Some(metric) = table.get(name) else {
            found.push(format!("{series} is no metric"));
            continue;
        };
        if (metric.kind == "histogram") != histogram.is_some() {
            found.push(format!("{series}: {name} is a {}", metric.kind));
        }
        let before = &expression[..at];
        let counts = before.ends_with("rate(") || before.ends_with("increase(");
        if counts != (metric.kind != "gauge") {
            found.push(format!(
                "{series}: {name} is a {}, and rates are of counters",
                metric.kind
            ));
        }
        known.extend(metric.labels.iter().map(String::as_str));
        if let Some((selector, _)) = after.strip_prefix('{').and_then(|s| s.split_once('}')) {
            let names = selector
                .split(',')
                .filter_map(|pair| pair.split(['=', '!']).next());
            let names = names.map(str::trim).filter(|name| !name.is_empty());
            let strange = names.filter(|name| !metric.labels.contains(*name));
            found.extend(strange.map(|label| format!("{name} has no label {label}")));
        }
    }
    for (at, word) in expression.match_indices("by (") {
        let labels = expression[at + word.len()..]
            .split(')')
            .next()
            .unwrap_or_default();
        asked.extend(labels.split(',').map(str::trim));
    }
    let strange = asked.into_iter().filter(|label| !known.contains(label));
    found.extend(strange.map(|label| format!("nothing has the label {label}")));
    found
}

#[test]
fn the_dashboard_shows_metrics_that_there_are() {
    let table = table();
    let text_of = fs::read_to_string(checkout::root().unwrap().join(DASHBOARD)).unwrap();
    let dashboard: Value = serde_json::from_str(&text_of).unwrap();
    let mut violations = Vec::new();
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    let mut shown = 0;
    for panel in list(&dashboard["panels"]) {
        let title = text(&panel["title"]);
        let place = &panel["gridPos"];
        assert!(ids.insert(number(&panel["id"])), "{title}: its id is taken");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| number(&place[key]));
        assert!(x + w <= 24 && w > 0 && h > 0, "{title} is outside");
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(cells.insert(cell), "{title} covers another panel");
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(
            text(&panel["description"]).ends_with('.'),
            "{title} is not described"
        );
        assert!(!list(&panel["targets"]).is_empty(), "{title} shows nothing");
        for target in list(&panel["targets"]) {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            let found = faults(text(&target["expr"]), &table);
            violations.extend(found.into_iter().map(|fault| format!("{title}: {fault}")));
            shown += 1;
        }
    }
    assert!(shown > 30, "{shown}");
    assert_none(&violations);
}

#[test]
fn alerts_watch_metrics_that_there_are() {
    let test = "alerts_watch_metrics_that_there_are";
    let Some(documents) = yaml::documents(test, RULES, None) else {
        return;
    };
    let table = table();
    let mut violations = Vec::new();
    let mut names = BTreeSet::new();
    for rule in list(&documents[0]["spec"]["groups"])
        .iter()
        .flat_map(|group| list(&group["rules"]))
    {
        let name = text(&rule["alert"]);
        assert!(names.insert(name), "{name} is there twice");
        let found = faults(text(&rule["expr"]), &table);
        violations.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(names.len() > 10, "{names:?}");
    assert_none(&violations);
    promtool(test, &documents[0]["spec"]);
}

/// Prometheus' own tool reads the rules, and tries the alerts on made-up metrics.
fn promtool(test: &str, rules: &Value) {
    if Command::new("promtool").arg("--version").output().is_err() {
        eprintln!(
            "PARTLY SKIPPED {test}: promtool is not there (Debian: apt-get install prometheus)"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // JSON is YAML.
    fs::write(folder.path().join("rules.yml"), rules.to_string()).unwrap();
    let tests = checkout::root().unwrap().join(TESTS);
    fs::copy(tests, folder.path().join("rules-test.yaml")).unwrap();
    for arguments in [
        &["check", "rules", "rules.yml"],
        &["test", "rules", "rules-test.yaml"],
    ] {
        let command = Command::new("promtool")
            .args(arguments)
            .current_dir(folder.path())
            .output();
        let output = command.unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn slips_in_expressions_are_found() {
    let table = table();
    let found = |expression: &str| faults(expression, &table);
    for right in [
        "sum by (service) (rate(openassay_rpc_requests_total{code!=\"OK\"}[5m]))",
        "histogram_quantile(0.9, sum by (le, method) (rate(openassay_rpc_request_seconds_bucket[5m])))",
        "min by (component) (openassay_ready) == 0",
    ] {
        assert_eq!(found(right), Vec::<String>::new());
    }
    for (wrong, words) in [
        ("rate(openassay_rpc_request_total[5m])", "is no metric"),
        ("openassay_rpc_requests_total > 1", "rates are of counters"),
        ("rate(openassay_ready[5m])", "rates are of counters"),
        ("rate(openassay_rpc_request_seconds[5m])", "is a histogram"),
        ("openassay_ready{lane=\"train\"} == 0", "has no label lane"),
        (
            "min by (lane) (openassay_ready)",
            "nothing has the label lane",
        ),
    ] {
        let found = found(wrong);
        assert!(
            found.iter().any(|fault| fault.contains(words)),
            "{wrong}: {found:?}"
        );
    }
}
