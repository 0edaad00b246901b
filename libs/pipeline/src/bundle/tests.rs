//! Bundles written, read, damaged and replaced.

use super::*;
use crate::{Identifier, fixture};
use assay_core::{Classified, ErrorKind};
use std::{collections::BTreeMap, fs};

const FILES: [&str; 4] = [MODEL_FILE, GATE_FILE, DOCUMENT_FILE, CARD_FILE];

#[test]
fn a_reloaded_bundle_gives_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let bundle = fixture::bundle();
    bundle.write(&path, Existing::Keep).unwrap();
    let reloaded = Bundle::open(&path).unwrap();
    assert_eq!(reloaded.id(), bundle.id());
    assert_eq!(reloaded.contents(), bundle.contents());
    let mut names: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [CARD_FILE, DOCUMENT_FILE, GATE_FILE, MODEL_FILE]);

    let first = Identifier::new(bundle, &fixture::options()).unwrap();
    let second = Identifier::new(reloaded, &fixture::options()).unwrap();
    for row in fixture::dataset(2, 20).rows() {
        let bytes = assay_formats::write_spe(&row.spectrum);
        let answers = [&first, &second].map(|id| id.identify(&bytes, "x.spe").unwrap());
        assert_eq!(answers[0], answers[1]);
        let bits = |answer: &crate::Answer| {
            let probabilities = answer.class_probabilities.iter();
            let bits: Vec<_> = probabilities.map(|p| p.probability.to_bits()).collect();
            (
                bits,
                answer.gate.score.to_bits(),
                answer.gate.p_value.to_bits(),
            )
        };
        assert_eq!(bits(&answers[0]), bits(&answers[1]));
    }
}

fn owned(bundle: &Bundle) -> BTreeMap<String, Vec<u8>> {
    let files = bundle.files().into_iter();
    files
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .collect()
}

#[test]
fn a_bundle_is_its_four_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let bundle = fixture::bundle();
    bundle.write(&path, Existing::Keep).unwrap();
    let on_disk: BTreeMap<_, _> = FILES
        .map(|name| (name.to_owned(), fs::read(path.join(name)).unwrap()))
        .into();
    assert_eq!(owned(&bundle), on_disk);
    let origin = Path::new("store/7");
    let again = Bundle::from_files(on_disk, origin).unwrap();
    assert_eq!(again.id(), bundle.id());
    assert_eq!(again.contents(), bundle.contents());
    assert_eq!(again.files(), bundle.files());
    assert_eq!(again.origin(), origin);
}

#[test]
fn the_model_is_hashed_once() {
    let engine = assay_infer::EngineIdentity {
        name: "onnxruntime",
        version: "1".to_owned(),
        provider: "cpu",
        dtype: "f32",
    };
    let made = fixture::bundle();
    let opened = Bundle::from_files(owned(&made), Path::new("store/7")).unwrap();
    let expected = Digest::of(made.model());
    for mut bundle in [made, opened] {
        assert_eq!(bundle.model_digest(), expected);
        let key = crate::feature_key(&bundle, &engine, &[1.0]);
        // Were the bytes read again, their loss would show.
        bundle.files.model.clear();
        assert_eq!(crate::feature_key(&bundle, &engine, &[1.0]), key);
    }
}

#[test]
fn files_are_checked_like_folders() {
    let whole = owned(&fixture::bundle());
    let refused = |files| Bundle::from_files(files, Path::new("store/7")).unwrap_err();
    for name in FILES {
        let mut files = whole.clone();
        *files.get_mut(name).unwrap().last_mut().unwrap() ^= 1;
        let shown = refused(files).to_string();
        assert!(shown.contains(&format!("store/7/{name}")), "{shown}");
        let mut files = whole.clone();
        files.remove(name);
        let error = refused(files);
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let mut files = whole;
    files.insert("model.pkl".to_owned(), Vec::new());
    let error = refused(files);
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.to_string().contains("store/7/model.pkl"), "{error}");
}

