//! `services/openassay/CONFIGURATION.md` says what the programs say: the same keys, the same
//! defaults, the same ranges.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use assay_e2e::tool;
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::{Command, Output},
};
use toml::{Table, Value};

const SERVE: &str = "openassay serve";
const SEPARATE: [&str; 6] = [
    "assay-control",
    "assay-explainer",
    "assay-gate",
    "assay-inference",
    "assay-ingest",
    "assay-trainer",
];
const UNSET: &str = "not set";

/// One row of a table.
#[derive(Debug)]
struct Row {
    /// `None` where nothing is set by default.
    default: Option<Value>,
    /// The lowest and the highest whole number, where the range is one of those.
    range: Option<(i64, i64)>,
}

/// What the page says about each program, by key.
type Page = BTreeMap<&'static str, BTreeMap<String, Row>>;

/// Reads the tables. Every section with one says `Programs:` and `all` or their names before it.
fn page() -> Page {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services/openassay/CONFIGURATION.md");
    let text = fs::read_to_string(path).unwrap();
    let every = || [SERVE].into_iter().chain(SEPARATE);
    let mut page: Page = every().map(|name| (name, BTreeMap::new())).collect();
    let mut programs: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(named) = line.strip_prefix("Programs: ") {
            let meant = |name: &&str| named == "all" || named.contains(&format!("`{name}`"));
            programs = every().filter(meant).collect();
            assert!(!programs.is_empty(), "{line} names no program");
        }
        if line.starts_with('#') {
            programs.clear();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(key) = cells.get(1).and_then(|cell| quoted(cell)) else {
            continue;
        };
        if programs.is_empty() {
            continue;
        }
        let ["", _, default, range, _unit, meaning, ""] = cells[..] else {
            panic!("a row has key, default, range, unit, meaning: {line}");
        };
        assert!(
            !range.is_empty() && !meaning.is_empty(),
            "empty cell: {line}"
        );
        for program in &programs {
            let row = Row {
                default: value(default, line),
                range: whole_numbers(range),
            };
            let rows = page.get_mut(program).unwrap();
            let before = rows.insert(key.to_owned(), row);
            assert!(before.is_none(), "{key} stands there twice for {program}");
        }
    }
    page
}

fn quoted(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

fn value(cell: &str, line: &str) -> Option<Value> {
    if cell == UNSET {
        return None;
    }
    let literal = quoted(cell).unwrap_or_else(|| panic!("no value in back quotes: {line}"));
    let table: Table = format!("value = {literal}")
        .parse()
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    table.get("value").cloned()
}

/// `1 to 1,000,000`
fn whole_numbers(cell: &str) -> Option<(i64, i64)> {
    let (low, high) = cell.split_once(" to ")?;
    let number = |text: &str| text.replace(',', "").parse().ok();
    Some((number(low)?, number(high)?))
}

/// Runs a program with nothing set but these keys.
fn run(program: &str, settings: &[String]) -> Output {
    let (name, arguments) = match program {
        SERVE => ("openassay", &["serve"][..]),
        name => (name, &[][..]),
    };
    let mut command = Command::new(tool::program(name).unwrap());
    command.args(arguments).arg("--print-config");
    for setting in settings {
        command.args(["--set", setting]);
    }
    let ours = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in ours.filter(|name| name.starts_with("OPENASSAY_")) {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn printed(program: &str, settings: &[String]) -> BTreeMap<String, Value> {
    let output = run(program, settings);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {settings:?}: {said}");
    let table: Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    let mut keys = BTreeMap::new();
    flatten("", table, &mut keys);
    keys
}

fn flatten(above: &str, table: Table, keys: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        let key = match above {
            "" => name,
            above => format!("{above}.{name}"),
        };
        match value {
            Value::Table(inner) if !inner.is_empty() => flatten(&key, inner, keys),
            value => {
                keys.insert(key, value);
            }
        }
    }
}

#[test]
fn every_key_of_every_program_stands_on_the_page_with_its_default() {
    for (program, rows) in page() {
        let printed = printed(program, &[]);
        let stated: BTreeMap<_, _> = rows
            .iter()
            .filter_map(|(key, row)| Some((key.clone(), row.default.clone()?)))
            .collect();
        for (key, value) in &printed {
            assert_eq!(
                stated.get(key),
                Some(value),
                "{program} prints {key} = {value}; the page says otherwise"
            );
        }
        let gone: Vec<_> = stated
            .keys()
            .filter(|key| !printed.contains_key(*key))
            .collect();
        assert!(gone.is_empty(), "{program} has no {gone:?}");
    }
}

/// A key that is not set by default is not printed; but a fault names every key of its section.
#[test]
fn keys_without_a_default_stand_on_the_page_too() {
    for (program, rows) in page() {
        let mut sections: BTreeSet<Vec<&str>> = rows
            .keys()
            .map(|key| {
                let mut parts: Vec<_> = key.split('.').collect();
                parts.pop();
                parts
            })
            .collect();
        sections.insert(Vec::new());
        for section in sections {
            let none = [&section[..], &["no_such_key"]].concat().join(".");
            let output = run(program, &[format!("{none}=1")]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(64), "{program}: {said}");
            let Some((_, known)) = said.split_once("there are ") else {
                // A section that may be absent as a whole knows its keys only when it is there.
                assert!(said.contains("no_such_key"), "{program}: {said}");
                continue;
            };
            let known = known.split(['(', '\n']).next().unwrap();
            for name in known.split(',').map(str::trim) {
                let key = [&section[..], &[name]].concat().join(".");
                let below = format!("{key}.");
                let stands = rows
                    .keys()
                    .any(|row| *row == key || row.starts_with(&below));
                assert!(stands, "{key} of {program} is missing on the page");
            }
        }
    }
}

#[test]
fn ranges_of_whole_numbers_are_those_that_are_checked() {
    for (program, rows) in page() {
        let ranges: Vec<_> = rows
            .iter()
            .filter_map(|(key, row)| Some((key, row.range?)))
            .collect();
        let all = |number: fn((i64, i64)) -> i64| -> Vec<String> {
            let number = |(key, range): &(&String, (i64, i64))| format!("{key}={}", number(*range));
            // Limits of principals are only for those who tell them apart.
            let tokens = "access.tokens=tokens.toml".to_owned();
            ranges.iter().map(number).chain([tokens]).collect()
        };
        let inside = [all(|(low, _)| low), all(|(_, high)| high)];
        for (settings, end) in inside.iter().zip([0, 1]) {
            let printed = printed(program, settings);
            for (key, (low, high)) in &ranges {
                let expected = [*low, *high][end];
                assert_eq!(
                    printed[*key].as_integer(),
                    Some(expected),
                    "{program} {key}"
                );
            }
        }
        for settings in [all(|(low, _)| low - 1), all(|(_, high)| high + 1)] {
            let output = run(program, &settings);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(64), "{program}: {said}");
            for (key, _) in &ranges {
                assert!(
                    said.contains(&**key),
                    "{program} takes {key} of {settings:?}"
                );
            }
        }
    }
}
