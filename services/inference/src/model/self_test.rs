//! The test that a model passes before it answers anyone: it gives the features that its training
//! had of the spectra in the bundle, it computes those that the model before it answered lately,
//! and its graph agrees with the head's function.

use super::thread::in_words;
use assay_infer::{FeatureExtractor, Watch};
use assay_pipeline::{Bundle, decide};
use ndarray::{Axis, aview1};
use std::time::{Duration, Instant};

/// Largest difference of the graph's own logits from those of the head's function, relative to
/// the largest logit where that is above one.
const LOGIT_TOLERANCE: f32 = 1e-5;

/// Largest difference of features from those of the training, in the Euclidean norm, relative to
/// these. Processors and versions of the runtime differ by 1e-5, half precision by half a per cent;
/// wrong weights by far more.
const FEATURE_TOLERANCE: f32 = 1e-2;

/// Tests a model on the spectra that its bundle brings and on made-up vectors; gives the time of
/// one warm row. Those of `probes` that have its width and that it cannot compute are logged.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn run(
    bundle: &Bundle,
    extractor: &FeatureExtractor,
    probes: &[Vec<f32>],
) -> Result<Duration, String> {
    repeats_its_training(bundle, extractor)?;
    let bins = extractor.bins();
    let vectors = [made_up(0, bins), made_up(1, bins)];
    for (index, vector) in vectors.iter().enumerate() {
        answers(bundle, extractor, vector)
            .map_err(|reason| format!("it failed its test on vector {index}: {reason}"))?;
    }
    for probe in probes.iter().filter(|probe| probe.len() == bins) {
        if let Err(reason) = answers(bundle, extractor, probe) {
            tracing::warn!(
                model.digest = %bundle.id(),
                reason,
                "model.fails_on_a_recent_vector"
            );
        }
    }
    let started = Instant::now();
    let row = aview1(&vectors[0]).insert_axis(Axis(0));
    extractor
        .extract(row, &Watch::none())
        .map_err(|e| in_words(&e))?;
    Ok(started.elapsed())
}

/// Compares the features of the bundle's own spectra with those that its training had.
fn repeats_its_training(bundle: &Bundle, extractor: &FeatureExtractor) -> Result<(), String> {
    let Some(references) = bundle.references() else {
        return Ok(());
    };
    let rows = references.vectors.outer_iter().enumerate();
    for ((index, vector), expected) in rows.zip(references.features.outer_iter()) {
        let failed =
            |reason: String| format!("it failed its test on reference spectrum {index}: {reason}");
        let found = extractor.extract(vector.insert_axis(Axis(0)), &Watch::none());
        let found = found.map_err(|e| failed(in_words(&e)))?;
        let norm =
            |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
        let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
        let scale = norm(&mut expected.iter().copied()).max(f32::MIN_POSITIVE);
        let relative = difference / scale;
        if relative.is_nan() || relative > FEATURE_TOLERANCE {
            return Err(failed(format!(
                "its features differ by {relative:.1e} from those of its training, more than \
                 {FEATURE_TOLERANCE:.0e}; this runtime does not compute what the model was \
                 trained with"
            )));
        }
    }
    Ok(())
}

/// Whether it comes to a decision on a vector.
fn answers(bundle: &Bundle, extractor: &FeatureExtractor, vector: &[f32]) -> Result<(), String> {
    let features = agree(bundle, extractor, vector)?;
    let decided = decide(bundle.head(), bundle.gate(), &features);
    decided.map(drop).map_err(|error| in_words(&error))
}

/// The features of a vector, if the graph's logits are those of the head's function.
fn agree(
    bundle: &Bundle,
    extractor: &FeatureExtractor,
    vector: &[f32],
) -> Result<Vec<f32>, String> {
    let (features, graph) = extractor
        .extract_with_logits(vector)
        .map_err(|e| in_words(&e))?;
    let head = bundle.head().logits(&features).map_err(|e| in_words(&e))?;
    if graph.len() != head.len() {
        return Err(format!(
            "its graph gives {} logits, but its head has {} classes",
            graph.len(),
            head.len()
        ));
    }
    let scale = head
        .iter()
        .fold(1.0f32, |most, logit| most.max(logit.abs()));
    for (class, (graph, head)) in graph.iter().zip(&head).enumerate() {
        if (graph - head).abs() > LOGIT_TOLERANCE * scale {
            return Err(format!(
                "logit {class} is {graph} by its graph, but {head} by its head"
            ));
        }
    }
    Ok(features)
}

/// A falling continuum with peaks, between the floor of the logarithm and about −3.
fn made_up(index: usize, bins: usize) -> Vec<f32> {
    let spacing = 41 + 58 * index;
    let value = |bin: usize| {
        let continuum = -6.0 - 6.0 * bin as f32 / bins as f32;
        let peak = match bin % spacing {
            0 | 2 => 1.5,
            1 => 3.0,
            _ => 0.0,
        };
        continuum + peak
    };
    (0..bins).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_infer::OnnxRuntime;
    use assay_pipeline::fixture;

    #[test]
    fn what_others_sent_lately_refuses_no_model() {
        let runtime = OnnxRuntime::load(None).unwrap();
        let options = fixture::options().session;
        let bundle = fixture::bundle();
        let extractor = bundle.extractor(runtime, &options).unwrap();
        let hostile = vec![f32::MAX; extractor.bins()];
        assert!(answers(&bundle, &extractor, &hostile).is_err());
        run(&bundle, &extractor, &[hostile, vec![0.0]]).unwrap();
        let bundle = fixture::overflowing_bundle();
        let extractor = bundle.extractor(runtime, &options).unwrap();
        run(&bundle, &extractor, &[]).unwrap_err();
    }
}
