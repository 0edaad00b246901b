//! The metrics of the sources against the table that describes them. Pure: it is given the files.

use assay_e2e::checkout::RepositoryFile;
use std::collections::{BTreeMap, BTreeSet};

/// Where the table is.
const TABLE: &str = "libs/runtime/METRICS.md";

const KINDS: [&str; 3] = ["counter", "gauge", "histogram"];

/// A metric as the sources or the table have it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

/// What differs between the sources and the table, one sentence each.
pub(crate) fn violations(files: &[RepositoryFile]) -> Vec<String> {
    let Some(table) = files.iter().find(|file| file.path == TABLE) else {
        return vec![format!("{TABLE} is missing")];
    };
    let mut found = Vec::new();
    let described = rows(table.text.as_deref().unwrap_or_default(), &mut found);
    let mut emitted: BTreeMap<String, Metric> = BTreeMap::new();
    for file in files.iter().filter(|file| is_source(&file.path)) {
        let text = file.text.as_deref().unwrap_or_default();
        for (name, metric) in uses(&file.path, text, &mut found) {
            let known = emitted.entry(name.clone()).or_insert(metric.clone());
            if known.kind != metric.kind {
                let (one, other) = (&known.kind, &metric.kind);
                found.push(format!("{}: {name} is a {one} and a {other}", file.path));
            }
            known.labels.extend(metric.labels);
        }
    }
    for (name, metric) in &emitted {
        match described.get(name) {
            None => found.push(format!("{name} has no row in {TABLE}")),
            Some(row) if row != metric => {
                found.push(format!("{name} is {metric:?}, and in {TABLE} {row:?}"));
            }
            Some(_) => {}
        }
    }
    let gone = described.keys().filter(|name| !emitted.contains_key(*name));
    found.extend(gone.map(|name| format!("{TABLE}: nothing emits {name}")));
    found
}

fn is_source(path: &str) -> bool {
    (path.starts_with("libs/") || path.starts_with("services/"))
        && path.contains("/src/")
        && path.ends_with(".rs")
        && !path.ends_with("/tests.rs")
        && !path.contains("/tests/")
}

/// The rows of all tables: name, type, labels, unit, meaning.
fn rows(text: &str, found: &mut Vec<String>) -> BTreeMap<String, Metric> {
    let mut described = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, unit, meaning] = cells[..] else {
            found.push(format!("{TABLE}: five cells are wanted: {line}"));
            continue;
        };
        if unit.is_empty() || meaning.is_empty() {
            found.push(format!("{TABLE}: {name} has no unit or no meaning"));
        }
        let labels = labels
            .split(',')
            .map(bare)
            .filter(|label| !label.is_empty());
        let metric = Metric {
            kind: kind.to_owned(),
            labels: labels.collect(),
        };
        if described.insert(bare(name), metric).is_some() {
            found.push(format!("{TABLE}: {name} has two rows"));
        }
    }
    described
}

fn bare(code: &str) -> String {
    code.trim().trim_matches('`').to_owned()
}

/// The metrics that a file uses.
fn uses(path: &str, text: &str, found: &mut Vec<String>) -> Vec<(String, Metric)> {
    let mut used = Vec::new();
    for kind in KINDS {
        let call = format!("{kind}!(");
        for (at, _) in text.match_indices(&call) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let arguments = within_brackets(&text[at + call.len()..]);
            let words = literals(arguments);
            let Some((name, _)) = words.first().filter(|_| arguments.trim().starts_with('"'))
            else {
                let line = text[..at].matches('\n').count() + 1;
                found.push(format!(
                    "{path} line {line}: write the name of the {kind} here"
                ));
                continue;
            };
            let named = words[1..]
                .iter()
                .filter(|(_, after)| after.starts_with("=>"));
            let mut labels: BTreeSet<_> = named.map(|(label, _)| (*label).to_owned()).collect();
            if let Some((_, variable)) = arguments.rsplit_once('&') {
                labels.extend(labels_of(&text[..at], variable.trim()));
            }
            let kind = kind.to_owned();
            used.push(((*name).to_owned(), Metric { kind, labels }));
        }
    }
    used
}

/// Labels that stand before the call, as `let labels = [("lane", …), …];`.
fn labels_of(before: &str, variable: &str) -> Vec<String> {
    let Some((_, list)) = before.rsplit_once(&format!("let {variable} = [")) else {
        return Vec::new();
    };
    let list = list.split("];").next().unwrap_or(list);
    list.split('(')
        .filter(|pair| pair.starts_with('"'))
        .filter_map(|pair| pair.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}

/// The text up to the bracket that closes it.
fn within_brackets(text: &str) -> &str {
    let (mut depth, mut quoted) = (1, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

/// The words in quotes, each with what follows it.
fn literals(text: &str) -> Vec<(&str, &str)> {
    let mut parts = text.split('"').peekable();
    let mut found = Vec::new();
    while let (Some(_), Some(word)) = (parts.next(), parts.next()) {
        let after = parts.peek().copied().unwrap_or_default().trim_start();
        found.push((word, after));
    }
    found
}

mod tests {
    use super::*;

    const ROWS: &str = "| name | type | labels | unit | meaning |\n|---|---|---|---|---|\n\
        | `a_total` | counter | `lane`, `state` | jobs | ended |\n\
        | `b_seconds` | histogram | | s | took |\n";
    const SOURCE: &str = "fn f() {\n    let labels = [(\"lane\", lane()), (\"state\", \"x\".into())];\n    \
        metrics::counter!(\"a_total\", &labels).increment(1);\n    \
        metrics::histogram!(\n        \"b_seconds\"\n    ).record(1.0);\n    \
        describe_counter!(\"a_total\", \"words\");\n}\n";

    fn check(rows: &str, source: &str) -> Vec<String> {
        let file = |path: &str, text: &str| RepositoryFile {
            path: path.to_owned(),
            size_bytes: 0,
            text: Some(text.to_owned()),
        };
        violations(&[file(TABLE, rows), file("libs/a/src/lib.rs", source)])
    }

    #[test]
    fn a_table_that_is_right_has_no_violations() {
        assert_eq!(check(ROWS, SOURCE), Vec::<String>::new());
        let written = SOURCE.replace("&labels", "\"lane\" => l, \"state\" => name(s)");
        assert_eq!(check(ROWS, &written), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_found() {
        let wrong = |rows: String, source: String, words: &str| {
            let found = check(&rows, &source);
            assert!(found.len() == 1 && found[0].contains(words), "{found:?}");
        };
        let (rows, source) = (ROWS.to_owned(), SOURCE.to_owned());
        let other = source.replace("b_seconds", "c_seconds");
        assert_eq!(check(&rows, &other).len(), 2);
        wrong(rows.replace(", `state`", ""), source.clone(), "a_total is");
        wrong(
            rows.replace("histogram", "gauge"),
            source.clone(),
            "b_seconds is",
        );
        wrong(
            rows.replace("| s | took", "| | took"),
            source.clone(),
            "no unit",
        );
        let again = ROWS.lines().nth(2).unwrap();
        wrong(format!("{rows}{again}\n"), source.clone(), "two rows");
        let computed = source.replace("\"b_seconds\"", "NAME");
        assert!(check(&rows, &computed)[0].contains("line 4"), "{computed}");
        let both = format!("{source}metrics::gauge!(\"b_seconds\");");
        assert!(
            check(&rows, &both)
                .iter()
                .any(|v| v.contains("and a histogram"))
        );
        assert_eq!(violations(&[]).len(), 1);
    }
}
