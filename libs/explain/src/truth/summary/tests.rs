//! Means and comparisons of made-up scores.

use super::super::curves::Areas;
use super::*;
use assay_core::ClassLabel;

fn areas(logit: f64) -> Areas {
    Areas {
        logit,
        probability: logit / 10.0,
    }
}

fn order(order: Order, auroc: Option<f64>, deletion: f64, insertion: f64) -> OrderScore {
    OrderScore {
        order,
        ranking: auroc.map(|auroc| Ranking {
            auroc,
            average_precision: auroc / 2.0,
        }),
        deletion: areas(deletion),
        insertion: areas(insertion),
    }
}

fn score(auroc: Option<f64>, deletion: f64, map: Option<f64>) -> SpectrumScore {
    let shares = Shares {
        expected: 0.5,
        map,
        occlusion: Some(0.25),
    };
    SpectrumScore {
        class: ClassLabel::new("Steel").unwrap(),
        probability: 0.9,
        right: map.is_some(),
        peaks: 10,
        distinguishing: 4,
        unmatched: 1,
        orders: vec![
            order(Order::Evidence, auroc, deletion, 6.0),
            order(Order::Random, auroc.map(|_| 0.5), 4.0, 5.0),
        ],
        regions: Some(RegionScore {
            cells: 16,
            cell_width_kev: 471.0,
            holding: shares,
            ruled: shares,
        }),
    }
}

#[test]
fn means_leave_out_what_is_not_there() {
    let scores = [
        score(Some(1.0), 2.0, Some(0.75)),
        score(None, 5.0, None),
        score(Some(0.5), 3.5, Some(0.5)),
    ];
    let summary = summarise(&scores);
    assert_eq!((summary.spectra, summary.right), (3, 2));
    assert_eq!(
        (summary.peaks, summary.distinguishing, summary.unmatched),
        (30, 12, 3)
    );
    let evidence = summary.orders[0];
    assert_eq!((evidence.ranked, evidence.auroc), (2, Some(0.75)));
    assert_eq!(evidence.average_precision, Some(0.375));
    assert_eq!(evidence.deletion_logit, Some(3.5));
    assert_eq!(evidence.deletion_beats_random, 2);
    assert_eq!(evidence.insertion_beats_random, 3);
    let random = summary.orders[3];
    assert_eq!(random.deletion_beats_random, 0);
    let occlusion = summary.orders[1];
    assert_eq!((occlusion.ranked, occlusion.auroc), (0, None));
    assert_eq!(occlusion.deletion_logit, None);
    let holding = summary.regions.unwrap().holding;
    assert_eq!(holding.expected, Some(0.5));
    assert_eq!(holding.map, Some(0.625));
    // Equal is not more.
    assert_eq!(holding.map_beats_random, 1);
}

#[test]
fn no_spectra_have_no_means() {
    let summary = summarise(std::iter::empty());
    assert_eq!(summary.spectra, 0);
    assert!(summary.orders.iter().all(|o| o.deletion_logit.is_none()));
    assert_eq!(summary.regions, None);
}
