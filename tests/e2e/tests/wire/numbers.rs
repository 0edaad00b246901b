//! Wrong numbers: vectors for models, spectra as numbers, sizes of images.

use crate::case::{Case, EXPLAIN, INFERENCE, INGEST, Stage, absent, no_digests};
use assay_api::{
    explain::{ExplainCamRequest, ExplainShapRequest, ShapOptions, shap_options::HiddenPixels},
    gate::IdentifyRequest,
    inference::{
        ClassifyRequest, DescribeModelRequest, FeaturesRequest, ImportancesRequest, Vector,
    },
    ingest::{GetFileRequest, GetSpectrumRequest, PutSpectrumRequest, RenderImageRequest},
};

pub(crate) fn cases(stage: &Stage) -> Vec<Case> {
    let mut cases = vectors(stage);
    cases.extend(importances(stage));
    cases.extend(spectra());
    cases.extend(images(stage));
    cases.extend(digests());
    cases.extend(explanations(stage));
    cases
}

fn vectors(stage: &Stage) -> Vec<Case> {
    let bins = stage.bins;
    let with = |bin: usize, value: f32| {
        let mut values = vec![0.0; bins];
        values[bin] = value;
        vec![Vector { values }]
    };
    let of_length = |length: usize| {
        let values = vec![0.5; length];
        vec![Vector { values }]
    };
    let wrong: [(&str, Vec<Vector>); 9] = [
        ("no vector", Vec::new()),
        ("an empty vector", of_length(0)),
        ("a vector one short", of_length(bins - 1)),
        ("a vector one long", of_length(bins + 1)),
        ("a vector of a million", of_length(1_000_000)),
        ("NaN", with(bins / 2, f32::NAN)),
        ("infinity", with(0, f32::INFINITY)),
        ("minus infinity", with(bins - 1, f32::NEG_INFINITY)),
        ("1025 vectors", vec![Vector::default(); 1025]),
    ];
    let mut cases = Vec::new();
    for (name, vectors) in wrong {
        let model = String::new();
        let features = FeaturesRequest {
            model: model.clone(),
            vectors: vectors.clone(),
        };
        let classify = ClassifyRequest { model, vectors };
        let (a, b) = ((INFERENCE, "Features"), (INFERENCE, "Classify"));
        cases.push(Case::field(name, a, &features, "vectors"));
        cases.push(Case::field(name, b, &classify, "vectors"));
    }
    for model in ["nothing", "default@nothing", "default:nothing", &absent()] {
        let vectors = of_length(bins);
        let model = model.to_owned();
        let features = FeaturesRequest {
            model: model.clone(),
            vectors,
        };
        let name = format!("model {model}");
        cases.push(Case::missing(&name, (INFERENCE, "Features"), &features));
        let describe = DescribeModelRequest { model };
        cases.push(Case::missing(
            &name,
            (INFERENCE, "DescribeModel"),
            &describe,
        ));
    }
    for model in ["../x", "a b", "a@b@c", "a/../b", "\0", &"x".repeat(65)] {
        let describe = DescribeModelRequest {
            model: model.to_owned(),
        };
        let name = format!("model {model:?}");
        let method = (INFERENCE, "DescribeModel");
        cases.push(Case::field(name, method, &describe, "model"));
    }
    cases
}

fn importances(stage: &Stage) -> Vec<Case> {
    let asked = |vector: Option<Vec<f32>>, label: &str| ImportancesRequest {
        model: String::new(),
        vector: vector.map(|values| Vector { values }),
        label: label.to_owned(),
        ..ImportancesRequest::default()
    };
    let bins = stage.bins;
    let method = (INFERENCE, "Importances");
    vec![
        Case::field("no vector", method, &asked(None, ""), "vector"),
        Case::field(
            "a short one",
            method,
            &asked(Some(vec![0.0; 3]), ""),
            "vector",
        ),
        Case::field(
            "NaN",
            method,
            &asked(Some(vec![f32::NAN; bins]), ""),
            "vector",
        ),
        Case::field(
            "an unknown class",
            method,
            &asked(Some(vec![0.0; bins]), "Kryptonite"),
            "label",
        ),
    ]
}

fn spectra() -> Vec<Case> {
    let good = || PutSpectrumRequest {
        counts: vec![1, 2, 3, 4],
        live_time_s: 9.0,
        real_time_s: 10.0,
        calibration_kev: vec![0.0, 1.0],
        start_time: String::new(),
        title: String::new(),
    };
    let mut cases = Vec::new();
    let mut wrong = |name: &str, field: &str, change: &dyn Fn(&mut PutSpectrumRequest)| {
        let mut request = good();
        change(&mut request);
        cases.push(Case::field(name, (INGEST, "PutSpectrum"), &request, field));
    };
    wrong("no counts", "counts", &|r| {
        r.counts.clear();
        r.calibration_kev.clear();
    });
    wrong("too many channels", "counts", &|r| {
        r.counts = vec![0; (1 << 20) + 1]
    });
    // A negative number as a careless program sends it.
    wrong("count -1", "counts[2]", &|r| {
        r.counts[2] = (-1_i64).cast_unsigned()
    });
    wrong("a sum beyond 64 bits", "counts", &|r| {
        r.counts = vec![1 << 53; 2049]
    });
    for (name, value) in [
        ("NaN", f64::NAN),
        ("infinity", f64::INFINITY),
        ("-1", -1.0),
        ("1e300", 1e300),
    ] {
        wrong(&format!("live time {name}"), "live_time_s", &|r| {
            r.live_time_s = value
        });
        wrong(&format!("real time {name}"), "real_time_s", &|r| {
            r.real_time_s = value
        });
    }
    for (name, terms) in [
        ("one term", vec![1.0]),
        ("four terms", vec![0.0, 1.0, 0.0, 0.0]),
        ("NaN", vec![0.0, f64::NAN]),
        ("infinity", vec![0.0, f64::INFINITY]),
        ("falling", vec![0.0, -1.0]),
        ("level", vec![5.0, 0.0]),
        ("turning", vec![0.0, 1.0, -0.3]),
    ] {
        wrong(&format!("calibration {name}"), "calibration_kev", &|r| {
            r.calibration_kev.clone_from(&terms);
        });
    }
    wrong("an unreadable time", "start_time", &|r| {
        r.start_time = "soon".to_owned()
    });
    wrong("a long title", "title", &|r| r.title = "x".repeat(257));
    wrong("a title of two lines", "title", &|r| {
        r.title = "a\nb".to_owned()
    });
    cases
}

