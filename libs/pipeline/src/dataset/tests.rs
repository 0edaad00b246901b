//! Reading data sets, good and bad.

use crate::{Dataset, Manifest, PipelineError, Role, Watch};
use assay_core::{Classified, Digest, ErrorKind};
use assay_spectrum::{EnergyCalibration, Recipe, Spectrum};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

fn spe(seed: u64) -> Vec<u8> {
    let counts = (0..16384u64)
        .map(|i| (i * (seed + 3)) % 97 + seed)
        .collect();
    let spectrum = Spectrum {
        calibration: Some(EnergyCalibration::new(-1.0, 0.716, 0.0).unwrap()),
        live_time_s: Some(90.0),
        real_time_s: Some(100.0),
        ..Spectrum::from_counts(counts)
    };
    assay_formats::write_spe(&spectrum)
}

fn write(folder: &Path, files: &[(&str, Vec<u8>)], manifest: &str) -> PathBuf {
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let path = folder.join("m.csv");
    fs::write(&path, manifest).unwrap();
    path
}

fn load(path: &Path) -> Result<Dataset, PipelineError> {
    Dataset::load(&Manifest::read(path).unwrap(), &Watch::none())
}

#[test]
fn order_of_the_manifest_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let files = [("a.spe", spe(1)), ("b.spe", spe(2)), ("c.spe", spe(5))];
    let head = "file,label,role,group\n";
    let lines = [
        "a.spe,Ore,known,1\n",
        "b.spe,\"Öl, Diesel\",known,2\n",
        "c.spe,Ash,unknown,3\n",
    ];
    let digest = |order: [usize; 3]| {
        let text: String = std::iter::once(head)
            .chain(order.map(|i| lines[i]))
            .collect();
        let dataset = load(&write(folder.path(), &files, &text)).unwrap();
        let vectors = dataset.vectors(&Recipe::default()).unwrap();
        assert_eq!(vectors.dim(), (3, 2631));
        (dataset.digest(), vectors)
    };
    assert_eq!(digest([0, 1, 2]), digest([2, 0, 1]));

    let dataset = load(&folder.path().join("m.csv")).unwrap();
    let labels: Vec<_> = dataset.classes().iter().map(|c| c.as_str()).collect();
    assert_eq!(labels, ["Ore", "Öl, Diesel"]);
    let unknown = dataset.positions(Role::Unknown);
    assert_eq!(unknown.len(), 1);
    assert_eq!(dataset.class_indices()[unknown[0]], None);
    let csv = dataset.canonical_csv();
    let expected = format!("{},\"Öl, Diesel\",known,2\n", Digest::of(&files[1].1));
    assert!(csv.contains(&expected), "{csv}");
}

#[test]
fn same_content_is_a_warning_that_names_both_lines() {
    let folder = tempfile::tempdir().unwrap();
    let files = [("a.spe", spe(1)), ("b.spe", spe(1))];
    let path = write(
        folder.path(),
        &files,
        "file,label,role\na.spe,A,known\nb.spe,B,known\n",
    );
    let warnings = load(&path).unwrap().warnings();
    let same: Vec<_> = warnings
        .iter()
        .filter(|w| w.message.contains("same content"))
        .collect();
    let [same] = same.as_slice() else {
        panic!("{warnings:?}")
    };
    assert_eq!((same.line, same.file.as_str()), (3, "b.spe"));
    assert!(
        same.message.contains("line 2") && same.message.contains("\"A\" there"),
        "{same:?}"
    );
}

#[test]
fn all_faulty_files_are_listed_together() {
    let folder = tempfile::tempdir().unwrap();
    let negative = String::from_utf8(spe(1))
        .unwrap()
        .replacen("       4", "      -4", 1);
    let files = [
        ("good.spe", spe(1)),
        ("empty.spe", Vec::new()),
        ("cut.spe", spe(1)[..4000].to_vec()),
        ("bad.spe", negative.into_bytes()),
    ];
    let text =
        "file,label,role\ngood.spe,A,known\nempty.spe,A,known\ncut.spe,A,known\nbad.spe,A,known\n";
    let error = load(&write(folder.path(), &files, text)).unwrap_err();
    let shown = error.to_string();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    for (line, name) in [(3, "empty.spe"), (4, "cut.spe")] {
        assert!(
            shown.contains(&format!("line {line}: ")) && shown.contains(name),
            "{shown}"
        );
    }
    assert!(!shown.contains("good.spe"), "{shown}");
}

#[test]
fn spectra_that_the_recipe_refuses_are_listed_together() {
    let folder = tempfile::tempdir().unwrap();
    let bare = assay_formats::write_spe(&Spectrum::from_counts((1..9000).collect()));
    let short = Spectrum {
        calibration: Some(EnergyCalibration::new(0.0, 0.5, 0.0).unwrap()),
        ..Spectrum::from_counts((1..3000).collect())
    };
    let files = [
        ("good.spe", spe(1)),
        ("bare.spe", bare),
        ("short.spe", assay_formats::write_spe(&short)),
    ];
    let text = "file,label,role\ngood.spe,A,known\nbare.spe,A,known\nshort.spe,A,known\n";
    let dataset = load(&write(folder.path(), &files, text)).unwrap();
    let shown = dataset.vectors(&Recipe::default()).unwrap_err().to_string();
    for words in [
        "line 3: bare.spe",
        "calibration",
        "line 4: short.spe",
        "covers",
    ] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
}

#[test]
fn loading_reports_progress_and_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        folder.path(),
        &[("a.spe", spe(1))],
        "file,label,role\na.spe,A,known\n",
    );
    let manifest = Manifest::read(&path).unwrap();
    let seen = AtomicUsize::new(0);
    let progress = |done, total| {
        assert_eq!((done, total), (1, 1));
        seen.fetch_add(1, Ordering::Relaxed);
    };
    Dataset::load(&manifest, &Watch::none().with_progress(&progress)).unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    let stop = AtomicBool::new(true);
    let error = Dataset::load(&manifest, &Watch::none().with_cancellation(&stop)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}
