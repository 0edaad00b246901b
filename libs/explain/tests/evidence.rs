//! What peaks are worth, by real networks: each change is that of another, direct computation.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod fixture;

use assay_core::{Classified, Digest, ErrorKind};
use assay_explain::{EvidencePlan, EvidenceSettings, ExplainError, PeakEvidence};
use assay_infer::Watch;
use assay_network::{Landmark, TutorialVariant};
use assay_peaks::find_peaks;
use assay_pipeline::{Bundle, Identifier, IdentifierOptions, Prepared};
use assay_spectrum::{EnergyCalibration, Spectrum};
use ndarray::Array2;

const OUTPUTS: [Landmark; 3] = [Landmark::FeatureMap, Landmark::Features, Landmark::Logits];

fn identifier(bundle: Bundle) -> Identifier {
    Identifier::new(bundle, &IdentifierOptions::default()).unwrap()
}

fn on_images() -> Identifier {
    identifier(fixture::bundle(fixture::image_network(), &OUTPUTS))
}

fn on_vectors() -> Identifier {
    let network = fixture::line_network(TutorialVariant::SmallGap { pool: 8 });
    identifier(fixture::bundle(network, &OUTPUTS))
}

/// A spectrum as a germanium detector gives it, but for the noise: narrow peaks on a continuum. The
/// last peak lies beyond what the models see.
fn spectrum(continuum: impl Fn(f64) -> f64, highest: f64) -> Spectrum {
    let peaks = [1000, 1900, 3000, 4100, 5200, 6600, 8000, 9500, 12_000];
    let counts = (0..16_384u32).map(|channel| {
        let channel = f64::from(channel);
        let of_peak = |(at, &peak): (usize, &u32)| {
            let sigma = 2.0 + f64::from(peak) / 8000.0;
            let off_peak = (channel - f64::from(peak)) / sigma;
            let height = if at == 2 { highest } else { 2e4 };
            height * (-0.5 * off_peak * off_peak).exp()
        };
        let peaks: f64 = peaks.iter().enumerate().map(of_peak).sum();
        (continuum(channel) + peaks).round() as u64
    });
    Spectrum {
        live_time_s: Some(900.0),
        real_time_s: Some(1000.0),
        calibration: EnergyCalibration::new(-1.4, 0.7155, 0.0).ok(),
        ..Spectrum::from_counts(counts.collect())
    }
}

fn prepared(identifier: &Identifier) -> Prepared {
    let falling = spectrum(|channel| 5000.0 / (1.0 + channel / 700.0), 3e4);
    let digest = Digest::of(b"falling");
    let judge = identifier.judge();
    judge
        .prepare_spectrum(&falling, digest, Vec::new())
        .unwrap()
}

fn evidence(
    identifier: &Identifier,
    prepared: &Prepared,
    class: usize,
    settings: &EvidenceSettings,
) -> PeakEvidence {
    let judge = identifier.judge();
    let plan = EvidencePlan::new(judge, prepared, settings).unwrap();
    let features = identifier.features(plan.vectors(), &Watch::none()).unwrap();
    plan.conclude(judge, features.view(), Some(class)).unwrap()
}

