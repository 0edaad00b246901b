//! An explanation has the gate's own answer and the library's own map, to the last bit.

use crate::kit::{IMAGES, Kit, VECTORS, bits, question};
use assay_api::{
    answer,
    explain::{ExplainCamRequest, ExplainCamResponse},
    gate::IdentifyResponse,
};
use assay_pipeline::{Answer, Identifier, Timings, fixture};

/// An answer without what differs from one time to the next.
fn timeless(wire: &IdentifyResponse) -> Answer {
    Answer {
        timings: Timings::default(),
        ..answer::from_wire(wire).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_and_importances_are_those_of_gate_and_library() {
    let mut kit = Kit::start(&[("images", &IMAGES), ("vectors", &VECTORS)]).await;
    for (model, bundle) in [("images", &*IMAGES), ("vectors", &*VECTORS)] {
        let identifier = Identifier::new(bundle.clone(), &fixture::options()).unwrap();
        for material in 0..4 {
            let bytes = assay_formats::write_spe(&fixture::spectrum(material, 600));
            let question = question(model, &bytes);
            let identified = kit.gate.identify(question.clone()).await.unwrap();
            for class in [None, Some(2)] {
                let label = class.map(|class: usize| bundle.contents().classes[class].to_string());
                let request = ExplainCamRequest {
                    request: Some(question.clone()),
                    label: label.unwrap_or_default(),
                    regions: 0,
                    ..ExplainCamRequest::default()
                };
                let found = kit
                    .explainer
                    .explain_cam(request)
                    .await
                    .unwrap()
                    .into_inner();
                let prepared = identifier.judge().prepare(&bytes, "a.spe").unwrap();
                let own = assay_explain::explain(&identifier, &prepared, class).unwrap();
                let answer = timeless(found.answer.as_ref().unwrap());
                assert_eq!(answer, timeless(identified.get_ref()));
                let score = own.answer.gate.score;
                assert_eq!(answer.gate.score.to_bits(), score.to_bits());
                assert_eq!(bits(&found.importance), bits(&own.importances.importance));
                assert_eq!(found.label, own.importances.label.as_str());
                assert_eq!(found.energy_kev, own.importances.energy_kev);
                assert_eq!(bits(&found.input), bits(prepared.vector()));
                regions_are_where_the_importance_is(
                    &found,
                    bundle.contents().recipe.grid.bin_width_kev(),
                );
            }
        }
    }
}

/// Each region holds, of all positive importance, the share it tells.
fn regions_are_where_the_importance_is(found: &ExplainCamResponse, bin_width_kev: f64) {
    let positive = |from: f64, to: f64| -> f64 {
        let bins = found.energy_kev.iter().zip(&found.importance);
        let within = bins.filter(|(energy, _)| (from..=to).contains(*energy));
        within.map(|(_, value)| f64::from(value.max(0.0))).sum()
    };
    let all = positive(f64::MIN, f64::MAX);
    assert!(found.regions.len() <= 10);
    assert_eq!(found.regions.is_empty(), all == 0.0);
    let mut left = 1.0 + 1e-9;
    for region in &found.regions {
        assert!(region.from_kev < region.to_kev, "{region:?}");
        assert!(
            (region.from_kev..=region.to_kev).contains(&region.peak_kev),
            "{region:?}"
        );
        let share = positive(region.from_kev, region.to_kev) / all;
        assert!(
            (share - region.share).abs() < 1e-6,
            "{share} and {region:?}"
        );
        left -= region.share;
        assert!(region.to_kev - region.from_kev > 0.5 * bin_width_kev);
    }
    assert!(left >= 0.0, "regions do not overlap: {:?}", found.regions);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_regions_as_asked_for() {
    let mut kit = Kit::start(&[("images", &IMAGES)]).await;
    let bytes = assay_formats::write_spe(&fixture::spectrum(0, 601));
    let mut explain = async |regions| {
        let request = ExplainCamRequest {
            request: Some(question("images", &bytes)),
            regions,
            ..ExplainCamRequest::default()
        };
        kit.explainer
            .explain_cam(request)
            .await
            .unwrap()
            .into_inner()
            .regions
    };
    let all = explain(100).await;
    assert!(!all.is_empty());
    assert_eq!(explain(1).await, all[..1]);
    assert_eq!(explain(0).await, all[..all.len().min(10)]);
}
