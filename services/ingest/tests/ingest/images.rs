//! Images over the wire are those of the library.

use crate::serving::{Serving, fields, spectrum};
use assay_api::ingest::{FieldKind, ImageEncoding, RenderImageRequest, RenderImageStreamRequest};
use assay_gramian::{Field, Imaging};
use assay_ingest::IngestConfig;
use assay_pipeline::{Bundle, fixture};
use assay_spectrum::{EnergyCalibration, Recipe, Spectrum, Transform};
use assay_store::{BundleFiles, VersionOrigin};
use ndarray::Array2;
use ndarray_npy::ReadNpyExt;
use std::io::Cursor;
use tokio_stream::StreamExt;
use tonic::Code;

async fn put(serving: &mut Serving) -> String {
    let answer = serving.client.put_spectrum(spectrum(3)).await.unwrap();
    answer.into_inner().spectrum.unwrap().digest
}

/// The image by the library alone.
fn expected(field: Field, size: usize) -> Array2<f32> {
    expected_by(&Recipe::default(), field, size)
}

fn expected_by(recipe: &Recipe, field: Field, size: usize) -> Array2<f32> {
    let sent = spectrum(3);
    let (intercept, slope) = (sent.calibration_kev[0], sent.calibration_kev[1]);
    let measured = Spectrum {
        calibration: Some(EnergyCalibration::new(intercept, slope, 0.0).unwrap()),
        ..Spectrum::from_counts(sent.counts)
    };
    let vector = recipe.apply(&measured).unwrap();
    let vector: Vec<_> = vector.iter().map(|&x| f64::from(x as f32)).collect();
    let imaging = Imaging {
        field,
        size,
        ..Imaging::default()
    };
    imaging.image_f32(&vector).unwrap()
}

fn wish(digest: &str, size: u32, encoding: ImageEncoding) -> RenderImageRequest {
    RenderImageRequest {
        digest: digest.to_owned(),
        size,
        encoding: encoding.into(),
        ..RenderImageRequest::default()
    }
}

fn array(bytes: &[u8]) -> Array2<f32> {
    Array2::read_npy(Cursor::new(bytes)).unwrap()
}

#[tokio::test]
async fn arrays_have_the_bits_of_the_library() {
    let mut serving = Serving::start().await;
    let digest = put(&mut serving).await;
    let fields = [
        (FieldKind::Unspecified, Field::Difference),
        (FieldKind::Difference, Field::Difference),
        (FieldKind::Summation, Field::Summation),
    ];
    for (kind, field) in fields {
        let mut request = wish(&digest, 100, ImageEncoding::Npy);
        request.field = kind.into();
        let answer = serving
            .client
            .render_image(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            (answer.size, answer.media_type.as_str()),
            (100, "application/x-npy")
        );
        assert_eq!(array(&answer.image), expected(field, 100));
    }
    serving.end().await;
}

#[tokio::test]
async fn pictures_are_pngs_of_the_size_that_is_asked() {
    let mut serving = Serving::start().await;
    let digest = put(&mut serving).await;
    for (asked, found) in [(0, 512), (64, 64), (2631, 2631)] {
        let request = wish(&digest, asked, ImageEncoding::Unspecified);
        let answer = serving
            .client
            .render_image(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            (answer.size, answer.media_type.as_str()),
            (found, "image/png")
        );
        let reader = png::Decoder::new(Cursor::new(&answer.image))
            .read_info()
            .unwrap();
        assert_eq!((reader.info().width, reader.info().height), (found, found));
    }
    serving.end().await;
}

#[tokio::test]
async fn large_images_come_in_parts() {
    let mut serving = Serving::start().await;
    let digest = put(&mut serving).await;
    let whole = wish(&digest, 2631, ImageEncoding::Npy);
    let status = serving.client.render_image(whole).await.unwrap_err();
    assert_eq!(fields(&status), ["size"]);
    assert!(status.message().contains("RenderImageStream"), "{status}");
    let request = RenderImageStreamRequest {
        digest,
        size: 2631,
        encoding: ImageEncoding::Npy.into(),
        ..RenderImageStreamRequest::default()
    };
    let answer = serving.client.render_image_stream(request).await.unwrap();
    let mut parts = answer.into_inner();
    let mut bytes = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part.unwrap();
        assert!(!part.chunk.is_empty() && part.chunk.len() <= 1 << 20);
        assert!(part.total_bytes >= 4 * 2631 * 2631);
        bytes.extend(part.chunk);
        if bytes.len() as u64 == part.total_bytes {
            break;
        }
    }
    assert!(parts.next().await.is_none());
    assert_eq!(array(&bytes), expected(Field::Difference, 2631));
    serving.end().await;
}

