//! Every measured spectrum of the collection, against its manifest and the reference's counts.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use assay_formats::{
    Format, Reading, WarningCode, read, read_chn, read_csv, read_n42, read_spe, write_chn,
    write_csv, write_n42, write_spe,
};
use assay_golden::{Npz, golden_json, pgaa_dir};
use assay_spectrum::{EnergyCalibration, Recipe, Spectrum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One line of the manifest.
struct Row {
    file: String,
    live_time_s: f64,
    real_time_s: f64,
    measured_at: String,
    calibration: EnergyCalibration,
}

fn manifest(dir: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(dir.join("manifest.csv")).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|field| *field == name).unwrap();
    let [file, live, real, date, terms] = [
        "file",
        "live_time_s",
        "real_time_s",
        "measured_at",
        "energy_calibration_kev",
    ]
    .map(column);
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!(fields.len(), header.len(), "a field with a comma: {line}");
            let number = |text: &str| text.parse::<f64>().unwrap();
            let terms: Vec<f64> = fields[terms].split_whitespace().map(number).collect();
            Row {
                file: fields[file].to_owned(),
                live_time_s: number(fields[live]),
                real_time_s: number(fields[real]),
                measured_at: fields[date].to_owned(),
                calibration: EnergyCalibration::new(terms[0], terms[1], terms[2]).unwrap(),
            }
        })
        .collect()
}

fn read_file(path: PathBuf) -> Reading {
    let bytes = std::fs::read(&path).unwrap();
    let name = path.file_name().and_then(|name| name.to_str());
    assert_eq!(
        Format::detect(name, &bytes),
        Some(Format::Spe),
        "{}",
        path.display()
    );
    read(&bytes, name).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The date of the manifest, by a parser of its own that knows the one form it has.
fn expected_time(measured_at: &str) -> String {
    let mut words = measured_at.split_whitespace();
    let date: Vec<&str> = words.next().unwrap().split('/').collect();
    let clock: Vec<u32> = words
        .next()
        .unwrap()
        .split(':')
        .map(|t| t.parse().unwrap())
        .collect();
    let (hour, zone) = match words.next() {
        Some("PM") if clock[0] < 12 => (clock[0] + 12, String::new()),
        Some("AM") if clock[0] == 12 => (0, String::new()),
        Some(zone) if zone.starts_with('(') => {
            (clock[0], format!("{}:00", zone.trim_matches(['(', ')'])))
        }
        _ => (clock[0], String::new()),
    };
    let [month, day, year] = date[..] else {
        panic!("{measured_at}")
    };
    format!(
        "{year}-{month}-{day}T{hour:02}:{:02}:{:02}{zone}",
        clock[1], clock[2]
    )
}

/// CHN counts time in steps of 20 ms, has no zone, and a title of 63 bytes; nothing else of these
/// spectra may change.
fn as_chn_holds_it(spectrum: &Spectrum) -> Spectrum {
    let in_steps = |time_s: f64| (time_s * 50.0).round() / 50.0;
    let local = spectrum.start_time.map(|start| {
        let text = start.to_string();
        text[..19].parse().unwrap()
    });
    Spectrum {
        live_time_s: spectrum.live_time_s.map(in_steps),
        real_time_s: spectrum.real_time_s.map(in_steps),
        start_time: local,
        title: spectrum.title.chars().take(63).collect(),
        ..spectrum.clone()
    }
}

#[test]
fn every_file_agrees_with_the_manifest() {
    let Some(dir) = pgaa_dir("every_file_agrees_with_the_manifest") else {
        return;
    };
    let rows = manifest(&dir);
    assert!(!rows.is_empty());
    let mut codes: BTreeMap<WarningCode, usize> = BTreeMap::new();
    for row in &rows {
        let Reading {
            spectrum,
            warnings,
            further_records,
        } = read_file(dir.join(&row.file));
        let file = &row.file;
        assert_eq!(spectrum.counts.len(), 16384, "{file}");
        assert_eq!((spectrum.first_channel, further_records), (0, 0), "{file}");
        assert_eq!(spectrum.live_time_s, Some(row.live_time_s), "{file}");
        assert_eq!(spectrum.real_time_s, Some(row.real_time_s), "{file}");
        assert_eq!(spectrum.calibration, Some(row.calibration), "{file}");
        let time = spectrum.start_time.map(|time| time.to_string());
        assert_eq!(time, Some(expected_time(&row.measured_at)), "{file}");
        for warning in &warnings {
            *codes.entry(warning.code).or_default() += 1;
        }
        // Read, written and read again, in both formats.
        assert_eq!(
            read_spe(&write_spe(&spectrum)).unwrap().spectrum,
            spectrum,
            "{file}"
        );
        assert_eq!(
            read_csv(&write_csv(&spectrum)).unwrap().spectrum,
            spectrum,
            "{file}"
        );
        assert_eq!(
            read_n42(&write_n42(&spectrum)).unwrap().spectrum,
            spectrum,
            "{file}"
        );
        let through_chn = read_chn(&write_chn(&spectrum).unwrap()).unwrap().spectrum;
        assert_eq!(through_chn, as_chn_holds_it(&spectrum), "{file}");
        let vector = Recipe::default().apply(&spectrum);
        vector.unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    eprintln!(
        "{} files read; files with a warning, by its code: {codes:?}",
        rows.len()
    );
    // Whoever adds files with further oddities decides here whether they are to be expected.
    let expected = [WarningCode::DateClipped];
    assert!(
        codes.keys().all(|code| expected.contains(code)),
        "{codes:?}"
    );
}

#[test]
fn counts_and_vectors_are_those_of_the_reference() {
    let test = "counts_and_vectors_are_those_of_the_reference";
    let Some(dir) = pgaa_dir(test) else { return };
    let Some(mut npz) = Npz::open(test, "preprocess.npz") else {
        return;
    };
    let Some(json) = golden_json(test, "golden.json") else {
        return;
    };
    let (counts, vectors) = (npz.f64("counts"), npz.f64("prep_2631"));
    let files = json["preprocess.npz"]["files"].as_array().unwrap();
    let mut compared = 0;
    for (index, file) in files.iter().enumerate() {
        let file = file.as_str().unwrap();
        let path = dir.join("spe").join(file);
        if !path.is_file() {
            eprintln!("SKIPPED {file} in {test}: it is not in this part of the collection");
            continue;
        }
        let spectrum = read_file(path).spectrum;
        let found: Vec<f64> = spectrum.counts.iter().map(|&count| count as f64).collect();
        let expected = counts.outer_iter().nth(index).unwrap();
        assert!(found.iter().eq(expected.iter()), "{file}: counts differ");
        let vector = Recipe::default().apply(&spectrum).unwrap();
        let expected: Vec<f64> = vectors
            .outer_iter()
            .nth(index)
            .unwrap()
            .iter()
            .copied()
            .collect();
        assay_golden::assert_close(file, &vector, &expected, 1e-10);
        compared += 1;
    }
    assert!(compared > 0, "none of the reference's files is there");
}