fn images(stage: &Stage) -> Vec<Case> {
    let good = || RenderImageRequest {
        digest: stage.spectrum.clone(),
        ..RenderImageRequest::default()
    };
    let size = |size: u32| RenderImageRequest { size, ..good() };
    let method = (INGEST, "RenderImage");
    let mut cases: Vec<_> = [1, 2632, 4097, 100_000, u32::MAX]
        .map(|pixels| Case::field(format!("{pixels} pixels"), method, &size(pixels), "size"))
        .into();
    for number in [3, -1, i32::MAX] {
        let field = RenderImageRequest {
            field: number,
            ..good()
        };
        let encoding = RenderImageRequest {
            encoding: number,
            ..good()
        };
        cases.push(Case::field(
            format!("field {number}"),
            method,
            &field,
            "field",
        ));
        cases.push(Case::field(
            format!("encoding {number}"),
            method,
            &encoding,
            "encoding",
        ));
    }
    let model = |model: &str| RenderImageRequest {
        model: model.to_owned(),
        ..good()
    };
    cases.push(Case::missing("model nothing", method, &model("nothing")));
    cases.push(Case::field("model ../x", method, &model("../x"), "model"));
    cases
}

fn digests() -> Vec<Case> {
    let mut cases = Vec::new();
    for digest in no_digests().into_iter().chain([String::new()]) {
        let name = format!("digest {digest:?}");
        let image = RenderImageRequest {
            digest: digest.clone(),
            ..RenderImageRequest::default()
        };
        cases.push(Case::field(
            &name,
            (INGEST, "RenderImage"),
            &image,
            "digest",
        ));
        let file = GetFileRequest {
            digest: digest.clone(),
        };
        cases.push(Case::field(&name, (INGEST, "GetFile"), &file, "digest"));
        let spectrum = GetSpectrumRequest { digest };
        cases.push(Case::field(
            &name,
            (INGEST, "GetSpectrum"),
            &spectrum,
            "digest",
        ));
    }
    let digest = absent();
    let file = GetFileRequest {
        digest: digest.clone(),
    };
    cases.push(Case::missing("no such file", (INGEST, "GetFile"), &file));
    let spectrum = GetSpectrumRequest { digest };
    cases.push(Case::missing(
        "no such spectrum",
        (INGEST, "GetSpectrum"),
        &spectrum,
    ));
    cases
}

fn explanations(stage: &Stage) -> Vec<Case> {
    let good = || ExplainCamRequest {
        request: Some(IdentifyRequest {
            spectrum_digest: stage.spectrum.clone(),
            ..IdentifyRequest::default()
        }),
        ..ExplainCamRequest::default()
    };
    let method = (EXPLAIN, "ExplainCam");
    let mut cases = vec![
        Case::field(
            "no question",
            method,
            &ExplainCamRequest::default(),
            "request",
        ),
        Case::field(
            "101 regions",
            method,
            &ExplainCamRequest {
                regions: 101,
                ..good()
            },
            "regions",
        ),
        Case::field(
            "an unknown class",
            method,
            &ExplainCamRequest {
                label: "Kryptonite".to_owned(),
                ..good()
            },
            "label",
        ),
    ];
    let hiding = |options: ShapOptions| ExplainShapRequest {
        request: good().request,
        options: Some(options),
        ..ExplainShapRequest::default()
    };
    let shap = (EXPLAIN, "ExplainShap");
    for (name, options, field) in [
        (
            "hides nothing known",
            ShapOptions {
                over: 9,
                ..ShapOptions::default()
            },
            "options.over",
        ),
        (
            "3 runs",
            ShapOptions {
                max_evals: 3,
                ..ShapOptions::default()
            },
            "options.max_evals",
        ),
        (
            "4 billion runs",
            ShapOptions {
                max_evals: u32::MAX,
                ..ShapOptions::default()
            },
            "options.max_evals",
        ),
        (
            "a constant that is none",
            ShapOptions {
                hidden_pixels: Some(HiddenPixels::Constant(f32::NAN)),
                ..ShapOptions::default()
            },
            "options.constant",
        ),
    ] {
        cases.push(Case::field(name, shap, &hiding(options), field));
    }
    let both = ExplainShapRequest {
        label: "Kryptonite".to_owned(),
        ..hiding(ShapOptions {
            top_classes: 2,
            ..ShapOptions::default()
        })
    };
    cases.push(Case::field("a class and several", shap, &both, "label"));
    for digest in no_digests() {
        let mut request = good();
        request.request.as_mut().unwrap().spectrum_digest = digest.clone();
        let field = "request.spectrum_digest";
        cases.push(Case::field(
            format!("digest {digest:?}"),
            method,
            &request,
            field,
        ));
    }
    cases
}
