//! Data sets survive the wire, in any order.

use assay_api::datasets::{self, DatasetRow, MAX_ROWS};
use assay_core::{ClassLabel, Digest};
use assay_pipeline::{ListedSpectrum, Role, SpectrumList};

fn rows() -> Vec<ListedSpectrum> {
    let row = |name: &[u8], label: Option<&str>, role| ListedSpectrum {
        spectrum: Digest::of(name),
        label: label.map(|text| ClassLabel::new(text).unwrap()),
        role,
        group: "a, \"b\"".to_owned(),
    };
    vec![
        row(b"1", Some("steel"), Role::Known),
        row(b"2", Some("Ton é"), Role::Unknown),
        row(b"3", None, Role::Known),
    ]
}

#[test]
fn rows_come_back_and_their_order_does_not_count() {
    let mut wire: Vec<_> = rows().iter().map(datasets::row_to_wire).collect();
    wire.reverse();
    let list = datasets::list_from_wire(&wire).unwrap();
    assert_eq!(list, SpectrumList::new(rows()));
}

#[test]
fn a_bad_row_is_named_with_its_number_and_field() {
    let good = datasets::row_to_wire(&rows()[0]);
    let refused = |bad: DatasetRow| {
        let list = [good.clone(), bad];
        datasets::list_from_wire(&list).unwrap_err().to_string()
    };
    let cases = [
        (
            "rows[1].role",
            DatasetRow {
                role: 9,
                ..good.clone()
            },
        ),
        (
            "rows[1].label",
            DatasetRow {
                label: "UNKNOWN".to_owned(),
                ..good.clone()
            },
        ),
        (
            "rows[1].label",
            DatasetRow {
                label: "x".repeat(257),
                ..good.clone()
            },
        ),
        (
            "rows[1].group",
            DatasetRow {
                group: "a\nb".to_owned(),
                ..good.clone()
            },
        ),
        ("rows[1].spectrum_digest", DatasetRow::default()),
    ];
    for (field, bad) in cases {
        let message = refused(bad);
        assert!(message.starts_with(field), "{field}: {message}");
    }
    assert!(datasets::list_from_wire(&[]).is_err());
    assert!(datasets::list_from_wire(&vec![good.clone(); MAX_ROWS + 1]).is_err());
}
