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
