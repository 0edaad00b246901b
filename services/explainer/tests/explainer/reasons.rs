//! Peaks, Shapley values, pages and figures: each is what the library finds, to the bit.

use crate::kit::{IMAGES, Kit, VECTORS, question};
use assay_api::{
    explain::{
        ExplainPeaksRequest, ExplainShapRequest, HiddenEnergies, RenderReportRequest,
        RenderReportResponse, ReportFormat, ShapOptions, ShapOver, ShapValues,
        explain_shap_response::Part, shap_options::HiddenPixels,
    },
    gate::IdentifyRequest,
};
use assay_explain::{EvidencePlan, EvidenceSettings};
use assay_infer::Watch;
use assay_pipeline::{Identifier, fixture};
use tonic::{Code, Status};
use tonic_types::StatusExt;

fn spectrum() -> Vec<u8> {
    assay_formats::write_spe(&fixture::spectrum(1, 603))
}

fn field(status: &Status) -> Option<String> {
    let violations = status.get_details_bad_request()?.field_violations;
    violations
        .into_iter()
        .next()
        .map(|violation| violation.field)
}

async fn shap(kit: &mut Kit, request: ExplainShapRequest) -> Result<(usize, ShapValues), Status> {
    let mut parts = kit.explainer.explain_shap(request).await?.into_inner();
    let (mut told, mut last) = (0, 0);
    while let Some(part) = parts.message().await? {
        match part.part.unwrap() {
            Part::Progress(progress) => {
                assert!(progress.evals >= last && progress.evals <= progress.max_evals);
                (told, last) = (told + 1, progress.evals);
            }
            Part::Values(values) => {
                assert!(parts.message().await?.is_none(), "the values come last");
                return Ok((told, values));
            }
        }
    }
    unreachable!("the stream ended without values")
}

