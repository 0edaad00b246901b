//! Class activation maps and how they are made.

use crate::{WireError, inference as wire};
use assay_explain::{CamSettings, ClassMap, Method, Reduction};
use ndarray::ArrayD;

/// How a map is made, from the numbers of both enumerations.
///
/// # Errors
/// When one is no number of its enumeration.
pub fn settings_from_wire(style: i32, reduction: i32) -> Result<CamSettings, WireError> {
    let unknown = |field, found: i32, allowed: &str| {
        WireError::field(field, format!("is {found}; allowed: {allowed}"))
    };
    let method = match wire::CamStyle::try_from(style) {
        Ok(wire::CamStyle::Unspecified | wire::CamStyle::Hires) => Method::HiRes,
        Ok(wire::CamStyle::Grad) => Method::Grad,
        Err(_) => {
            let allowed = "0, 1 (CAM_STYLE_HIRES), 2 (CAM_STYLE_GRAD)";
            return Err(unknown("style", style, allowed));
        }
    };
    let reduction = match wire::CamReduction::try_from(reduction) {
        Ok(wire::CamReduction::Unspecified | wire::CamReduction::Mean) => Reduction::Mean,
        Ok(wire::CamReduction::Max) => Reduction::Max,
        Err(_) => {
            let allowed = "0, 1 (CAM_REDUCTION_MEAN), 2 (CAM_REDUCTION_MAX)";
            return Err(unknown("reduction", reduction, allowed));
        }
    };
    Ok(CamSettings { method, reduction })
}

/// The same the other way.
#[must_use]
pub const fn settings_to_wire(settings: CamSettings) -> (wire::CamStyle, wire::CamReduction) {
    let style = match settings.method {
        Method::HiRes => wire::CamStyle::Hires,
        Method::Grad => wire::CamStyle::Grad,
    };
    let reduction = match settings.reduction {
        Reduction::Mean => wire::CamReduction::Mean,
        Reduction::Max => wire::CamReduction::Max,
    };
    (style, reduction)
}

/// A map for the wire.
#[must_use]
pub fn to_wire(map: &ClassMap) -> wire::ClassMap {
    let extent = |extent: usize| u32::try_from(extent).unwrap_or(u32::MAX);
    let (height, width) = match *map.values.shape() {
        [height, width] => (extent(height), extent(width)),
        _ => (1, extent(map.values.len())),
    };
    wire::ClassMap {
        height,
        width,
        values: map.values.iter().copied().collect(),
    }
}

/// A map from the wire. One row is a line of energies.
///
/// # Errors
/// When height and width do not fit the values, or a value is not finite.
pub fn from_wire(map: wire::ClassMap) -> Result<ClassMap, WireError> {
    let (height, width) = (map.height as usize, map.width as usize);
    let found = map.values.len();
    if found == 0 || height.checked_mul(width) != Some(found) {
        let reason = format!("has {found} values for {height} rows and {width} columns");
        return Err(WireError::field("map", reason));
    }
    if let Some(value) = map.values.iter().find(|value| !value.is_finite()) {
        return Err(WireError::field(
            "map",
            format!("has {value}; it must be finite"),
        ));
    }
    let shape = match height {
        1 => vec![width],
        _ => vec![height, width],
    };
    let values = ArrayD::from_shape_vec(shape, map.values);
    let values = values.map_err(|error| WireError::field("map", error.to_string()))?;
    Ok(ClassMap { values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_settings_come_back_as_they_went() {
        for shape in [vec![7], vec![2, 3]] {
            let count = shape.iter().product();
            let values = (0..count).map(|i| i as f32 - 2.5).collect();
            let map = ClassMap {
                values: ArrayD::from_shape_vec(shape, values).unwrap(),
            };
            assert_eq!(from_wire(to_wire(&map)), Ok(map));
        }
        for method in [Method::HiRes, Method::Grad] {
            for reduction in [Reduction::Mean, Reduction::Max] {
                let settings = CamSettings { method, reduction };
                let (style, reduction) = settings_to_wire(settings);
                let back = settings_from_wire(style.into(), reduction.into());
                assert_eq!(back, Ok(settings));
            }
        }
        assert_eq!(settings_from_wire(0, 0), Ok(CamSettings::default()));
    }

    #[test]
    fn what_does_not_fit_is_told_by_field() {
        let map = |height, width, values| {
            from_wire(wire::ClassMap {
                height,
                width,
                values,
            })
        };
        for (error, told) in [
            (
                map(2, 3, vec![0.0; 5]).unwrap_err(),
                "map has 5 values for 2 rows and 3 columns",
            ),
            (map(0, 0, Vec::new()).unwrap_err(), "map has 0 values"),
            (
                map(u32::MAX, u32::MAX, vec![0.0]).unwrap_err(),
                "map has 1 values",
            ),
            (map(1, 1, vec![f32::NAN]).unwrap_err(), "map has NaN"),
            (settings_from_wire(3, 0).unwrap_err(), "style is 3"),
            (settings_from_wire(0, -1).unwrap_err(), "reduction is -1"),
        ] {
            let error = error.to_string().replace(':', "");
            assert!(error.contains(told), "{error}");
        }
    }
}
