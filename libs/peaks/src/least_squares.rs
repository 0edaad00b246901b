//! Weighted nonlinear least squares of few parameters.

/// Most steps of a minimisation.
const MOST_STEPS: usize = 80;
/// Damping at which no step is left to be tried.
const LARGEST_DAMPING: f64 = 1e10;

/// What is fitted to a row of data.
pub(crate) trait Model: Clone {
    /// The free parameters.
    fn parameters(&self) -> Vec<f64>;
    /// The model with other parameters, each moved into its bounds.
    fn with(&self, parameters: &[f64]) -> Self;
    /// Lower and upper bound of every parameter.
    fn bounds(&self) -> Vec<(f64, f64)>;
    /// Values, and derivatives by the parameters (row-major: value × parameter).
    fn evaluate(&self, values: &mut [f64], jacobian: &mut [f64]);
}

/// A minimum.
#[derive(Debug, Clone)]
pub(crate) struct Minimum<M> {
    pub(crate) model: M,
    pub(crate) chi_squared: f64,
    /// Inverse of the normal matrix, row-major; 0 for parameters at a bound.
    pub(crate) covariance: Vec<f64>,
    /// Whether the last step was as small as asked for.
    pub(crate) converged: bool,
}

impl<M: Model> Minimum<M> {
    /// Variance of a parameter.
    pub(crate) fn variance(&self, parameter: usize) -> f64 {
        let n = self.model.parameters().len();
        self.covariance[parameter * n + parameter]
    }
}

/// Minimises Σ weight·(data − model)²; a step that lowers it by less than the part
/// `smallest_gain` of it is the last.
///
/// # Shapes
/// `data` and `weights` have one value per channel.
///
/// # Errors
/// `None` where χ² is not finite at the start or the normal matrix is singular.
///
/// # Source
/// D. W. Marquardt, J. Soc. Indust. Appl. Math. 11, 431 (1963), damping scaled by the diagonal;
/// bounds by projection.
pub(crate) fn minimise<M: Model>(
    start: M,
    data: &[f64],
    weights: &[f64],
    smallest_gain: f64,
) -> Option<Minimum<M>> {
    let mut model = start;
    let mut state = State::new(&model, data.len());
    state.evaluate(&model, data, weights);
    let mut trial_state = State::new(&model, data.len());
    let bounds = model.bounds();
    let mut damping = 1e-3;
    let mut converged = false;
    if !state.chi_squared.is_finite() {
        return None;
    }
    for _ in 0..MOST_STEPS {
        let parameters = model.parameters();
        let Some(step) = state.step(&parameters, &bounds, damping) else {
            damping *= 10.0;
            continue;
        };
        let moved: Vec<f64> = parameters.iter().zip(&step).map(|(p, s)| p + s).collect();
        let trial = model.with(&moved);
        trial_state.evaluate(&trial, data, weights);
        let gain = state.chi_squared - trial_state.chi_squared;
        if gain >= 0.0 {
            converged = gain <= smallest_gain * state.chi_squared;
            model = trial;
            std::mem::swap(&mut state, &mut trial_state);
            damping = (damping * 0.1).max(1e-12);
        } else {
            // At the minimum rounding alone may raise χ².
            converged = -gain <= smallest_gain * state.chi_squared;
            damping *= 10.0;
        }
        if converged || damping > LARGEST_DAMPING {
            break;
        }
    }
    let covariance = state.covariance(&model.parameters(), &bounds)?;
    Some(Minimum {
        model,
        chi_squared: state.chi_squared,
        covariance,
        converged,
    })
}

/// Normal equations at one point.
struct State {
    values: Vec<f64>,
    jacobian: Vec<f64>,
    normal: Vec<f64>,
    gradient: Vec<f64>,
    chi_squared: f64,
}

impl State {
    fn new<M: Model>(model: &M, rows: usize) -> Self {
        let n = model.parameters().len();
        Self {
            values: vec![0.0; rows],
            jacobian: vec![0.0; rows * n],
            normal: vec![0.0; n * n],
            gradient: vec![0.0; n],
            chi_squared: f64::INFINITY,
        }
    }

    fn evaluate<M: Model>(&mut self, model: &M, data: &[f64], weights: &[f64]) {
        let n = self.gradient.len();
        model.evaluate(&mut self.values, &mut self.jacobian);
        self.normal.fill(0.0);
        self.gradient.fill(0.0);
        self.chi_squared = 0.0;
        let rows = self.jacobian.chunks_exact(n);
        for (((row, value), count), weight) in rows.zip(&self.values).zip(data).zip(weights) {
            let residual = count - value;
            self.chi_squared += weight * residual * residual;
            for (i, &derivative) in row.iter().enumerate() {
                if derivative == 0.0 {
                    continue;
                }
                let weighted = weight * derivative;
                self.gradient[i] += weighted * residual;
                let line = &mut self.normal[i * n..i * n + i + 1];
                for (sum, other) in line.iter_mut().zip(row) {
                    *sum += weighted * other;
                }
            }
        }
        for i in 0..n {
            for j in 0..i {
                self.normal[j * n + i] = self.normal[i * n + j];
            }
        }
    }

