//! CHN and N42 files of other people's writers: `fixtures/make_files.py` makes them and says what
//! they hold. This crate's own writers have no part in it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_formats::{Format, Reading, WarningCode as Code, read};
use serde_json::Value;
use std::path::Path;

struct File {
    name: &'static str,
    format: Format,
    /// What follows the clock of the start: SpecUtils writes every start as one of UTC.
    zone: &'static str,
    /// What its writer puts behind the title.
    title_end: &'static str,
    warnings: &'static [Code],
    further_records: usize,
}

const FILES: [File; 5] = [
    File {
        name: "specutils.chn",
        format: Format::Chn,
        zone: "",
        title_end: "",
        warnings: &[],
        further_records: 0,
    },
    File {
        name: "curie.Chn",
        format: Format::Chn,
        zone: "",
        title_end: "",
        warnings: &[],
        further_records: 0,
    },
    File {
        name: "specutils_2012.n42",
        format: Format::N42,
        zone: "Z",
        title_end: "",
        warnings: &[],
        further_records: 0,
    },
    // SpecUtils appends the number of the sample to a title of 2006.
    File {
        name: "specutils_2006.n42",
        format: Format::N42,
        zone: "Z",
        title_end: "\nSurvey 1",
        warnings: &[],
        further_records: 0,
    },
    // A background in front, and energies listed edge by edge.
    File {
        name: "specutils_listed.n42",
        format: Format::N42,
        zone: "Z",
        title_end: "",
        warnings: &[Code::FurtherRecords],
        further_records: 1,
    },
];

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn every_file_holds_what_its_writer_put_there() {
    let expected: Value = serde_json::from_slice(&fixture("expected.json")).unwrap();
    // One entry more: the versions of the writers.
    assert_eq!(expected.as_object().unwrap().len(), FILES.len() + 1);
    for file in FILES {
        let name = file.name;
        let bytes = fixture(name);
        assert_eq!(Format::detect(None, &bytes), Some(file.format), "{name}");
        let Reading {
            spectrum,
            warnings,
            further_records,
        } = read(&bytes, Some(name)).unwrap();
        let codes: Vec<Code> = warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, file.warnings, "{name}: {warnings:?}");
        assert_eq!(further_records, file.further_records, "{name}");

        let expected = &expected[name];
        let numbers = |key: &str| expected[key].as_array().unwrap().clone();
        let counts: Vec<u64> = numbers("counts").iter().filter_map(Value::as_u64).collect();
        assert_eq!(spectrum.counts, counts, "{name}");
        assert_eq!(spectrum.first_channel, 0, "{name}");
        let time = |key: &str| expected[key].as_f64();
        assert_eq!(spectrum.live_time_s, time("live_time_s"), "{name}");
        assert_eq!(spectrum.real_time_s, time("real_time_s"), "{name}");
        let start = format!("{}{}", expected["start"].as_str().unwrap(), file.zone);
        assert_eq!(
            spectrum.start_time.map(|t| t.to_string()),
            Some(start),
            "{name}"
        );
        let title = format!("{}{}", expected["title"].as_str().unwrap(), file.title_end);
        assert_eq!(spectrum.title, title, "{name}");

        // Both writers calculate energies in 32 bits, and SpecUtils takes the middle between two
        // edges for the centre, which on a parabola is not the energy of position i + ½. Energies
        // that it lists have six digits.
        let calibration = spectrum.calibration.unwrap();
        let relative = if name == "specutils_listed.n42" {
            5e-6
        } else {
            1e-6
        };
        let bend_kev = calibration.quadratic_kev_per_channel2.abs() / 4.0;
        for (channel, energy) in numbers("energies_kev").iter().enumerate() {
            let (found, expected) = (
                calibration.energy_kev(channel as f64),
                energy.as_f64().unwrap(),
            );
            assert!(
                (found - expected).abs() < 1e-5 + bend_kev + relative * expected.abs(),
                "{name}, channel {channel}: {found} keV instead of {expected} keV"
            );
        }
    }
}

#[test]
fn detector_and_peak_shape_of_a_chn_file_are_kept_as_blocks() {
    let spectrum = read(&fixture("curie.Chn"), None).unwrap().spectrum;
    let blocks = [
        ("SPEC_REM", "DET# 3\nDETDESC# HPGe"),
        ("SHAPE_CAL", "3\n1.5 0.002 0"),
    ];
    let blocks = blocks.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(spectrum.blocks, blocks);
}
