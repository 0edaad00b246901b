//! What a configuration is read from, and how its faults are told.

use super::*;
use crate::config::{Secret, within};
use serde::Deserialize;
use std::{collections::BTreeMap, net::SocketAddr};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    name: String,
    door: Door,
    limits: BTreeMap<String, u32>,
    key: Option<Key>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Door {
    listen: SocketAddr,
    metrics: Option<SocketAddr>,
    guests: u16,
    label: Option<String>,
    password: Secret,
    rooms: Vec<u8>,
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Key {
    file: PathBuf,
    word: Secret,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "house".to_owned(),
            door: Door::default(),
            limits: BTreeMap::new(),
            key: None,
        }
    }
}

impl Default for Door {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 1)),
            metrics: Some(SocketAddr::from(([127, 0, 0, 1], 2))),
            guests: 3,
            label: None,
            password: Secret::default(),
            rooms: vec![1],
            open: false,
        }
    }
}

impl Check for Settings {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.door.guests > 9 {
            faults.push(format!("guests: {} is outside 0 to 9", self.door.guests));
        }
        within("door", faults)
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// Reads a configuration whose file has this text.
fn read(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Settings, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("house.toml");
    std::fs::write(&path, file).unwrap();
    let sources = Sources {
        file: Some(path.clone()),
        environment: pairs(environment),
        flags: pairs(flags),
        ..Sources::default()
    };
    load(&sources).map_err(|faults| {
        let place = path.display().to_string();
        let short = |fault: &str| fault.replace(&place, "house.toml");
        faults.iter().map(short).collect()
    })
}

#[test]
fn nothing_given_is_the_default() {
    assert_eq!(load(&Sources::default()), Ok(Settings::default()));
    assert_eq!(read("", &[], &[]), Ok(Settings::default()));
}

#[test]
fn the_environment_wins_over_the_file_and_flags_over_both() {
    let settings = read(
        "name = 'file'\n[door]\nguests = 4\nlisten = '[::1]:9'\nopen = true\n",
        &[
            ("OPENASSAY_DOOR__GUESTS", "5"),
            ("OPENASSAY_DOOR__LISTEN", "[::1]:10"),
            ("DOOR__GUESTS", "8"),
        ],
        &[("door.listen", "[::1]:11")],
    )
    .unwrap();
    assert_eq!(settings.name, "file");
    assert!(settings.door.open);
    assert_eq!(settings.door.guests, 5);
    assert_eq!(settings.door.listen.port(), 11);
    assert_eq!(settings.door.rooms, [1]);
}

#[test]
fn text_takes_the_type_of_its_key() {
    let settings = read(
        "",
        &[
            ("OPENASSAY_NAME", "007"),
            ("OPENASSAY_DOOR__PASSWORD", "1234"),
            ("OPENASSAY_DOOR__LABEL", "12"),
            ("OPENASSAY_DOOR__METRICS", "null"),
            ("OPENASSAY_DOOR__ROOMS", "[4, 5]"),
            ("OPENASSAY_DOOR__OPEN", "true"),
            ("OPENASSAY_LIMITS__CATS", "2"),
        ],
        &[],
    )
    .unwrap();
    assert_eq!(settings.name, "007");
    assert_eq!(settings.door.password.reveal(), "1234");
    assert_eq!(settings.door.label.as_deref(), Some("12"));
    assert_eq!(settings.door.metrics, None);
    assert_eq!(settings.door.rooms, [4, 5]);
    assert!(settings.door.open);
    assert_eq!(settings.limits["cats"], 2);
}

#[test]
fn other_variables_of_the_program_are_no_settings() {
    let others = [
        ("OPENASSAY_LOG", "debug"),
        ("OPENASSAY_ONNXRUNTIME", "/a/library"),
        ("OPENASSAY_DOOR", "http://127.0.0.1:1"),
    ];
    assert_eq!(read("", &others, &[]), Ok(Settings::default()));
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_line() {
    let faults = read("name = 'a'\n[door]\npassword = hunter2\n", &[], &[]).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("house.toml line 3: "), "{faults:?}");
    assert!(!faults[0].contains("hunter2"), "{faults:?}");
    let missing = Sources {
        file: Some(PathBuf::from("not/there.toml")),
        ..Sources::default()
    };
    let faults = load::<Settings>(&missing).unwrap_err().to_string();
    assert!(faults.contains("cannot read not/there.toml: "), "{faults}");
}

#[test]
fn a_secret_is_never_shown() {
    let settings = read("[door]\npassword = 'hunter2'\n", &[], &[]).unwrap();
    let door = &settings.door;
    let shown = [
        format!("{door:?}"),
        door.password.to_string(),
        print(&settings).unwrap(),
        serde_json::to_string(&settings).unwrap(),
    ];
    for text in shown {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("<hidden>"), "{text}");
    }
    for wrong in ["4711", "[4711]", "{ a = 4711 }"] {
        let faults = read(&format!("[door]\npassword = {wrong}\n"), &[], &[]).unwrap_err();
        assert!(!faults[0].contains("4711"), "{faults:?}");
        assert!(faults[0].contains("door.password"), "{faults:?}");
    }
}

