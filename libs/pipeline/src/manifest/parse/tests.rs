//! Bad and sloppy manifests.

use crate::{Manifest, Role};
use assay_core::{Classified, ErrorKind};
use proptest::prelude::*;
use std::path::Path;

fn parse(text: &str) -> Result<Manifest, crate::PipelineError> {
    Manifest::parse(text.as_bytes(), Path::new("data/m.csv"))
}

#[test]
fn columns_may_come_in_any_order_with_others_between() {
    let text = "\u{feff}note, ROLE ,label,file,group\r\n\"a, b\",Known,Steel , x/1.SPE,\r\n\
                ,unknown,\"Ash, fly\",\"y, z/2.SPE\",lot 3\r\n\r\n";
    let manifest = parse(text).unwrap();
    let [steel, ash] = manifest.rows.as_slice() else {
        panic!("{manifest:?}")
    };
    assert_eq!(
        (steel.line, steel.label.as_str(), steel.role),
        (2, "Steel", Role::Known)
    );
    assert_eq!(steel.path, Path::new("data/x/1.SPE"));
    assert_eq!((steel.group.as_str(), ash.group.as_str()), ("x", "lot 3"));
    assert_eq!(
        (ash.line, ash.file.as_str(), ash.role),
        (3, "y, z/2.SPE", Role::Unknown)
    );
}

#[test]
fn every_fault_is_named_with_line_value_and_what_is_allowed() {
    let cases: &[(&str, &[&str])] = &[
        ("", &["line 1", "empty", "file,label,role"]),
        ("file,label,role\n", &["line 1", "no rows"]),
        (
            "file,label\nx,A\n",
            &["line 1", "\"role\"", "file,label,role"],
        ),
        (
            "file;label;role\nx;A;known\n",
            &["line 1", "separated by commas"],
        ),
        (
            "file,label,role,file\nx,A,known,y\n",
            &["line 1", "\"file\"", "twice"],
        ),
        (
            "file,label,role\nx,A,maybe\n",
            &["line 2", "\"maybe\"", "known, unknown"],
        ),
        (
            "file,label,role\nx,UNKNOWN,known\n",
            &["line 2", "reserved"],
        ),
        (
            "file,label,role\nx, ,known\n",
            &["line 2", "label", "empty"],
        ),
        ("file,label,role\n,A,known\n", &["line 2", "file is empty"]),
        (
            "file,label,role\nx,A\n",
            &["line 2", "2 fields", "3 columns"],
        ),
        (
            "file,label,role\nx,A,B,known\n",
            &["line 2", "4 fields", "quote"],
        ),
        (
            "file,label,role\nx,A,known\n\n./y/../x,A,known\n",
            &["line 4", "line 2", "once"],
        ),
        (
            "file,label,role\nx,A,known\ny,B,known\nz,A,unknown\n",
            &["line 4", "\"A\"", "unknown here", "known in line 2"],
        ),
    ];
    for (text, words) in cases {
        let error = parse(text).unwrap_err();
        let shown = error.to_string();
        assert!(shown.contains("data/m.csv"), "{shown}");
        for word in *words {
            assert!(shown.contains(word), "{text:?}: {shown:?} lacks {word:?}");
        }
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text:?}");
    }
}

#[test]
fn text_that_is_not_utf8_names_its_line() {
    let error = Manifest::parse(b"file,label,role\nx,\xd6l,known\n", Path::new("m.csv"));
    let shown = error.unwrap_err().to_string();
    assert!(
        shown.contains("line 2") && shown.contains("field 2"),
        "{shown}"
    );
}

#[test]
fn many_faults_are_counted_and_the_first_ten_shown() {
    let text = format!("file,label,role\n{}", "x,A,?\n".repeat(25));
    let shown = parse(&text).unwrap_err().to_string();
    assert!(
        shown.contains("25 faults") && shown.contains("and 15 more"),
        "{shown}"
    );
    assert!(
        shown.contains("line 11:") && !shown.contains("line 12:"),
        "{shown}"
    );
}

#[test]
fn missing_files_are_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.csv");
    std::fs::write(folder.path().join("here.spe"), b"").unwrap();
    std::fs::write(
        &path,
        "file,label,role\nhere.spe,A,known\ngone.spe,A,known\n",
    )
    .unwrap();
    let error = Manifest::read(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let shown = error.to_string();
    assert!(
        shown.contains("line 3") && shown.contains("gone.spe"),
        "{shown}"
    );
    std::fs::write(&path, "file,label,role\n.,A,known\n").unwrap();
    assert_eq!(
        Manifest::read(&path).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    let error = Manifest::read(&folder.path().join("none.csv")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Manifest::parse(&bytes, Path::new("m.csv"));
        let _ = Manifest::parse(&[b"file,label,role\n", bytes.as_slice()].concat(), Path::new("m"));
    }

    #[test]
    fn quoted_fields_come_back_as_they_were(
        rows in proptest::collection::vec(("[a-zA-Z0-9 ,\"/.]{1,12}", "[A-Z,\"][a-z,\" ]{0,9}", 0..9usize), 1..12)
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["group", "role", "file", "label"]).unwrap();
        for (i, (file, label, group)) in rows.iter().enumerate() {
            let file = format!("{i}/{file}x");
            let role = if label.len() % 2 == 0 { "known" } else { "unknown" };
            writer.write_record([&format!("g{group}"), role, &file, label]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        match Manifest::parse(&bytes, Path::new("m.csv")) {
            Ok(manifest) => {
                prop_assert_eq!(manifest.rows.len(), rows.len());
                for (row, (file, label, group)) in manifest.rows.iter().zip(&rows) {
                    let ending = format!("/{file}x");
                    prop_assert!(row.file.ends_with(&ending));
                    prop_assert_eq!(row.label.as_str(), label.trim());
                    prop_assert_eq!(&row.group, &format!("g{group}"));
                }
            }
            // Nothing but paths that meet over ".." and labels that meet after trimming can be
            // wrong here.
            Err(error) => {
                let shown = error.to_string();
                let fine = ["only once", "has one role"];
                prop_assert!(fine.iter().any(|word| shown.contains(word)), "{shown}");
            }
        }
    }
}
