//! Learning-rate finder and cyclical rates against the reference implementation's arrays.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use assay_golden::{Npz, assert_close, golden_json};
use assay_train::{
    ClrMode, CurvePoint, CyclicalRate, FinderSettings, RateBounds, RateFinder, ScaleMode, Search,
    estimate_bounds,
};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn schedule(config: &Value) -> CyclicalRate {
    let bounds = RateBounds {
        base: number(&config["base_lr"]),
        max: number(&config["max_lr"]),
    };
    let step_size = count(&config["step_size"]);
    let mode = match config["mode"].as_str() {
        Some("triangular") => ClrMode::Triangular,
        Some("triangular2") => ClrMode::Triangular2,
        Some("exp_range") => ClrMode::ExpRange {
            gamma: config.get("gamma").map_or(1.0, number),
        },
        _ => {
            assert_eq!(config["scale_fn"], "0.5*(1+sin(pi*x/2))");
            assert_eq!(config["scale_mode"], "cycle");
            let scale = |x: f64| 0.5 * (1.0 + (std::f64::consts::FRAC_PI_2 * x).sin());
            return CyclicalRate::with_scale(bounds, step_size, Box::new(scale), ScaleMode::Cycle)
                .unwrap();
        }
    };
    CyclicalRate::new(bounds, step_size, mode).unwrap()
}

/// The reference's history lags: entry `e` is the rate set before epoch `e − 1`, entry 0 the base
/// rate. Epoch `e` really runs at `clr(e + 1)`, which is what ours records.
#[test]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the reference rounds to f32"
)]
fn cyclical_rates() {
    let Some(mut arrays) = Npz::open("cyclical_rates", "clr.npz") else {
        return;
    };
    let about = golden_json("cyclical_rates", "golden.json").unwrap();
    let mut compared = 0;
    for (name, config) in about["clr.npz"]["configs"].as_object().unwrap() {
        let ours = schedule(config);
        let expected = arrays.f64(&format!("{name}_clr64"));
        let actual: Vec<f64> = (0..expected.len()).map(|i| ours.at(i)).collect();
        assert_close(name, &actual, expected.as_slice().unwrap(), 1e-15);
        compared += 1;
        if name == "custom_sin" {
            continue;
        }
        let history = arrays.typed::<f32>(&format!("{name}_lr"));
        let epochs = history.len();
        let used: Vec<f32> = ours.per_epoch(epochs).iter().map(|&r| r as f32).collect();
        let lagging: Vec<f32> = std::iter::once(ours.at(0) as f32)
            .chain(used.iter().copied())
            .take(epochs)
            .collect();
        assert_eq!(
            lagging,
            history.as_slice().unwrap(),
            "{name}: lagging history"
        );
        let last = arrays.typed::<f32>(&format!("{name}_final_lr"));
        assert_eq!(used.last(), last.first(), "{name}: rate of the last epoch");
        let iterations = arrays.f64(&format!("{name}_iterations"));
        assert_eq!(iterations.len(), epochs);
        assert_eq!(
            iterations.first(),
            Some(&1.0),
            "{name}: epoch 0 is iteration 1"
        );
        compared += 3;
    }
    assert_eq!(compared, arrays.names().len(), "every array is compared");
}

fn replay(settings: FinderSettings, losses: &[f64]) -> (Vec<CurvePoint>, bool) {
    let mut finder = RateFinder::new(settings);
    let mut stopped = false;
    for &loss in losses {
        if finder.record(loss) == Search::Finished {
            stopped = finder.curve().len() < settings.updates;
            break;
        }
    }
    (finder.into_curve(), stopped)
}

#[test]
fn learning_rate_finder() {
    let Some(mut arrays) = Npz::open("learning_rate_finder", "lrf.npz") else {
        return;
    };
    let about = golden_json("learning_rate_finder", "golden.json").unwrap();
    let mut compared = 0;
    for (name, config) in about["lrf.npz"]["configs"].as_object().unwrap() {
        let input = config
            .get("input")
            .map_or(name.as_str(), |i| i.as_str().unwrap());
        let settings = FinderSettings {
            beta: number(&config["beta"]),
            stop_factor: number(&config["stop_factor"]),
            skip: 0,
            ..FinderSettings::default()
        };
        let losses = arrays.f64(&format!("{input}_in_loss"));
        let (curve, stopped) = replay(settings, losses.as_slice().unwrap());
        assert_eq!(curve.len(), count(&config["batches_run"]), "{name}");
        assert_eq!(Some(stopped), config["stopped"].as_bool(), "{name}");
        let rates: Vec<f32> = curve.iter().map(|p| p.rate).collect();
        let expected = arrays.typed::<f32>(&format!("{name}_lr"));
        assert_eq!(rates, expected.as_slice().unwrap(), "{name}: rates");
        let smoothed: Vec<f64> = curve.iter().map(|p| p.smoothed).collect();
        let expected = arrays.f64(&format!("{name}_smoothed"));
        assert_close(name, &smoothed, expected.as_slice().unwrap(), 1e-12);
        compare_bounds(name, &curve, config["estimates"].as_array().unwrap());
        compared += if input == name { 3 } else { 2 };
    }
    assert_eq!(compared, arrays.names().len(), "every array is compared");
}

fn compare_bounds(name: &str, curve: &[CurvePoint], estimates: &[Value]) {
    for estimate in estimates {
        let (fraction, skip) = (number(&estimate["frac"]), count(&estimate["skip"]));
        let ours = estimate_bounds(curve, fraction, skip);
        if estimate.get("error").is_some() {
            let message = ours.unwrap_err().to_string();
            assert!(message.contains("first fifth"), "{name}: {message}");
            assert!(message.contains("--lr-bounds"), "{name}: {message}");
        } else {
            let expected = RateBounds {
                base: number(&estimate["base_lr"]),
                max: number(&estimate["max_lr"]),
            };
            assert_eq!(
                ours.unwrap(),
                expected,
                "{name}, frac {fraction}, skip {skip}"
            );
        }
    }
}