#[test]
fn the_same_parts_give_the_same_identity_and_other_parts_another() {
    let bundle = fixture::bundle();
    let again = fixture::bundle();
    assert_eq!(bundle.id(), again.id());
    assert_eq!(bundle.card(), again.card());
    let mut contents = bundle.contents().clone();
    contents.training.seeds.insert("training".to_owned(), 8);
    let other = Bundle::new(contents, bundle.model().to_vec(), bundle.gate()).unwrap();
    assert_ne!(other.id(), bundle.id());
}

#[test]
fn every_changed_byte_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    fixture::bundle().write(&path, Existing::Keep).unwrap();
    for name in FILES {
        let file = path.join(name);
        let whole = fs::read(&file).unwrap();
        let step = (whole.len() / 150).max(1);
        for at in (0..whole.len()).step_by(step).chain([whole.len() - 1]) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&file, &changed).unwrap();
            let error = Bundle::open(&path).expect_err(name);
            let shown = error.to_string();
            // A changed digest of another file in the document may point at that file.
            let named = name == DOCUMENT_FILE || shown.contains(name);
            assert!(named, "{name} changed at {at}: {shown}");
            if name != DOCUMENT_FILE {
                assert_eq!(error.kind(), ErrorKind::DataLoss, "{shown}");
                let digests = [Digest::of(&whole), Digest::of(&changed)];
                assert!(
                    digests.iter().all(|d| shown.contains(&d.to_string())),
                    "{shown}"
                );
            }
        }
        for cut in [0, whole.len() - 1] {
            fs::write(&file, &whole[..cut]).unwrap();
            assert!(Bundle::open(&path).is_err(), "{name} cut to {cut} bytes");
        }
        fs::remove_file(&file).unwrap();
        let error = Bundle::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(name), "{error}");
        fs::write(&file, &whole).unwrap();
    }
    Bundle::open(&path).unwrap();
}

#[test]
fn documents_that_cannot_be_understood_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    fixture::bundle().write(&path, Existing::Keep).unwrap();
    let file = path.join(DOCUMENT_FILE);
    let text = fs::read_to_string(&file).unwrap();
    let cases: [(&str, &str, &str, ErrorKind); 5] = [
        (
            "\"format_version\": 1",
            "\"format_version\": 2",
            "version 2",
            ErrorKind::FailedPrecondition,
        ),
        (
            "\"format_version\": 1",
            "\"format_version\": \"x\"",
            "\"x\"",
            ErrorKind::FailedPrecondition,
        ),
        (
            "\"classes\": [",
            "\"colour\": 1,\n \"classes\": [",
            "`colour`",
            ErrorKind::InvalidArgument,
        ),
        (
            "\"classes\": [",
            "\"classes\": [1,",
            "line",
            ErrorKind::InvalidArgument,
        ),
        (
            "\"recipe\"",
            "\"receipt\"",
            "`receipt`",
            ErrorKind::InvalidArgument,
        ),
    ];
    for (old, new, word, kind) in cases {
        fs::write(&file, text.replacen(old, new, 1)).unwrap();
        let error = Bundle::open(&path).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains(word) && shown.contains(DOCUMENT_FILE),
            "{shown}"
        );
        assert_eq!(error.kind(), kind, "{shown}");
    }
}

