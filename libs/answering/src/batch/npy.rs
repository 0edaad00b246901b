//! The first bytes of a NumPy file, so that its numbers can follow part by part.

/// Length of the header is a multiple of this, so that numbers after it are aligned.
const ALIGNMENT: usize = 64;

/// The header of a matrix of 32-bit floats, little-endian, rows one after another.
///
/// # Source
/// NumPy's NEP 1, version 1.0 of the format.
pub(super) fn header(rows: usize, columns: usize) -> Vec<u8> {
    let shape =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let before = bytes.len() + 2;
    // The line end belongs to the header. Two numbers are far from the format's 65,535 bytes.
    let length = (before + shape.len() + 1).next_multiple_of(ALIGNMENT) - before;
    bytes.extend_from_slice(&[(length % 256) as u8, (length / 256) as u8]);
    bytes.extend_from_slice(shape.as_bytes());
    bytes.resize(before + length - 1, b' ');
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use ndarray_npy::ReadNpyExt;

    #[test]
    fn another_reader_reads_what_follows_the_header() {
        for (rows, columns) in [(1, 1), (3, 2631), (100_000, 1), (0, 2631)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| i as f32 / 3.0).collect();
            let mut file = header(rows, columns);
            assert_eq!(file.len() % ALIGNMENT, 0);
            file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            let matrix = Array2::<f32>::read_npy(file.as_slice()).unwrap();
            assert_eq!(matrix.dim(), (rows, columns));
            assert_eq!(matrix.into_raw_vec_and_offset().0, values);
        }
    }
}
