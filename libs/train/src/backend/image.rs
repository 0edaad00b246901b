//! The Gramian angular field as tensor operations: aggregation, scaling and sines in double
//! precision, products in single precision, as in `assay_gramian` and in the exported graph.

use crate::{
    error::Result,
    tensors::{self, dims},
};
use assay_gramian::{CONSTANT_RANGE, Field, Imaging};
use assay_network::ImageLayer;
use tch::{Device, Kind, Tensor};

/// Which bins each pixel averages, on a device, and how the means become an image.
#[derive(Debug)]
pub(super) struct ImageTable {
    imaging: Imaging,
    /// `None` where every pixel is one bin.
    segments: Option<Segments>,
}

#[derive(Debug)]
struct Segments {
    /// Bins of all segments, `[S · L]`.
    indices: Tensor,
    /// Weights `[S, L]`.
    weights: Tensor,
}

impl ImageTable {
    pub(super) fn new(layer: &ImageLayer, device: Device) -> Result<Self> {
        let imaging = layer.imaging.clone();
        let padded = imaging.padded_segments(layer.bins)?;
        let segments = if imaging.size == layer.bins {
            None
        } else {
            let shape = [padded.segments, padded.longest];
            Some(Segments {
                indices: Tensor::f_from_slice(&padded.indices)?.f_to_device(device)?,
                weights: tensors::from_f64(&padded.weights, &shape, device)?,
            })
        };
        Ok(Self { imaging, segments })
    }

    /// # Shapes
    /// `[n, bins]` → `[n, 1, S, S]`.
    pub(super) fn image(&self, vectors: &Tensor) -> Result<Tensor> {
        let vectors = vectors.f_detach()?.f_to_kind(Kind::Double)?;
        let means = match &self.segments {
            None => vectors,
            Some(Segments { indices, weights }) => {
                let mut shape = vec![-1];
                shape.extend(weights.size());
                vectors
                    .f_index_select(1, indices)?
                    .f_reshape(shape)?
                    .f_mul(weights)?
                    .f_sum_dim_intlist(2, false, Kind::Double)?
            }
        };
        let (cosine, sine) = self.polar(&means)?;
        let (cosine, sine) = (cosine.f_to_kind(Kind::Float)?, sine.f_to_kind(Kind::Float)?);
        let (c_column, s_column) = (cosine.f_unsqueeze(2)?, sine.f_unsqueeze(2)?);
        let (c_row, s_row) = (cosine.f_unsqueeze(1)?, sine.f_unsqueeze(1)?);
        let image = match self.imaging.field {
            Field::Difference => s_column.f_mul(&c_row)?.f_sub(&c_column.f_mul(&s_row)?)?,
            Field::Summation => c_column.f_mul(&c_row)?.f_sub(&s_column.f_mul(&s_row)?)?,
        };
        Ok(image.f_unsqueeze(1)?)
    }

    /// Cosines and sines, `[n, S]` each, with the formulas of `assay_gramian::Imaging::polar`.
    fn polar(&self, means: &Tensor) -> Result<(Tensor, Tensor)> {
        let Some((low, high)) = self.imaging.sample_range else {
            let below = means.f_neg()?.f_add_scalar(1.0)?;
            let above = means.f_add_scalar(1.0)?;
            return Ok((means.shallow_clone(), root_of_product(&below, &above)?));
        };
        let width = high - low;
        let min = means.f_amin(dims(&[1]), true)?;
        let max = means.f_amax(dims(&[1]), true)?;
        let spread = max.f_sub(&min)?;
        let constant = spread.f_lt(CONSTANT_RANGE)?;
        let spread = spread.f_masked_fill(&constant, 1.0)?;
        let u = means
            .f_sub(&min)?
            .f_div(&spread)?
            .f_masked_fill(&constant, 0.0)?;
        let v = max
            .f_sub(means)?
            .f_div(&spread)?
            .f_masked_fill(&constant, 1.0)?;
        let above = u.f_mul_scalar(width)?.f_add_scalar(1.0 + low)?;
        let below = v.f_mul_scalar(width)?.f_add_scalar(1.0 - high)?;
        let from_low = u.f_mul_scalar(width)?.f_add_scalar(low)?;
        let from_high = v.f_mul_scalar(-width)?.f_add_scalar(high)?;
        let cosine = from_low.f_where_self(&u.f_lt(0.5)?, &from_high)?;
        Ok((cosine, root_of_product(&below, &above)?))
    }
}

fn root_of_product(below: &Tensor, above: &Tensor) -> Result<Tensor> {
    Ok(below.f_mul(above)?.f_clamp_min(0.0)?.f_sqrt()?)
}