#[test]
fn what_is_printed_reads_back() {
    let settings = read("[door]\nguests = 7\n[limits]\ncats = 2\n", &[], &[]).unwrap();
    let printed = print(&settings).unwrap();
    assert_eq!(read(&printed, &[], &[]), Ok(settings));
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let file = "name = 5\n\
                nane = 'x'\n\
                limits = { cats = 'hunter2' }\n\
                [door]\n\
                gusts = 4\n\
                listen = 'here'\n\
                password = 4711\n\
                open = 'hunter2'\n\
                [dor]\n\
                guests = 1\n";
    let environment = [
        ("OPENASSAY_DOOR__ROOMS", "[1, 300]"),
        ("OPENASSAY_DOOR_PASSWORD", "hunter3"),
        ("OPENASSAY_DOOR__PASWORD", "hunter3"),
        ("OPENASSAY_WINDOW__OPEN", "hunter3"),
        ("OPENASSAY_NAME__FIRST", "hunter3"),
    ];
    let flags = [("door.guests", "10"), ("door.metrics", "nowhere")];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("house.toml");
    std::fs::write(&path, file).unwrap();
    let sources = Sources {
        file: Some(path.clone()),
        environment: pairs(&environment),
        flags: pairs(&flags),
        assignments: vec![
            "door.pasword=hunter4".to_owned(),
            "door.password:hunter4".to_owned(),
            "door.open=maybe".to_owned(),
        ],
    };
    let faults = load::<Settings>(&sources).unwrap_err();
    let place = path.display().to_string();
    let mut told: Vec<_> = faults.iter().map(|f| f.replace(&place, "FILE")).collect();
    told.sort();
    let door = "there are guests, label, listen, metrics, open, password, rooms";
    let house = "there are door, key, limits, name";
    let text = "expected a boolean";
    let address = "is no address; write numbers for host and port, such as 127.0.0.1:50051";
    let mut expected = vec![
        "name: invalid type: integer `5`, expected a string (FILE line 1)".to_owned(),
        format!("nane: no key nane here; {house} (FILE line 2)"),
        "limits.cats: invalid type: string \"hunter2\", expected a whole number from 0 to \
         4294967295 (FILE line 3)"
            .to_owned(),
        format!("door.gusts: no key gusts here; {door} (FILE line 5)"),
        format!("door.listen: \"here\" {address} (FILE line 6)"),
        "door.password: a secret must be text in quotes (FILE line 7)".to_owned(),
        format!("door.open: invalid type: string \"hunter2\", {text} (FILE line 8)"),
        format!("dor: no key dor here; {house} (FILE line 9)"),
        "door.rooms: invalid value: integer `300`, expected a whole number from 0 to 255 \
         (environment variable OPENASSAY_DOOR__ROOMS)"
            .to_owned(),
        "environment variable OPENASSAY_DOOR_PASSWORD is not read; two underscores lie between \
         section and key: OPENASSAY_DOOR__PASSWORD"
            .to_owned(),
        format!(
            "door.pasword: no key pasword here; {door} \
             (environment variable OPENASSAY_DOOR__PASWORD)"
        ),
        format!(
            "window.open: no key window here; {house} \
             (environment variable OPENASSAY_WINDOW__OPEN)"
        ),
        "name.first: no such key: what stands before the last dot is a value \
         (environment variable OPENASSAY_NAME__FIRST)"
            .to_owned(),
        "door.guests: 10 is outside 0 to 9 (command line)".to_owned(),
        format!("door.metrics: \"nowhere\" {address} (command line)"),
        format!("door.pasword: no key pasword here; {door} (command line)"),
        "--set number 2 has no `=`; write section.key=value, such as \
         server.listen=127.0.0.1:0 (command line)"
            .to_owned(),
        format!("door.open: invalid type: string \"maybe\", {text} (command line)"),
    ];
    expected.sort();
    assert_eq!(told, expected);
    let words = faults.to_string();
    let count = format!("the configuration has {} faults:", expected.len());
    assert!(words.starts_with(&count), "{words}");
    for secret in ["4711", "hunter3", "hunter4"] {
        assert!(!words.contains(secret), "{words}");
    }
}

