//! `shapley.csv`: one line for each part of each class of each row, for spreadsheets.

use super::{
    line::{ResultLine, RowShapley},
    table::{text, written},
};
use assay_explain::Over;

/// The columns of a table over ranges of energy.
const RANGES: [&str; 7] = [
    "spectrum", "class", "base", "logit", "from_kev", "to_kev", "value",
];

/// The columns of a table over blocks of pixels.
const BLOCKS: [&str; 9] = [
    "spectrum",
    "class",
    "base",
    "logit",
    "row_from_kev",
    "row_to_kev",
    "column_from_kev",
    "column_to_kev",
    "value",
];

/// The line of names: `spectrum` digest; `class`, with its logit where everything is hidden
/// (`base`) and of the spectrum (`logit`); where the part lies; `value`, what it adds to the logit.
pub(super) fn first_line(over: Over) -> Result<Vec<u8>, String> {
    let columns = match over {
        Over::Energies => RANGES.as_slice(),
        Over::Image => BLOCKS.as_slice(),
    };
    let columns = columns.iter().map(|&column| column.to_owned()).collect();
    written(std::iter::once(columns))
}

/// The lines of some rows. A row without values has none.
pub(super) fn lines(rows: &[ResultLine]) -> Result<Vec<u8>, String> {
    written(rows.iter().flat_map(of_row))
}

fn of_row(row: &ResultLine) -> Vec<Vec<String>> {
    let explanation = row.explanation.as_ref();
    let Some(shapley) = explanation.and_then(|explanation| explanation.shapley.as_ref()) else {
        return Vec::new();
    };
    let places = places(shapley);
    let classes = shapley.classes.iter();
    classes
        .flat_map(|class| {
            let parts = places.iter().zip(&class.values);
            parts.map(|(place, value)| {
                let mut fields = vec![
                    row.spectrum.to_string(),
                    text(&class.label),
                    class.base.to_string(),
                    class.logit.to_string(),
                ];
                fields.extend(place.iter().map(ToString::to_string));
                fields.push(value.to_string());
                fields
            })
        })
        .collect()
}

/// Energies of each part.
fn places(shapley: &RowShapley) -> Vec<Vec<f64>> {
    let ranges = shapley.edges_kev.windows(2).map(<[f64]>::to_vec);
    let blocks = shapley.blocks.iter().map(|block| {
        let (row, column) = (block.row_kev, block.column_kev);
        vec![row.0, row.1, column.0, column.1]
    });
    ranges.chain(blocks).collect()
}