#[test]
fn a_change_is_that_of_the_spectrum_without_the_peak() {
    for identifier in [on_images(), on_vectors()] {
        let judge = identifier.judge();
        let prepared = prepared(&identifier);
        let settings = EvidenceSettings::default();
        let found = evidence(&identifier, &prepared, 2, &settings);
        assert_eq!(found.label.as_str(), "Steel");
        let whole = judge
            .decide(&identifier.extract(&prepared).unwrap().0)
            .unwrap();
        assert_eq!(found.whole.logit, f64::from(whole.logits[2]));
        assert_eq!(found.whole.gate_score, whole.gate.score);

        let peaks = find_peaks(prepared.spectrum(), &settings.peaks).unwrap();
        assert_eq!(peaks.peaks.len(), 9, "{}", peaks.peaks.len());
        assert_eq!(found.peaks.len(), peaks.peaks.len());
        for (index, change) in found.peaks.iter().enumerate() {
            assert_eq!(change.peak, peaks.peaks[index]);
            let Some(without) = &change.without else {
                // Only what the model does not see is left out.
                let (_, last_kev) = judge.bundle().contents().recipe.energy_range_kev();
                assert!(change.peak.energy_kev > last_kev, "{:?}", change.peak);
                continue;
            };
            let spectrum = peaks.without(prepared.spectrum(), &[index]).unwrap();
            let again = judge.prepare_spectrum(&spectrum, Digest::of(b""), Vec::new());
            let features = identifier.extract(&again.unwrap()).unwrap().0;
            let decision = judge.decide(&features).unwrap();
            let expected = f64::from(decision.logits[2]) - f64::from(whole.logits[2]);
            assert_eq!(without.logit_change, expected);
            assert_eq!(without.gate_change, decision.gate.score - whole.gate.score);
            assert_ne!(without.logit_change, 0.0, "{:?}", change.peak);
        }
        let ranked = found.ranked();
        let change = |at: usize| ranked[at].without.as_ref().unwrap().logit_change;
        assert!((1..ranked.len()).all(|at| change(at - 1) <= change(at)));
    }
}

#[test]
fn an_image_is_scaled_anew_where_its_highest_peak_goes_and_vectors_never_are() {
    let scaled = |identifier: &Identifier| {
        // One peak stands far above all others.
        let spectrum = spectrum(|_| 1000.0, 3e6);
        let digest = Digest::of(b"flat");
        let judge = identifier.judge();
        let prepared = judge
            .prepare_spectrum(&spectrum, digest, Vec::new())
            .unwrap();
        let found = evidence(identifier, &prepared, 0, &EvidenceSettings::default());
        let tested = found
            .peaks
            .iter()
            .filter_map(|c| Some((c.peak.channel, c.without.clone()?)));
        let scaled = tested.filter(|(_, without)| without.rescales);
        scaled
            .map(|(channel, _)| channel.round())
            .collect::<Vec<_>>()
    };
    assert_eq!(scaled(&on_images()), [3000.0]);
    assert_eq!(scaled(&on_vectors()), [0.0; 0]);
}

#[test]
fn the_most_significant_peaks_are_tested_first() {
    let identifier = on_vectors();
    let prepared = prepared(&identifier);
    let settings = EvidenceSettings {
        most_tested: 3,
        ..EvidenceSettings::default()
    };
    let found = evidence(&identifier, &prepared, 0, &settings);
    let (_, last_kev) = identifier.bundle().contents().recipe.energy_range_kev();
    let (tested, left): (Vec<_>, Vec<_>) = found
        .peaks
        .iter()
        .filter(|change| change.peak.energy_kev < last_kev)
        .partition(|change| change.without.is_some());
    assert_eq!(tested.len(), 3);
    let least = tested
        .iter()
        .map(|c| c.peak.significance)
        .fold(f64::MAX, f64::min);
    assert!(left.iter().all(|change| change.peak.significance <= least));
}

#[test]
fn what_cannot_be_is_refused() {
    let identifier = on_vectors();
    let judge = identifier.judge();
    let prepared = prepared(&identifier);
    let usual = EvidenceSettings::default();
    let none = EvidenceSettings {
        most_tested: 0,
        ..usual
    };
    let error = EvidencePlan::new(judge, &prepared, &none).unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("most_tested is 0; allowed: 1 to 1000"),
        "{told}"
    );
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let plan = || EvidencePlan::new(judge, &prepared, &usual).unwrap();
    let features = judge.bundle().head().features();
    let rows = |rows| Array2::<f32>::zeros((rows, features));
    let error = plan().conclude(judge, rows(1).view(), None).unwrap_err();
    assert!(
        matches!(error, ExplainError::Rows { found: 1, .. }),
        "{error}"
    );
    let all = plan().vectors().nrows();
    let error = plan()
        .conclude(judge, rows(all).view(), Some(3))
        .unwrap_err();
    let told = error.to_string();
    assert!(told.contains("class is 3; allowed: 0 to 2"), "{told}");
}