/// The whole of a report, put together from its parts.
async fn report(
    kit: &mut Kit,
    request: RenderReportRequest,
) -> Result<RenderReportResponse, Status> {
    let mut parts = kit.explainer.render_report(request).await?.into_inner();
    let mut whole = parts.message().await?.unwrap();
    while let Some(part) = parts.message().await? {
        assert!(part.chunk.len() <= 256 << 10 && part.media_type.is_empty());
        whole.chunk.extend(part.chunk);
    }
    assert_eq!(whole.chunk.len() as u64, whole.total_bytes);
    Ok(whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn peaks_are_those_of_the_library() {
    let mut kit = Kit::start(&[("images", &IMAGES), ("vectors", &VECTORS)]).await;
    let bytes = spectrum();
    for (model, bundle) in [("images", &*IMAGES), ("vectors", &*VECTORS)] {
        let identifier = Identifier::new(bundle.clone(), &fixture::options()).unwrap();
        let judge = identifier.judge();
        let prepared = judge.prepare(&bytes, "a.spe").unwrap();
        let settings = EvidenceSettings {
            most_tested: 5,
            ..EvidenceSettings::default()
        };
        let plan = EvidencePlan::new(judge, &prepared, &settings).unwrap();
        let features = identifier.features(plan.vectors(), &Watch::none()).unwrap();
        let own = plan.conclude(judge, features.view(), None).unwrap();
        let request = ExplainPeaksRequest {
            request: Some(question(model, &bytes)),
            label: String::new(),
            most_peaks: 5,
        };
        let found = kit
            .explainer
            .explain_peaks(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(found.label, own.label.as_str());
        assert_eq!(found.logit, own.whole.logit);
        assert_eq!(found.peaks.len(), own.peaks.len());
        assert!(!found.peaks.is_empty());
        for (found, own) in found.peaks.iter().zip(&own.peaks) {
            assert_eq!(found.energy_kev, own.peak.energy_kev);
            let changes = found
                .without
                .as_ref()
                .map(|w| (w.logit_change, w.gate_change));
            let expected = own
                .without
                .as_ref()
                .map(|w| (w.logit_change, w.gate_change));
            assert_eq!(changes, expected);
        }
        let tested = found.peaks.iter().filter(|peak| peak.without.is_some());
        assert_eq!(tested.count(), 5);
        let identified = kit.gate.identify(question(model, &bytes)).await.unwrap();
        let answer = found.answer.unwrap();
        assert_eq!(answer.gate_score, identified.into_inner().gate_score);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shapley_values_come_with_progress_and_add_up() {
    let mut kit = Kit::start(&[("vectors", &VECTORS)]).await;
    let request = ExplainShapRequest {
        request: Some(question("vectors", &spectrum())),
        options: Some(ShapOptions {
            top_classes: 2,
            segments: 16,
            max_evals: 60,
            ..ShapOptions::default()
        }),
        ..ExplainShapRequest::default()
    };
    let (told, values) = shap(&mut kit, request.clone()).await.unwrap();
    assert!(told >= 5, "{told}");
    assert_eq!(values.edges_kev.len(), 17);
    assert_eq!(values.classes.len(), 2);
    assert!(values.classes[0].logit >= values.classes[1].logit);
    for class in &values.classes {
        assert_eq!(class.values.len(), 16);
        let sum: f64 = class.values.iter().sum();
        assert!((class.base + sum - class.logit).abs() < 1e-6, "{class:?}");
    }
    let second = values.classes[1].label.clone();
    let one = ExplainShapRequest {
        label: second.clone(),
        options: Some(ShapOptions {
            top_classes: 0,
            ..request.options.unwrap()
        }),
        ..request.clone()
    };
    let (_, one) = shap(&mut kit, one).await.unwrap();
    assert_eq!(one.classes.len(), 1);
    assert_eq!(one.classes[0].label, second);

    // Whoever goes away in the middle leaves a server that answers.
    let mut parts = kit
        .explainer
        .explain_shap(request.clone())
        .await
        .unwrap()
        .into_inner();
    parts.message().await.unwrap().unwrap();
    drop(parts);
    assert_eq!(shap(&mut kit, request).await.unwrap().1, values);
}

#[tokio::test(flavor = "multi_thread")]
async fn pixels_are_hidden_and_so_is_what_is_usual() {
    let mean = fixture::with_references(&VECTORS, 1.0);
    let mut kit = Kit::start(&[("images", &IMAGES), ("mean", &mean)]).await;
    let request = ExplainShapRequest {
        request: Some(question("images", &spectrum())),
        options: Some(ShapOptions {
            over: ShapOver::Image.into(),
            max_evals: 40,
            top_classes: 2,
            hidden_pixels: Some(HiddenPixels::Blur(8)),
            ..ShapOptions::default()
        }),
        ..ExplainShapRequest::default()
    };
    let (told, values) = shap(&mut kit, request).await.unwrap();
    assert!(told >= 4, "{told}");
    assert!(values.edges_kev.is_empty());
    assert!(values.blocks.len() > 10, "{}", values.blocks.len());
    let (low, high) = IMAGES.contents().recipe.energy_range_kev();
    let area: f64 = values
        .blocks
        .iter()
        .map(|block| {
            (block.row_to_kev - block.row_from_kev) * (block.column_to_kev - block.column_from_kev)
        })
        .sum();
    let whole = (high - low) * (high - low);
    assert!((area - whole).abs() < 1e-6 * whole, "{area} {whole}");
    assert_eq!(values.classes.len(), 2);
    for class in &values.classes {
        let sum: f64 = class.values.iter().sum();
        assert_eq!(class.values.len(), values.blocks.len());
        assert!((class.base + sum - class.logit).abs() < 1e-6, "{class:?}");
    }

    let behind = |hidden: HiddenEnergies| ExplainShapRequest {
        request: Some(question("mean", &spectrum())),
        options: Some(ShapOptions {
            segments: 8,
            max_evals: 20,
            hidden: hidden.into(),
            ..ShapOptions::default()
        }),
        ..ExplainShapRequest::default()
    };
    let mean = shap(&mut kit, behind(HiddenEnergies::TrainingMean)).await;
    let background = shap(&mut kit, behind(HiddenEnergies::LocalBackground)).await;
    let (mean, background) = (mean.unwrap().1, background.unwrap().1);
    assert_eq!(mean.classes[0].logit, background.classes[0].logit);
    assert_ne!(mean.classes[0].base, background.classes[0].base);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_figures_are_made() {
    let mut kit = Kit::start(&[("images", &IMAGES), ("vectors", &VECTORS)]).await;
    for (format, start) in [
        (ReportFormat::Unspecified, &b"<!DOCTYPE html>"[..]),
        (ReportFormat::Json, b"{"),
        (ReportFormat::SpectrumPng, b"\x89PNG"),
        (ReportFormat::SpectrumSvg, b"<svg"),
        (ReportFormat::ImagePng, b"\x89PNG"),
        (ReportFormat::ImageSvg, b"<svg"),
    ] {
        let request = RenderReportRequest {
            request: Some(question("images", &spectrum())),
            format: format.into(),
            most_peaks: 3,
            ..RenderReportRequest::default()
        };
        let made = report(&mut kit, request).await.unwrap();
        let begins = made.chunk[..start.len()].to_ascii_lowercase();
        assert_eq!(begins, start.to_ascii_lowercase(), "{format:?}");
        assert!(made.chunk.len() < 6 << 20, "{format:?}");
        assert!(made.file_name.contains('.') && made.media_type.contains('/'));
        if format == ReportFormat::Json {
            let json: serde_json::Value = serde_json::from_slice(&made.chunk).unwrap();
            assert_eq!(json["title"], "a.spe");
            assert!(!json["peaks"]["peaks"].as_array().unwrap().is_empty());
        }
    }
    for (over, kind) in [(ShapOver::Energies, "segments"), (ShapOver::Image, "image")] {
        let request = RenderReportRequest {
            request: Some(question("images", &spectrum())),
            format: ReportFormat::Json.into(),
            no_peaks: true,
            shap: Some(ShapOptions {
                over: over.into(),
                top_classes: 3,
                max_evals: 20,
                ..ShapOptions::default()
            }),
            ..RenderReportRequest::default()
        };
        let made = report(&mut kit, request).await.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&made.chunk).unwrap();
        assert_eq!(json["shap"]["classes"].as_array().unwrap().len(), 3);
        assert!(json["shap"]["values"].to_string().contains(kind), "{json}");
    }
    let without = RenderReportRequest {
        request: Some(question("vectors", &spectrum())),
        format: ReportFormat::Json.into(),
        no_peaks: true,
        ..RenderReportRequest::default()
    };
    let made = report(&mut kit, without.clone()).await.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&made.chunk).unwrap();
    assert!(json["peaks"].is_null() && json["image"].is_null());
    let image = RenderReportRequest {
        format: ReportFormat::ImagePng.into(),
        ..without
    };
    let status = report(&mut kit, image).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_told_by_its_field() {
    let mut kit = Kit::start(&[("vectors", &VECTORS)]).await;
    let asked = Some(question("vectors", &spectrum()));
    let peaks = ExplainPeaksRequest {
        request: asked.clone(),
        most_peaks: 1001,
        ..ExplainPeaksRequest::default()
    };
    let status = kit.explainer.explain_peaks(peaks).await.unwrap_err();
    assert_eq!(field(&status).as_deref(), Some("most_peaks"), "{status:?}");
    let peaks = ExplainPeaksRequest {
        request: asked.clone(),
        label: "Gold".to_owned(),
        ..ExplainPeaksRequest::default()
    };
    let status = kit.explainer.explain_peaks(peaks).await.unwrap_err();
    assert_eq!(field(&status).as_deref(), Some("label"), "{status:?}");
    assert!(status.message().contains("Coal, hard"), "{status:?}");

    let good = ShapOptions {
        max_evals: 20,
        ..ShapOptions::default()
    };
    let with = |options: ShapOptions| ExplainShapRequest {
        request: asked.clone(),
        options: Some(options),
        ..ExplainShapRequest::default()
    };
    for (request, expected) in [
        (
            with(ShapOptions {
                max_evals: 3,
                ..good
            }),
            "options.max_evals",
        ),
        (
            with(ShapOptions {
                segments: 1,
                ..good
            }),
            "options.segments",
        ),
        (
            with(ShapOptions {
                segments: 1_000_000,
                ..good
            }),
            "options.segments",
        ),
        (
            with(ShapOptions {
                top_classes: 5,
                ..good
            }),
            "options.top_classes",
        ),
        (with(ShapOptions { over: 7, ..good }), "options.over"),
        (
            with(ShapOptions {
                hidden_pixels: Some(HiddenPixels::Constant(f32::INFINITY)),
                ..good
            }),
            "options.constant",
        ),
        (
            ExplainShapRequest {
                label: "Gold".to_owned(),
                ..with(good)
            },
            "label",
        ),
        (
            ExplainShapRequest {
                request: None,
                ..with(good)
            },
            "request",
        ),
        (
            ExplainShapRequest {
                request: Some(IdentifyRequest::default()),
                ..with(good)
            },
            "request.content",
        ),
    ] {
        let status = shap(&mut kit, request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(field(&status).as_deref(), Some(expected), "{status:?}");
    }
    // What this model cannot do, another one can.
    for options in [
        ShapOptions {
            over: ShapOver::Image.into(),
            ..good
        },
        ShapOptions {
            hidden: HiddenEnergies::TrainingMean.into(),
            ..good
        },
    ] {
        let status = shap(&mut kit, with(options)).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    }
    let page = RenderReportRequest {
        request: asked.clone(),
        shap: Some(ShapOptions {
            segments: 1_000_000,
            ..good
        }),
        ..RenderReportRequest::default()
    };
    let status = report(&mut kit, page).await.unwrap_err();
    assert_eq!(
        field(&status).as_deref(),
        Some("shap.segments"),
        "{status:?}"
    );
    let wrong = RenderReportRequest {
        request: asked,
        format: 9,
        ..RenderReportRequest::default()
    };
    let status = report(&mut kit, wrong).await.unwrap_err();
    assert_eq!(field(&status).as_deref(), Some("format"), "{status:?}");
}