#[test]
fn a_value_out_of_range_is_told_with_the_place_that_won() {
    let told = |environment: &[(&str, &str)], flags: &[(&str, &str)]| {
        read("[door]\nguests = 10\n", environment, flags).map_err(|faults| faults.join("\n"))
    };
    let fault =
        |number: u8, place: &str| Err(format!("door.guests: {number} is outside 0 to 9 ({place})"));
    let variable = ("OPENASSAY_DOOR__GUESTS", "11");
    assert_eq!(told(&[], &[]), fault(10, "house.toml line 2"));
    let place = "environment variable OPENASSAY_DOOR__GUESTS";
    assert_eq!(told(&[variable], &[]), fault(11, place));
    let flag = told(&[variable], &[("door.guests", "12")]);
    assert_eq!(flag, fault(12, "command line"));
    let settings = told(&[variable], &[("door.guests", "9")]).unwrap();
    assert_eq!(settings.door.guests, 9);
}

#[test]
fn a_section_without_defaults_is_read_as_a_whole() {
    let key = |file: &str, word: &str| {
        Some(Key {
            file: PathBuf::from(file),
            word: Secret::new(word),
        })
    };
    let file = "[key]\nfile = 'a.pem'\nword = 'hunter2'\n";
    assert_eq!(read(file, &[], &[]).unwrap().key, key("a.pem", "hunter2"));
    // One source may name a part and another the rest; later ones win.
    let environment = [
        ("OPENASSAY_KEY__WORD", "1234"),
        ("OPENASSAY_KEY__FILE", "7"),
    ];
    let settings = read("", &environment, &[]).unwrap();
    assert_eq!(settings.key, key("7", "1234"));
    let settings = read(file, &environment[..1], &[("key.file", "b.pem")]).unwrap();
    assert_eq!(settings.key, key("b.pem", "1234"));
    // And it can be unset again.
    assert_eq!(read(file, &[], &[("key", "null")]).unwrap().key, None);

    let faults = read("[key]\nfile = 'a.pem'\n", &[], &[]).unwrap_err();
    assert_eq!(faults, ["key: missing field `word` (house.toml line 1)"]);
    let faults = read("", &environment[..1], &[]).unwrap_err();
    let place = "environment variable OPENASSAY_KEY__WORD";
    assert_eq!(faults, [format!("key: missing field `file` ({place})")]);
    let faults = read("[key]\nfile = 'a.pem'\n", &[], &[("key.wort", "hunter2")]).unwrap_err();
    let place = "house.toml line 1, command line";
    assert_eq!(faults, [format!("key: missing field `word` ({place})")]);
    let faults = read(file, &[], &[("key.wort", "hunter2")]).unwrap_err();
    assert_eq!(faults, ["key.wort: no such key (command line)"]);
    let faults = read("[key]\nfile = 'a.pem'\nword = 4711\n", &[], &[]).unwrap_err();
    assert_eq!(
        faults,
        ["key: a secret must be text in quotes (house.toml line 1)"]
    );
}

#[test]
fn what_is_given_to_set_wins_over_flags_of_their_own() {
    let sources = Sources {
        assignments: vec!["door.guests=5".to_owned(), " door.label = a=b".to_owned()],
        ..Sources::default()
    }
    .with_flag("door.guests", Some("4".to_owned()))
    .with_flag("name", None);
    let settings: Settings = load(&sources).unwrap();
    assert_eq!(settings.door.guests, 5);
    assert_eq!(settings.door.label.as_deref(), Some(" a=b"));
    assert_eq!(settings.name, "house");
}
