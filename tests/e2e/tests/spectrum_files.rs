//! CHN and N42 files go to SpecUtils and come back: it reads ours, and we read its own.

use assay_e2e::foreign;
use assay_formats::{read, write_chn, write_n42};
use assay_spectrum::{EnergyCalibration, Spectrum};
use serde_json::json;
use std::fs;

/// 200 channels, times in steps of 20 ms, counts of the six digits that SpecUtils
/// writes, the outermost ones not zero.
fn sample() -> Spectrum {
    let counts = (0..200u64).map(|channel| match channel {
        40..60 | 90 => 0,
        70 => 987_654,
        _ => 1 + channel * 7919 % 1000,
    });
    Spectrum {
        calibration: EnergyCalibration::new(-1.5, 0.75, 0.000_25).ok(),
        live_time_s: Some(90.5),
        real_time_s: Some(100.5),
        start_time: "2018-05-14T10:17:05".parse().ok(),
        title: "No. 5 of 7".to_owned(),
        ..Spectrum::from_counts(counts.collect())
    }
}

#[test]
fn specutils_reads_our_files_and_we_read_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let ours = sample();
    let calibration = ours.calibration.unwrap();
    let contents = json!({
        "counts": ours.counts,
        "live_time_s": 90.5,
        "real_time_s": 100.5,
        "start": "2018-05-14T10:17:05",
        "terms": [-1.5, 0.75, 0.00025],
        "title": ours.title,
    });
    fs::write(at("spectrum.json"), contents.to_string()).unwrap();
    fs::write(at("spectrum.chn"), write_chn(&ours).unwrap()).unwrap();
    fs::write(at("spectrum.n42"), write_n42(&ours)).unwrap();
    let printed = foreign::python("SpecUtils", "spectrum_files.py", [folder.path()]).unwrap();
    let Some(printed) = printed else { return };
    assert_eq!(printed.trim(), "2 files agree, 3 files written");

    // SpecUtils was given the terms as those of lower edges; only N42 of 2012 says so itself.
    // It writes every start as one of UTC.
    for (name, position, zone) in [
        ("theirs.chn", 0.0, ""),
        ("theirs_2012.n42", 0.5, "Z"),
        ("theirs_2006.n42", 0.0, "Z"),
    ] {
        let reading = read(&fs::read(at(name)).unwrap(), Some(name)).unwrap();
        assert_eq!(reading.warnings, [], "{name}");
        let theirs = reading.spectrum;
        assert_eq!(theirs.counts, ours.counts, "{name}");
        assert_eq!(theirs.live_time_s, ours.live_time_s, "{name}");
        assert_eq!(theirs.real_time_s, ours.real_time_s, "{name}");
        let start = theirs.start_time.map(|time| time.to_string());
        assert_eq!(start, Some(format!("2018-05-14T10:17:05{zone}")), "{name}");
        assert_eq!(theirs.title.lines().next(), Some("No. 5 of 7"), "{name}");
        let read = theirs.calibration.unwrap();
        for channel in [0.0, 100.0, 199.0] {
            let expected = calibration.energy_kev(channel + position);
            let difference = (read.energy_kev(channel) - expected).abs();
            assert!(difference < 1e-4, "{name}: {difference} keV at {channel}");
        }
    }
}
