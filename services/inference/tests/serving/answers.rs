//! The same bits as in process, whoever asks at the same time.

use crate::kit::{IMAGES, Kit, VECTORS, bits, config, features, vectors};
use assay_answering::{AnswerError, Explaining, FeatureSource};
use assay_core::{Classified, ErrorKind};
use assay_pipeline::{Bundle, Identifier, Watch, fixture};
use std::sync::Arc;

/// Features as the command line computes them.
fn in_process(bundle: &Bundle, vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let identifier = Identifier::new(bundle.clone(), &fixture::options()).unwrap();
    let recipe = &bundle.contents().recipe;
    let all = fixture::dataset(1, 100).vectors(recipe).unwrap();
    let row = |vector: &Vec<f32>| {
        let mut one = all.slice(ndarray::s![0..1, ..]).to_owned();
        one.row_mut(0).assign(&ndarray::aview1(vector));
        let features = identifier.features(one.view(), &Watch::none()).unwrap();
        features.into_iter().collect()
    };
    vectors.iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn features_are_those_of_the_command_line_alone_and_among_others() {
    let kit = Kit::new();
    kit.serve("vectors", &VECTORS).await;
    kit.serve("images", &IMAGES).await;
    let inference = kit.start(config()).await;
    for bundle in [&*VECTORS, &*IMAGES] {
        let vectors = vectors(bundle, 2);
        let expected = bits(&in_process(bundle, &vectors));
        let mut requests = tokio::task::JoinSet::new();
        for first in 0..vectors.len() {
            let (inference, id) = (Arc::clone(&inference), bundle.id());
            let some = vectors[first..].to_vec();
            requests.spawn(async move { (first, inference.features(id, some, None).await) });
        }
        for (first, found) in requests.join_all().await {
            assert_eq!(bits(&found.unwrap().rows), expected[first..], "{first}");
        }
        let alone = features(&inference, bundle, &vectors[..1]).await;
        assert_eq!(bits(&alone.rows), expected[..1]);
    }
}

/// The usual map of a class.
fn of(label: Option<String>) -> Explaining {
    Explaining {
        label,
        ..Explaining::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn importances_are_those_of_the_map_and_come_with_the_features() {
    let kit = Kit::new();
    kit.serve("images", &IMAGES).await;
    let inference = kit.start(config()).await;
    let vectors = vectors(&IMAGES, 1);
    let expected = bits(&in_process(&IMAGES, &vectors));
    let identifier = Identifier::new(IMAGES.clone(), &fixture::options()).unwrap();
    for (index, vector) in vectors.iter().enumerate() {
        let mapped = identifier.extractor().extract_with_map(vector).unwrap();
        let best = identifier.decide(&mapped.features).unwrap().class;
        for class in [None, Some(2)] {
            let label = class.map(|class: usize| IMAGES.contents().classes[class].to_string());
            let found = inference.importances(IMAGES.id(), vector.clone(), of(label), None);
            let found = found.await.unwrap();
            let class = class.unwrap_or(best);
            let settings = assay_explain::CamSettings::default();
            let own = assay_explain::class_importances(&IMAGES, &mapped, class, settings).unwrap();
            assert_eq!(found.label, own.label.to_string());
            assert_eq!(found.energy_kev, own.energy_kev);
            assert_eq!(found.importance, own.importance);
            let map = assay_explain::class_map(&IMAGES, &mapped, class, settings.method);
            assert_eq!(found.map, map.unwrap());
            assert_eq!(bits(&[found.features]), [expected[index].clone()]);
        }
    }
    let label = Some("Gold".to_owned());
    let error = inference.importances(IMAGES.id(), vectors[0].clone(), of(label), None);
    let error = error.await.unwrap_err();
    assert!(matches!(&error, AnswerError::Field { field: "label", .. }));
    assert!(error.to_string().contains("Coal, hard"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_said_by_row_and_bin() {
    let kit = Kit::new();
    kit.serve("vectors", &VECTORS).await;
    let inference = kit.start(config()).await;
    let good = vectors(&VECTORS, 1);
    let refuse = async |vectors: Vec<Vec<f32>>| {
        let error = inference.features(VECTORS.id(), vectors, None).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        error.to_string()
    };
    assert!(refuse(Vec::new()).await.contains("there is none"));
    let mut narrow = good.clone();
    narrow[2].pop();
    let text = refuse(narrow).await;
    assert!(text.contains("vectors[2] has 2630 values"), "{text}");
    for value in [f32::NAN, f32::INFINITY] {
        let mut wrong = good.clone();
        wrong[3][17] = value;
        let text = refuse(wrong).await;
        assert!(
            text.contains("vectors[3]") && text.contains("bin 17"),
            "{text}"
        );
    }
}
