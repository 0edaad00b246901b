//! Chooses a few spectra of a manifest for the demo to identify.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// Spectra of known and of unknown materials to show.
const KNOWN: usize = 3;
const UNKNOWN: usize = 2;

/// The first spectra of different labels: some known ones, then some unknown ones. Files are
/// relative to the manifest, as everywhere.
pub(crate) fn a_few(manifest: &Path) -> Result<Vec<PathBuf>> {
    let text = std::fs::read_to_string(manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let rows = rows(&text).with_context(|| format!("in {}", manifest.display()))?;
    let mut files = pick(&rows, "known", KNOWN);
    files.extend(pick(&rows, "unknown", UNKNOWN));
    Ok(files.into_iter().map(|f| folder.join(f)).collect())
}

struct Row {
    file: String,
    label: String,
    role: String,
}

fn rows(text: &str) -> Result<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader.headers().context("the first line is not readable")?;
    let column = |name: &str| {
        headers
            .iter()
            .position(|h| h == name)
            .with_context(|| format!("there is no column `{name}`; needed are file,label,role"))
    };
    let (file, label, role) = (column("file")?, column("label")?, column("role")?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.context("a line is not readable")?;
        let field = |i: usize| record.get(i).unwrap_or_default().to_owned();
        rows.push(Row {
            file: field(file),
            label: field(label),
            role: field(role),
        });
    }
    Ok(rows)
}

fn pick<'a>(rows: &'a [Row], role: &str, n: usize) -> Vec<&'a str> {
    let mut labels: Vec<&str> = Vec::new();
    let mut files = Vec::new();
    for row in rows.iter().filter(|r| r.role == role) {
        if files.len() < n && !labels.contains(&row.label.as_str()) {
            labels.push(&row.label);
            files.push(row.file.as_str());
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "role,file,label,note\nknown,a/1.SPE,steel,x\nknown,a/2.SPE,steel,x\n\
                            known,\"b/1,1.SPE\",coal,x\nunknown,c/1.SPE,lime,x\n";

    #[test]
    fn one_spectrum_of_each_label() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("test.csv");
        std::fs::write(&manifest, MANIFEST).unwrap();
        let expected = ["a/1.SPE", "b/1,1.SPE", "c/1.SPE"].map(|f| dir.path().join(f));
        assert_eq!(a_few(&manifest).unwrap(), expected);
    }

    #[test]
    fn a_missing_column_is_named() {
        let fault = rows("file,label\na,b\n").err().unwrap().to_string();
        assert!(fault.contains("`role`"), "{fault}");
    }
}
