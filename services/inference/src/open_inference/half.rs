//! Numbers of 16 bits (IEEE 754 binary16), which some clients send to halve their messages.

/// The same number in 32 bits; every one has its place there.
pub(super) fn widened(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits & 0x03ff);
    match exponent {
        // A multiple of 2^-24, which 32 bits write with an exponent of their own.
        0 => {
            let size = fraction as f32 / 16_777_216.0;
            f32::from_bits(sign | size.to_bits())
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_keeps_its_value_its_sign_and_its_kind() {
        for bits in 0..=u16::MAX {
            let (wide, fraction) = (widened(bits), f64::from(bits & 0x03ff) / 1024.0);
            let expected = match i32::from(bits >> 10 & 0x1f) {
                0 => fraction * 2f64.powi(-14),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                exponent => (1.0 + fraction) * 2f64.powi(exponent - 15),
            };
            let size = f64::from(wide.abs());
            assert!(
                size == expected || (size.is_nan() && expected.is_nan()),
                "{bits:#06x}: {wide}"
            );
            assert_eq!(wide.is_sign_negative(), bits & 0x8000 != 0, "{bits:#06x}");
        }
    }
}