#[test]
fn parts_that_do_not_fit_are_refused_by_field() {
    let bundle = fixture::bundle();
    let refuse = |change: &dyn Fn(&mut BundleContents)| {
        let mut contents = bundle.contents().clone();
        change(&mut contents);
        let error = Bundle::new(contents, bundle.model().to_vec(), bundle.gate()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        error.to_string()
    };
    assert!(refuse(&|c| c.classes.swap(0, 1)).contains("sorted"));
    assert!(refuse(&|c| c.classes.clear()).contains("classes is empty"));
    assert!(refuse(&|c| drop(c.classes.pop())).contains("head.classes is 3"));
    assert!(refuse(&|c| c.head.features = 31).contains("head.weight"));
    assert!(refuse(&|c| c.recipe.valid_bins = 0..99_999).contains("recipe.valid_bins"));
    let empty = Bundle::new(bundle.contents().clone(), Vec::new(), bundle.gate()).unwrap_err();
    assert!(empty.to_string().contains(MODEL_FILE), "{empty}");
}

#[test]
fn nothing_is_overwritten_that_must_stay() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = fixture::bundle();
    let (file, full) = (folder.path().join("file"), folder.path().join("full"));
    fs::write(&file, b"mine").unwrap();
    fs::create_dir(&full).unwrap();
    fs::write(full.join("thesis.tex"), b"mine").unwrap();
    for place in [&file, &full] {
        for existing in [Existing::Keep, Existing::Replace] {
            let error = bundle.write(place, existing).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        }
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(fs::read(full.join("thesis.tex")).unwrap(), b"mine");

    let place = folder.path().join("empty/deep/model");
    bundle.write(&place, Existing::Keep).unwrap();
    let error = bundle.write(&place, Existing::Keep).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let mut contents = bundle.contents().clone();
    contents.training.seeds.clear();
    let other = Bundle::new(contents, bundle.model().to_vec(), bundle.gate()).unwrap();
    other.write(&place, Existing::Replace).unwrap();
    assert_eq!(Bundle::open(&place).unwrap().id(), other.id());
    let left = fs::read_dir(place.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "nothing but the bundle is left");
}

#[test]
fn what_is_no_bundle_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("gone")] {
        let error = Bundle::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("no model bundle"), "{error}");
    }
}

#[test]
fn the_card_has_front_matter_and_names_the_data() {
    let bundle = fixture::bundle();
    let card = bundle.card();
    let (front, body) = card
        .strip_prefix("---\n")
        .unwrap()
        .split_once("---\n")
        .unwrap();
    let data = bundle.contents().training.data.to_string();
    assert!(
        front.contains(&format!("training_data_digest: \"{data}\"")),
        "{front}"
    );
    assert!(front.lines().all(|line| line.contains(": ")), "{front}");
    assert!(body.contains("| Coal, hard | 8 |"), "{body}");
}

#[test]
fn reference_spectra_travel_with_a_bundle_and_are_checked() {
    let plain = fixture::bundle();
    assert_eq!(plain.references(), None);
    let (bins, width) = (plain.contents().recipe.bins(), plain.head().features());
    let references = References {
        vectors: ndarray::Array2::from_shape_fn((2, bins), |(row, bin)| (row + bin) as f32 / 7.0),
        features: ndarray::Array2::from_elem((2, width), 0.1),
        mean: Some(ndarray::Array1::from_elem(bins, -8.5)),
    };
    let bundle = plain.clone().with_references(&references).unwrap();
    assert_ne!(bundle.id(), plain.id());
    assert_eq!(bundle.model_digest(), plain.model_digest());
    let reopened = Bundle::from_files(owned(&bundle), Path::new("store/7")).unwrap();
    assert_eq!(reopened.references(), Some(&references));
    assert_eq!(reopened.training_mean(), references.mean.as_ref());
    assert_eq!(plain.training_mean(), None);
    let early = References {
        mean: None,
        ..references.clone()
    };
    let early = plain.clone().with_references(&early).unwrap();
    let early = Bundle::from_files(owned(&early), Path::new("store/6")).unwrap();
    assert_eq!(early.training_mean(), None, "the first versions had none");
    assert_eq!(reopened.id(), bundle.id());
    let scores = |bundle: &Bundle| bundle.gate().to_parts();
    assert_eq!(scores(&reopened), scores(&plain), "the gate is the same");

    let mut narrow = references.clone();
    narrow.features = ndarray::Array2::zeros((2, width + 1));
    let mut fewer = references.clone();
    fewer.features = ndarray::Array2::zeros((1, width));
    let mut short = references.clone();
    short.mean = Some(ndarray::Array1::zeros(bins - 1));
    let mut nowhere = references.clone();
    nowhere.mean = Some(ndarray::Array1::from_elem(bins, f32::NAN));
    let mut infinite = references;
    infinite.vectors[[1, 5]] = f32::INFINITY;
    for (wrong, word) in [
        (narrow, "shape"),
        (fewer, "shape"),
        (infinite, "finite"),
        (short, "training.mean"),
        (nowhere, "finite"),
    ] {
        let error = plain.clone().with_references(&wrong).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}
