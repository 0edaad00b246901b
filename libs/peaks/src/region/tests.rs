//! The model's derivatives.

use super::*;
use crate::least_squares::Model;

#[test]
fn derivatives_are_those_of_the_model() {
    let peak = |center, form, own| Component {
        center,
        center_bounds: (0.0, 100.0),
        area: 5000.0,
        sigma: 1.4,
        form,
        own,
        own_bounds: (0.5, 20.0),
    };
    let region = Region {
        low: 10,
        end: 70,
        peaks: vec![
            peak(25.2, PeakForm::Gaussian, 1.0),
            peak(31.0, PeakForm::BroadGaussian, 1.7),
            peak(48.0, PeakForm::FlatTop, 9.0),
        ],
        continuum: [300.0, -20.0, 5.0],
        width: 1.1,
        width_bounds: WIDTH_ALONE,
        step: 2e-3,
        tail: [0.1, 1.5],
        free: Freedom {
            width: true,
            step: true,
            bend: true,
            tail: true,
        },
    };
    let parameters = region.parameters();
    let n = parameters.len();
    assert_eq!(n, 7 + 6 + 2);
    let evaluate = |region: &Region| {
        let (mut values, mut jacobian) = (vec![0.0; 60], vec![0.0; 60 * n]);
        region.evaluate(&mut values, &mut jacobian);
        (values, jacobian)
    };
    let (values, jacobian) = evaluate(&region);
    assert!((values[20] - region.value_at(30.0)).abs() < 1e-9);
    for parameter in 0..n {
        let h = 1e-5 * parameters[parameter].abs().max(1e-3);
        let moved = |by: f64| {
            let mut p = parameters.clone();
            p[parameter] += by;
            evaluate(&region.with(&p)).0
        };
        let (plus, minus) = (moved(h), moved(-h));
        for row in 0..60 {
            let numeric = (plus[row] - minus[row]) / (2.0 * h);
            let analytic = jacobian[row * n + parameter];
            let scale = numeric.abs().max(1.0);
            assert!(
                (analytic - numeric).abs() < 2e-4 * scale,
                "parameter {parameter}, row {row}: {analytic} instead of {numeric}"
            );
        }
    }
}
