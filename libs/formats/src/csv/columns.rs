//! What separates fields, and which column is which.

use crate::{FormatError, WarningCode, number, warning::Warnings};

/// Most columns of a table.
const MAX_COLUMNS: usize = 64;

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Byte(u8),
    Blanks,
}

impl Separator {
    /// The separator of a row: a semicolon where there is one, else tab, comma, blanks.
    pub(super) fn of(row: &[u8]) -> Self {
        let marks = [b';', b'\t', b','];
        marks
            .into_iter()
            .find(|mark| row.contains(mark))
            .map_or(Self::Blanks, Self::Byte)
    }

    /// The fields of a row without blanks and quotes around them.
    pub(super) fn split(self, row: &[u8]) -> impl Iterator<Item = &[u8]> {
        let is_mark = move |byte: &u8| match self {
            Self::Byte(mark) => *byte == mark,
            Self::Blanks => byte.is_ascii_whitespace(),
        };
        row.split(is_mark)
            .map(unquoted)
            .filter(move |field| self != Self::Blanks || !field.is_empty())
    }
}

fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    let inner = field
        .strip_prefix(b"\"")
        .and_then(|field| field.strip_suffix(b"\""));
    inner.map_or(field, <[u8]>::trim_ascii)
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Counts,
    Channel,
    EnergyKev,
    /// Channel or energy: the values decide.
    Axis,
    LeftOut,
}

/// The roles of a table's columns, and how its rows are split.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns {
    pub(super) separator: Separator,
    pub(super) roles: Vec<Role>,
}

/// The columns that the first row tells, and whether that row is a header.
///
/// # Errors
/// When the columns cannot be told, or one has another unit than keV.
pub(super) fn of_first_row(
    row: &[u8],
    line: usize,
    warnings: &mut Warnings,
) -> Result<(Columns, bool), FormatError> {
    let separator = Separator::of(row);
    let fields: Vec<&[u8]> = separator.split(row).take(MAX_COLUMNS + 1).collect();
    if fields.len() > MAX_COLUMNS {
        return Err(FormatError::TooMany {
            line,
            what: "columns",
            limit: MAX_COLUMNS,
        });
    }
    let is_header = fields.iter().any(|field| is_name(field));
    let roles = if is_header {
        named_roles(row, &fields, line, warnings)?
    } else {
        let counted: &[Role] = match fields.len() {
            1 => &[Role::Counts],
            2 => &[Role::Axis, Role::Counts],
            _ => return Err(unclear(row, line)),
        };
        counted.to_vec()
    };
    Ok((Columns { separator, roles }, is_header))
}

/// Whether a header row names a column of counts.
pub(super) fn names_counts(row: &[u8]) -> bool {
    Separator::of(row)
        .split(row)
        .any(|field| name_of(field).0 == "counts")
}

fn is_name(field: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    field.first().is_some_and(letter) && number::float(field).is_none()
}

/// A column's name in its plain form, and its unit where it states one.
fn name_of(field: &[u8]) -> (String, Option<String>) {
    let text = String::from_utf8_lossy(field).to_ascii_lowercase();
    let (name, unit) = match text.split_once(['(', '[']) {
        Some((name, unit)) => (
            name,
            Some(unit.trim_end_matches([')', ']']).trim().to_owned()),
        ),
        None => match text.rsplit_once('_') {
            Some((name, unit @ ("kev" | "mev" | "ev"))) => (name, Some(unit.to_owned())),
            _ => (text.as_str(), None),
        },
    };
    let plain = match name.trim() {
        "counts" | "count" | "cts" => "counts",
        "channel" | "channels" | "chan" | "ch" | "bin" => "channel",
        "energy" | "energies" | "e" => "energy",
        other => other,
    };
    (plain.to_owned(), unit)
}

fn named_roles(
    row: &[u8],
    fields: &[&[u8]],
    line: usize,
    warnings: &mut Warnings,
) -> Result<Vec<Role>, FormatError> {
    let mut roles = Vec::with_capacity(fields.len());
    for field in fields {
        let (name, unit) = name_of(field);
        let role = match (name.as_str(), unit.as_deref()) {
            ("counts", _) => Role::Counts,
            ("channel", _) => Role::Channel,
            ("energy", None | Some("kev")) => Role::EnergyKev,
            ("energy", Some(_)) => {
                let allowed = "an energy in keV (energy_kev)";
                return Err(FormatError::field(line, "unit of a column", field, allowed));
            }
            _ => Role::LeftOut,
        };
        if role == Role::LeftOut || roles.contains(&role) {
            warnings.add(WarningCode::ColumnsLeftOut, line, || {
                format!(
                    "column {:?} is not needed; left out",
                    crate::error::shorten(field)
                )
            });
            roles.push(Role::LeftOut);
        } else {
            roles.push(role);
        }
    }
    if roles.contains(&Role::Counts) {
        Ok(roles)
    } else {
        Err(unclear(row, line))
    }
}

fn unclear(row: &[u8], line: usize) -> FormatError {
    let allowed = "a header that names counts, and channel or energy_kev where the table has \
                   them, separated by comma, semicolon, tab or blanks; without header one column \
                   of counts, or channel or energy in keV and counts";
    FormatError::field(line, "the first row", row, allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(row: &str) -> Result<(Vec<Role>, bool), FormatError> {
        let (columns, header) = of_first_row(row.as_bytes(), 1, &mut Warnings::default())?;
        Ok((columns.roles, header))
    }

    #[test]
    fn headers_in_their_many_spellings() {
        use Role::{Axis, Channel, Counts, EnergyKev, LeftOut};
        for (row, expected) in [
            ("counts", vec![Counts]),
            ("Channel, Counts", vec![Channel, Counts]),
            ("Energy (keV);Counts", vec![EnergyKev, Counts]),
            ("\"energy_kev\"\t\"counts\"", vec![EnergyKev, Counts]),
            ("ch  e[keV]  cts", vec![Channel, EnergyKev, Counts]),
            (
                "energy,counts,Zähler,counts",
                vec![EnergyKev, Counts, LeftOut, LeftOut],
            ),
        ] {
            assert_eq!(roles(row).unwrap(), (expected, true), "{row}");
        }
        assert_eq!(roles("12").unwrap(), (vec![Counts], false));
        assert_eq!(roles("0.5 12").unwrap(), (vec![Axis, Counts], false));
    }

    #[test]
    fn unclear_tables_and_other_units_are_refused() {
        for row in [
            "1,2,3",
            "channel,energy_kev",
            "time,volts",
            "energy_mev,counts",
        ] {
            assert!(roles(row).is_err(), "{row}");
        }
        assert!(matches!(
            roles(&"1,".repeat(100)),
            Err(FormatError::TooMany { .. })
        ));
    }
}