    fn step(&self, parameters: &[f64], bounds: &[(f64, f64)], damping: f64) -> Option<Vec<f64>> {
        let n = self.gradient.len();
        let mut damped = self.normal.clone();
        let mut gradient = self.gradient.clone();
        for i in 0..n {
            let ((low, high), parameter) = (bounds[i], parameters[i]);
            let held =
                (parameter <= low && gradient[i] < 0.0) || (parameter >= high && gradient[i] > 0.0);
            if held || self.normal[i * n + i] <= 0.0 {
                // Against its bound, or without influence: it stays, and the others move as if
                // it were no parameter.
                gradient[i] = 0.0;
                for j in 0..n {
                    damped[i * n + j] = 0.0;
                    damped[j * n + i] = 0.0;
                }
                damped[i * n + i] = 1.0;
            } else {
                damped[i * n + i] = self.normal[i * n + i] * (1.0 + damping);
            }
        }
        let factor = cholesky(&damped, n)?;
        Some(solve(&factor, &gradient))
    }

    fn covariance(&self, parameters: &[f64], bounds: &[(f64, f64)]) -> Option<Vec<f64>> {
        let n = self.gradient.len();
        let inside = |i: usize| parameters[i] > bounds[i].0 && parameters[i] < bounds[i].1;
        let free: Vec<usize> = (0..n)
            .filter(|&i| inside(i) && self.normal[i * n + i] > 0.0)
            .collect();
        let reduced: Vec<f64> = free
            .iter()
            .flat_map(|&i| free.iter().map(move |&j| self.normal[i * n + j]))
            .collect();
        // Parameters that cannot be told apart get a large variance instead of none.
        let factor = cholesky(&reduced, free.len())
            .or_else(|| cholesky(&stiffened(&reduced, free.len()), free.len()))?;
        let mut covariance = vec![0.0; n * n];
        for (column, &j) in free.iter().enumerate() {
            let mut unit = vec![0.0; free.len()];
            unit[column] = 1.0;
            for (&i, value) in free.iter().zip(solve(&factor, &unit)) {
                covariance[i * n + j] = value;
            }
        }
        Some(covariance)
    }
}

fn stiffened(matrix: &[f64], n: usize) -> Vec<f64> {
    let mut stiff = matrix.to_vec();
    for i in 0..n {
        stiff[i * n + i] *= 1.0 + 1e-9;
    }
    stiff
}

/// Lower factor of a symmetric positive matrix, its diagonal scaled to 1 first, with the scales
/// behind it; `None` where it is not positive.
fn cholesky(matrix: &[f64], n: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let scales: Vec<f64> = (0..n).map(|i| matrix[i * n + i].sqrt()).collect();
    let mut lower = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let mut sum = matrix[i * n + j] / (scales[i] * scales[j]);
            for k in 0..j {
                sum -= lower[i * n + k] * lower[j * n + k];
            }
            if i == j {
                if !(sum > 1e-14 && sum.is_finite()) {
                    return None;
                }
                lower[i * n + i] = sum.sqrt();
            } else {
                lower[i * n + j] = sum / lower[j * n + j];
            }
        }
    }
    Some((lower, scales))
}

fn solve((lower, scales): &(Vec<f64>, Vec<f64>), right: &[f64]) -> Vec<f64> {
    let n = right.len();
    let mut x: Vec<f64> = right.iter().zip(scales).map(|(r, s)| r / s).collect();
    for i in 0..n {
        for k in 0..i {
            x[i] -= lower[i * n + k] * x[k];
        }
        x[i] /= lower[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            x[i] -= lower[k * n + i] * x[k];
        }
        x[i] /= lower[i * n + i];
    }
    x.iter().zip(scales).map(|(x, s)| x / s).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a·exp(−b·x) with b of 0 or more.
    #[derive(Clone)]
    struct Decay(f64, f64);

    impl Model for Decay {
        fn parameters(&self) -> Vec<f64> {
            vec![self.0, self.1]
        }
        fn with(&self, parameters: &[f64]) -> Self {
            Self(parameters[0], parameters[1].max(0.0))
        }
        fn bounds(&self) -> Vec<(f64, f64)> {
            vec![(f64::NEG_INFINITY, f64::INFINITY), (0.0, f64::INFINITY)]
        }
        fn evaluate(&self, values: &mut [f64], jacobian: &mut [f64]) {
            for (i, value) in values.iter_mut().enumerate() {
                let x = i as f64;
                *value = self.0 * (-self.1 * x).exp();
                jacobian[2 * i] = (-self.1 * x).exp();
                jacobian[2 * i + 1] = -x * *value;
            }
        }
    }

    #[test]
    fn finds_the_parameters_of_exact_data() {
        let data: Vec<f64> = (0..20).map(|i| 7.0 * (-0.3 * f64::from(i)).exp()).collect();
        let found = minimise(Decay(1.0, 1.0), &data, &[1.0; 20], 1e-9).unwrap();
        assert!(found.converged && found.chi_squared < 1e-12);
        assert!((found.model.0 - 7.0).abs() < 1e-6 && (found.model.1 - 0.3).abs() < 1e-6);
    }

    #[test]
    fn a_parameter_at_its_bound_has_no_variance() {
        let data = [1.0, 2.0, 3.0, 4.0];
        let found = minimise(Decay(1.0, 0.5), &data, &[1.0; 4], 1e-9).unwrap();
        assert_eq!(found.model.1, 0.0);
        // The mean of four values of variance 1.
        assert!((found.model.0 - 2.5).abs() < 1e-6);
        assert!((found.variance(0) - 0.25).abs() < 1e-9);
        assert_eq!(found.variance(1), 0.0);
    }

    #[test]
    fn data_that_are_no_numbers_give_nothing() {
        assert!(minimise(Decay(1.0, 0.5), &[f64::NAN; 4], &[1.0; 4], 1e-9).is_none());
    }
}
