//! The linear subspace that training features span, and distances from it. All
//! decompositions run on one thread, so that equal features give equal bits.

use crate::error::OpenSetError;
use faer::{
    Mat, Par,
    diag::Diag,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        qr::no_pivoting::factor as qr,
        svd::{ComputeSvdVectors, svd, svd_scratch},
    },
};
use ndarray::{Array2, ArrayView2, Axis};

/// A direction counts towards the rank when its singular value is above this share of the
/// largest. Features come from single-precision networks: smaller directions are rounding noise.
pub const RANK_TOLERANCE: f64 = f32::EPSILON as f64;

/// Right singular vectors of an uncentred feature matrix, up to its numerical rank.
#[derive(Debug, Clone)]
pub(crate) struct Subspace {
    /// `[rank, F]`, one orthonormal vector per row, by falling singular value.
    pub(crate) basis: Array2<f64>,
}

impl Subspace {
    /// Decomposes `[n, F]` finite features.
    pub(crate) fn of(features: ArrayView2<'_, f64>) -> Result<Self, OpenSetError> {
        let (rows, columns) = features.dim();
        let matrix = Mat::from_fn(rows, columns, |i, j| features[[i, j]]);
        let size = rows.min(columns);
        let mut singular = Diag::zeros(size);
        let mut right = Mat::zeros(columns, size);
        let (no, thin) = (ComputeSvdVectors::No, ComputeSvdVectors::Thin);
        let scratch = svd_scratch::<f64>(rows, columns, no, thin, Par::Seq, Default::default());
        svd(
            matrix.as_ref(),
            singular.as_mut(),
            None,
            Some(right.as_mut()),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Default::default(),
        )
        .map_err(|_| OpenSetError::NoConvergence { rows, columns })?;
        let value = |i: usize| singular[i];
        let largest = if size == 0 { 0.0 } else { value(0) };
        let rank = (0..size)
            .take_while(|&i| value(i) > largest * RANK_TOLERANCE)
            .count();
        let basis = Array2::from_shape_fn((rank, columns), |(i, j)| right[(j, i)]);
        Ok(Self { basis })
    }

    /// Numerical rank.
    pub(crate) fn rank(&self) -> usize {
        self.basis.nrows()
    }

    /// Scores of every row for every `k`, which must ascend and stay below the rank.
    ///
    /// # Shapes
    /// `[m, F]` to `[ks, m]`.
    pub(crate) fn scores(&self, features: ArrayView2<'_, f64>, ks: &[usize]) -> Array2<f64> {
        let mut scores = Array2::zeros((ks.len(), features.nrows()));
        for (row, mut column) in features
            .rows()
            .into_iter()
            .zip(scores.axis_iter_mut(Axis(1)))
        {
            let mut rest = row.to_vec();
            let mut removed = 0;
            for (score, &k) in column.iter_mut().zip(ks) {
                remove(&mut rest, self.basis.view(), removed..k);
                removed = k;
                *score = -norm(&rest);
            }
        }
        scores
    }
}

/// Score of one sample: minus its distance from the span of orthonormal basis rows.
pub(crate) fn score(mut sample: Vec<f64>, basis: ArrayView2<'_, f64>) -> f64 {
    let all = 0..basis.nrows();
    remove(&mut sample, basis, all);
    -norm(&sample)
}

/// Takes the components along some basis vectors out of `rest`, one after the other: what is
/// left is explicit, with none of the cancellation of `‖x‖² - ‖Vᵀx‖²`.
fn remove(rest: &mut [f64], basis: ArrayView2<'_, f64>, which: std::ops::Range<usize>) {
    for i in which {
        let row = basis.row(i);
        let Some(direction) = row.as_slice() else {
            continue;
        };
        let along = dot(rest, direction);
        for (value, part) in rest.iter_mut().zip(direction) {
            *value -= along * part;
        }
    }
}

fn norm(values: &[f64]) -> f64 {
    dot(values, values).sqrt()
}

/// Dot product in eight lanes, which the compiler turns into vector instructions; one chain of
/// additions would run at the latency of an addition.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (head_a, head_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = head_a
        .remainder()
        .iter()
        .zip(head_b.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in head_a.zip(head_b) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// The same samples in fewer coordinates: with `Xᵀ = QR`, row `i` becomes column `i` of `R`.
/// `Q` is orthonormal, so every distance and every subspace of samples stays what it was, and
/// each of the many decompositions of a search works on `n` columns in place of `F`.
///
/// # Shapes
/// `[n, F]` to `[n, min(n, F)]`.
pub(crate) fn reduced(features: ArrayView2<'_, f64>) -> Array2<f64> {
    let (n, columns) = features.dim();
    if n >= columns {
        return features.to_owned();
    }
    let mut factor = Mat::from_fn(columns, n, |i, j| features[[j, i]]);
    let block = qr::recommended_block_size::<f64>(columns, n);
    let mut householder = Mat::zeros(block, n);
    let scratch = qr::qr_in_place_scratch::<f64>(columns, n, block, Par::Seq, Default::default());
    qr::qr_in_place(
        factor.as_mut(),
        householder.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    );
    Array2::from_shape_fn((n, n), |(i, j)| if j <= i { factor[(j, i)] } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matrix(rows: usize, columns: usize) -> impl Strategy<Value = Array2<f64>> {
        proptest::collection::vec(-10.0f64..10.0, rows * columns)
            .prop_map(move |values| Array2::from_shape_vec((rows, columns), values).unwrap())
    }

    #[test]
    fn rank_ignores_directions_of_rounding_noise() {
        let mut features = Array2::zeros((6, 4));
        for i in 0..6 {
            features[[i, 0]] = 1.0 + i as f64;
            features[[i, 1]] = (i * i) as f64;
            features[[i, 2]] = features[[i, 0]] + features[[i, 1]];
            features[[i, 3]] = 1e-9 * ((i * 7 + 3) % 5) as f64;
        }
        assert_eq!(Subspace::of(features.view()).unwrap().rank(), 2);
        assert_eq!(
            Subspace::of(Array2::zeros((3, 4)).view()).unwrap().rank(),
            0
        );
    }

    proptest! {
        #[test]
        fn basis_is_orthonormal_and_distances_fall_with_k(features in matrix(9, 13)) {
            let space = Subspace::of(features.view()).unwrap();
            let product = space.basis.dot(&space.basis.t());
            for ((i, j), value) in product.indexed_iter() {
                prop_assert!((value - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
            let ks: Vec<_> = (1..space.rank()).collect();
            let scores = space.scores(features.view(), &ks);
            for pair in scores.rows().into_iter().collect::<Vec<_>>().windows(2) {
                prop_assert!(pair[0].iter().zip(&pair[1]).all(|(a, b)| a <= b));
            }
            let single = score(features.row(3).to_vec(), space.basis.slice(ndarray::s![..4, ..]));
            prop_assert_eq!(single, scores[[3, 3]]);
        }

        #[test]
        fn fewer_coordinates_keep_every_score(features in matrix(8, 30)) {
            let fewer = reduced(features.view());
            prop_assert_eq!(fewer.dim(), (8, 8));
            let rows = [0, 2, 3, 5, 6];
            let scores = |all: &Array2<f64>| {
                let space = Subspace::of(all.select(Axis(0), &rows).view()).unwrap();
                space.scores(all.view(), &[1, 3])
            };
            let (before, after) = (scores(&features), scores(&fewer));
            prop_assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-10));
        }
    }
}