#[tokio::test]
async fn bad_wishes_name_the_field() {
    let mut serving = Serving::start().await;
    let digest = put(&mut serving).await;
    let good = || wish(&digest, 64, ImageEncoding::Png);
    let bad = [
        (
            "field",
            RenderImageRequest { field: 7, ..good() },
            "FIELD_KIND_SUMMATION (2)",
        ),
        (
            "encoding",
            RenderImageRequest {
                encoding: -1,
                ..good()
            },
            "IMAGE_ENCODING_NPY (2)",
        ),
        (
            "size",
            RenderImageRequest { size: 1, ..good() },
            "2 to 2631",
        ),
        (
            "size",
            RenderImageRequest {
                size: 2632,
                ..good()
            },
            "2 to 2631",
        ),
        (
            "size",
            RenderImageRequest {
                size: u32::MAX,
                ..good()
            },
            "2 to 2631",
        ),
        (
            "model",
            RenderImageRequest {
                model: "a b".to_owned(),
                ..good()
            },
            "a b",
        ),
        (
            "digest",
            RenderImageRequest {
                digest: "x".to_owned(),
                ..good()
            },
            "64",
        ),
        ("digest", RenderImageRequest::default(), "is empty"),
    ];
    for (field, request, word) in bad {
        let status = serving.client.render_image(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert_eq!(fields(&status), [field], "{status}");
        assert!(status.message().contains(word), "{word}: {status}");
    }
    let unknown = RenderImageRequest {
        model: "nobody".to_owned(),
        ..good()
    };
    let status = serving.client.render_image(unknown).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
    serving.end().await;
}

#[tokio::test]
async fn a_spectrum_without_calibration_has_no_image() {
    let mut serving = Serving::start().await;
    let mut request = spectrum(1);
    request.calibration_kev.clear();
    let answer = serving
        .client
        .put_spectrum(request)
        .await
        .unwrap()
        .into_inner();
    let request = wish(&answer.spectrum.unwrap().digest, 64, ImageEncoding::Png);
    let status = serving.client.render_image(request).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    serving.end().await;
}

#[tokio::test]
async fn sides_are_limited_by_the_configuration_too() {
    let config = IngestConfig {
        max_image_side: 100,
        ..IngestConfig::default()
    };
    let mut serving = Serving::start_with(config).await;
    let digest = put(&mut serving).await;
    let request = wish(&digest, 0, ImageEncoding::Png);
    let answer = serving
        .client
        .render_image(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.size, 100);
    let request = wish(&digest, 101, ImageEncoding::Png);
    let status = serving.client.render_image(request).await.unwrap_err();
    assert_eq!(fields(&status), ["size"]);
    serving.end().await;
}

/// A bundle of the same network whose recipe clips the small counts away.
fn bundle_with_another_recipe() -> Bundle {
    let bundle = fixture::bundle();
    let mut contents = bundle.contents().clone();
    contents.recipe.transform = Transform::Log { floor: 4e-4 };
    Bundle::new(contents, bundle.model().to_vec(), bundle.gate()).unwrap()
}

#[tokio::test]
async fn a_models_own_recipe_prepares_the_spectrum() {
    let mut serving = Serving::start().await;
    let digest = put(&mut serving).await;
    let bundle = tokio::task::spawn_blocking(bundle_with_another_recipe)
        .await
        .unwrap();
    let files: BundleFiles = bundle
        .files()
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec().into()))
        .collect();
    let origin = VersionOrigin::default();
    let registry = &serving.registry;
    registry
        .put("alloys", "v1", bundle.id(), files, origin)
        .await
        .unwrap();
    let theirs = expected_by(&bundle.contents().recipe, Field::Difference, 64);
    assert_ne!(theirs, expected(Field::Difference, 64));
    // The second time the recipe is remembered.
    for model in ["alloys:v1".to_owned(), bundle.id().to_string()] {
        let request = RenderImageRequest {
            model,
            ..wish(&digest, 64, ImageEncoding::Npy)
        };
        let answer = serving.client.render_image(request).await.unwrap();
        assert_eq!(array(&answer.into_inner().image), theirs);
    }
    serving.end().await;
}
