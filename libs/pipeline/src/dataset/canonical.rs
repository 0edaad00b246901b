//! A data set as a list of spectra that are named by their digests: the form in which it is
//! stored, sent and named itself.

use super::Dataset;
use crate::{PipelineError, Role};
use assay_core::{ClassLabel, Digest};

/// One spectrum of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSpectrum {
    /// Digest of the spectrum's file.
    pub spectrum: Digest,
    /// The material; `None` where nobody says, in lists that are only identified.
    pub label: Option<ClassLabel>,
    /// Whether a model may know it.
    pub role: Role,
    /// Spectra of one specimen or source; may be empty.
    pub group: String,
}

/// Spectra in canonical order: by digest, label, role and group. The same spectra in any order
/// make the same list with the same digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpectrumList(Vec<ListedSpectrum>);

const COLUMNS: [&str; 4] = ["spectrum", "label", "role", "group"];

impl SpectrumList {
    /// Puts spectra in order.
    #[must_use]
    pub fn new(mut rows: Vec<ListedSpectrum>) -> Self {
        rows.sort_by(|a, b| key(a).cmp(&key(b)));
        Self(rows)
    }

    /// The list of a data set that has been read.
    #[must_use]
    pub fn of(dataset: &Dataset) -> Self {
        let rows = dataset.rows().iter().map(|row| ListedSpectrum {
            spectrum: row.digest,
            label: Some(row.label.clone()),
            role: row.role,
            group: row.group.clone(),
        });
        Self::new(rows.collect())
    }

    /// The spectra in order.
    #[must_use]
    pub fn rows(&self) -> &[ListedSpectrum] {
        &self.0
    }

    /// The text that the list is stored as and its digest is taken of: one line per spectrum.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = COLUMNS.join(",");
        text.push('\n');
        for row in &self.0 {
            let label = row.label.as_ref().map_or("", ClassLabel::as_str);
            text += &row.spectrum.to_string();
            for field in [label, row.role.as_str(), &row.group] {
                text.push(',');
                text += &quoted(field);
            }
            text.push('\n');
        }
        text
    }

    /// Identity of the list: the digest of [`SpectrumList::to_csv`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_csv().as_bytes())
    }

    /// Reads what [`SpectrumList::to_csv`] wrote.
    ///
    /// # Errors
    /// When it is no such text; the message names line, field and value.
    pub fn from_csv(bytes: &[u8]) -> Result<Self, PipelineError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
        let header = reader
            .headers()
            .map_err(|e| unusable(1, "the header", e))?
            .clone();
        if header != COLUMNS[..] {
            let found = header.iter().collect::<Vec<_>>().join(",");
            return Err(unusable(1, "the header", format!("{found:?} was found")));
        }
        let mut rows = Vec::new();
        for (at, record) in reader.records().enumerate() {
            let line = at as u64 + 2;
            let record = record.map_err(|e| unusable(line, "the line", e))?;
            rows.push(parsed(&record, line)?);
        }
        Ok(Self::new(rows))
    }
}

fn parsed(record: &csv::StringRecord, line: u64) -> Result<ListedSpectrum, PipelineError> {
    let field = |at: usize| record.get(at).unwrap_or_default();
    let label = match field(1) {
        "" => None,
        text => Some(ClassLabel::new(text).map_err(|e| unusable(line, "label", e))?),
    };
    let role = [Role::Known, Role::Unknown]
        .into_iter()
        .find(|role| role.as_str() == field(2))
        .ok_or_else(|| unusable(line, "role", format!("{:?} is no role", field(2))))?;
    Ok(ListedSpectrum {
        spectrum: field(0)
            .parse()
            .map_err(|e| unusable(line, "spectrum", e))?,
        label,
        role,
        group: field(3).to_owned(),
    })
}

fn unusable(line: u64, field: &str, reason: impl std::fmt::Display) -> PipelineError {
    PipelineError::parameter(
        "data set",
        format!("unusable in line {line}, {field}: {reason}"),
        "lines spectrum,label,role,group as canonical lists of spectra have them",
    )
}

fn key(row: &ListedSpectrum) -> (&[u8; 32], Option<&ClassLabel>, &str, &str) {
    (
        row.spectrum.as_bytes(),
        row.label.as_ref(),
        row.role.as_str(),
        &row.group,
    )
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, label: Option<&str>, group: &str) -> ListedSpectrum {
        ListedSpectrum {
            spectrum: Digest::of(name.as_bytes()),
            label: label.map(|label| ClassLabel::new(label).unwrap()),
            role: if label.is_some() {
                Role::Known
            } else {
                Role::Unknown
            },
            group: group.to_owned(),
        }
    }

    #[test]
    fn order_does_not_count_and_text_comes_back() {
        let rows = vec![
            row("b", Some("Coal, \"brown\""), "lot\n1"),
            row("a", None, ""),
            row("a", Some("Steel"), "x,y"),
        ];
        let list = SpectrumList::new(rows.clone());
        let reversed = SpectrumList::new(rows.into_iter().rev().collect());
        assert_eq!(list.digest(), reversed.digest());
        assert_eq!(
            SpectrumList::from_csv(list.to_csv().as_bytes()).unwrap(),
            list
        );
    }

    #[test]
    fn other_texts_are_refused_by_line_and_field() {
        let digest = Digest::of(b"a");
        for (text, word) in [
            ("a,b\n".to_owned(), "header"),
            (
                "spectrum,label,role,group\nzz,A,known,\n".to_owned(),
                "spectrum",
            ),
            (
                format!("spectrum,label,role,group\n{digest},A,none,\n"),
                "role",
            ),
            (
                format!("spectrum,label,role,group\n{digest},UNKNOWN,known,\n"),
                "label",
            ),
            (
                format!("spectrum,label,role,group\n{digest},A,known\n"),
                "line 2",
            ),
        ] {
            let message = SpectrumList::from_csv(text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(message.contains(word), "{message}");
        }
    }
}
