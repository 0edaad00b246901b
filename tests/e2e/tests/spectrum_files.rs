//! Spectrum files and two readers of other people: CHN and N42 go to SpecUtils and come back, SPE
//! is read by becquerel and by us.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_e2e::{checkout, collection, foreign};
use assay_formats::{read, write_chn, write_n42, write_spe};
use assay_spectrum::{EnergyCalibration, Spectrum};
use serde_json::{Value, json};
use std::{fs, path::Path};

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

/// What becquerel is to find in a file: its path and the spectrum in it.
fn entry(file: &Path, spectrum: &Spectrum) -> Value {
    let terms = spectrum.calibration.map(|c| {
        [
            c.intercept_kev,
            c.slope_kev_per_channel,
            c.quadratic_kev_per_channel2,
        ]
    });
    json!({
        "file": file,
        "counts": spectrum.counts,
        "live_time_s": spectrum.live_time_s,
        "real_time_s": spectrum.real_time_s,
        "start": spectrum.start_time.map(|time| time.to_string()),
        "terms": terms,
    })
}

/// Spectra as only a writer has them: many digits, large counts, no calibration.
fn written() -> [Spectrum; 3] {
    let odd = EnergyCalibration::new(-0.123_456_789, 1.0 / 3.0, 1e-300).ok();
    let large = 1 << 53;
    [
        sample(),
        Spectrum {
            calibration: odd,
            live_time_s: Some(1e-3),
            real_time_s: Some(123_456.789_012_345),
            counts: vec![0, large, large - 1, 4_294_967_296],
            blocks: vec![("ROI".to_owned(), "1\n3 5".to_owned())],
            ..sample()
        },
        Spectrum {
            calibration: None,
            title: String::new(),
            ..sample()
        },
    ]
}

/// The SPE files of a manifest that becquerel can read too: it knows no zones.
fn listed(folder: &Path, step: usize) -> Vec<Value> {
    let manifest = fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let names = manifest
        .lines()
        .skip(1)
        .step_by(step)
        .filter_map(|line| line.split(',').next());
    let entries = names.filter_map(|name| {
        let file = folder.join(name);
        let spectrum = read(&fs::read(&file).unwrap(), Some(name))
            .unwrap()
            .spectrum;
        let zoned = spectrum.start_time?.utc_offset_min().is_some();
        (!zoned).then(|| entry(&file, &spectrum))
    });
    entries.collect()
}

#[test]
fn becquerel_reads_from_spe_files_what_we_wrote_and_what_we_read() {
    let test = "becquerel";
    let folder = tempfile::tempdir().unwrap();
    let mut entries = Vec::new();
    for (index, spectrum) in written().iter().enumerate() {
        let file = folder.path().join(format!("{index}.spe"));
        fs::write(&file, write_spe(spectrum)).unwrap();
        entries.push(entry(&file, spectrum));
    }
    let seed = checkout::root()
        .unwrap()
        .join("libs/formats/fuzz/seeds/spe/plain.spe");
    let plain = read(&fs::read(&seed).unwrap(), Some("plain.spe")).unwrap();
    entries.push(entry(&seed, &plain.spectrum));
    collection::simulate(folder.path(), 1, 1).unwrap();
    let simulated = listed(&folder.path().join("data"), 1);
    assert_eq!(simulated.len(), 13);
    entries.extend(simulated);
    if let Some(measured) = assay_golden::pgaa_dir(test) {
        // becquerel takes a third of a second for each, so every tenth must do.
        let measured = listed(&measured, 10);
        assert!(measured.len() > 20, "{}", measured.len());
        entries.extend(measured);
    }
    let expected = serde_json::to_string(&entries).unwrap();
    fs::write(folder.path().join("expected.json"), expected).unwrap();
    let printed = foreign::python(test, "spe_files.py", [folder.path()]).unwrap();
    if let Some(printed) = printed {
        assert_eq!(printed.trim(), format!("{} files agree", entries.len()));
    }
}
