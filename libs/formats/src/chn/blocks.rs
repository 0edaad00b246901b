//! What a CHN file says besides the measurement, under the names of ORTEC's ASCII blocks:
//! `SPEC_REM` for number and description of the detector, `SHAPE_CAL` for the peak shape.

const REMARK: &str = "SPEC_REM";
const SHAPE: &str = "SHAPE_CAL";
const NUMBER: &str = "DET# ";
const DESCRIPTION: &str = "DETDESC# ";

/// The blocks behind the fields of a file.
pub(super) fn of_fields(
    mca_number: i16,
    detector: &str,
    shape: Option<[f32; 3]>,
) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    if mca_number != 0 || !detector.is_empty() {
        let text = format!("{NUMBER}{mca_number}\n{DESCRIPTION}{detector}");
        blocks.push((REMARK.to_owned(), text));
    }
    if let Some([a, b, c]) = shape {
        blocks.push((SHAPE.to_owned(), format!("3\n{a} {b} {c}")));
    }
    blocks
}

/// Number and description of the detector, and the peak shape, as far as the blocks name them.
pub(super) fn to_fields(blocks: &[(String, String)]) -> (i16, &str, [f32; 3]) {
    let block = |name: &str| blocks.iter().find(|(known, _)| known == name);
    let lines = || block(REMARK).into_iter().flat_map(|(_, text)| text.lines());
    let line = |start: &str| lines().find_map(|line| line.strip_prefix(start));
    let number = line(NUMBER).and_then(|number| number.trim().parse().ok());
    let description = line(DESCRIPTION).map_or("", str::trim);
    let shape = block(SHAPE).and_then(|(_, text)| peak_shape(text));
    (number.unwrap_or(0), description, shape.unwrap_or_default())
}

/// The number of terms, then the terms.
fn peak_shape(text: &str) -> Option<[f32; 3]> {
    let mut shape = [0.0; 3];
    for (index, token) in text.split_whitespace().skip(1).take(3).enumerate() {
        let term: f32 = token.parse().ok()?;
        shape[index] = Some(term).filter(|term| term.is_finite())?;
    }
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_the_fields() {
        for (number, detector, shape) in [
            (7, "HPGe 2", Some([3.5, 2.5e-4, -1e-20])),
            (-1, "", None),
            (0, "x", None),
        ] {
            let blocks = of_fields(number, detector, shape);
            let expected = (number, detector, shape.unwrap_or_default());
            assert_eq!(to_fields(&blocks), expected);
        }
        assert_eq!(of_fields(0, "", None), []);
    }

    #[test]
    fn blocks_that_say_something_else_are_left_alone() {
        let block = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let blocks = [
            block("SPEC_REM", "a remark\nDET# many"),
            block("SHAPE_CAL", "3\n1 inf 2"),
        ];
        assert_eq!(to_fields(&blocks), (0, "", [0.0; 3]));
    }
}
