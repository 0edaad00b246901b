//! Crossing between slices of this process and tensors of torch, with every failure as a value.

use crate::error::Result;
use tch::{Device, Kind, Tensor};

/// A 32-bit tensor on `device` with the values of a row-major slice.
pub(crate) fn from_f32(values: &[f32], shape: &[usize], device: Device) -> Result<Tensor> {
    Ok(
        Tensor::f_from_data_size(bytemuck::cast_slice(values), &dims(shape), Kind::Float)?
            .f_to_device(device)?,
    )
}

/// A 64-bit floating tensor on `device` with the values of a row-major slice.
pub(crate) fn from_f64(values: &[f64], shape: &[usize], device: Device) -> Result<Tensor> {
    Ok(
        Tensor::f_from_data_size(bytemuck::cast_slice(values), &dims(shape), Kind::Double)?
            .f_to_device(device)?,
    )
}

/// Row numbers as an index tensor on `device`.
pub(crate) fn from_indices(values: &[usize], device: Device) -> Result<Tensor> {
    Ok(Tensor::f_from_slice(&dims(values))?.f_to_device(device)?)
}

/// All values of a 32-bit tensor, row-major.
pub(crate) fn to_f32(tensor: &Tensor) -> Result<Vec<f32>> {
    let tensor = tensor
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_contiguous()?;
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok(values)
}

/// A shape as torch counts.
#[expect(
    clippy::cast_possible_wrap,
    reason = "extents of tensors and row numbers are far below 2^63"
)]
pub(crate) fn dims(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&extent| extent as i64).collect()
}

/// A shape as Rust counts.
#[expect(clippy::cast_sign_loss, reason = "torch's extents are never negative")]
pub(crate) fn shape_of(tensor: &Tensor) -> Vec<usize> {
    tensor
        .size()
        .iter()
        .map(|&extent| extent as usize)
        .collect()
}
