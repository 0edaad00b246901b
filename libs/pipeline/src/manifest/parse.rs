//! Manifest text to rows and faults, without touching the file system.

use super::{ManifestRow, Role};
use crate::fault::Fault;
use assay_core::{ClassLabel, ErrorKind};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Component, Path, PathBuf},
};

const MAX_ROWS: usize = 1_000_000;

/// Rows that are right and faults of the others. Relative paths start at `base`.
pub(super) fn parse(bytes: &[u8], base: &Path) -> (Vec<ManifestRow>, Vec<Fault>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .has_headers(false)
        .from_reader(bytes);
    let mut records = reader.records();
    let mut faults = Vec::new();
    let columns = match records.next() {
        None => Err("the manifest is empty; its first line must be file,label,role".to_owned()),
        Some(Err(error)) => Err(describe(&error)),
        Some(Ok(header)) => Columns::find(&header),
    };
    let columns = match columns {
        Ok(columns) => columns,
        Err(message) => return (Vec::new(), vec![fault(1, message)]),
    };
    let mut rows = Vec::new();
    for record in records.by_ref().take(MAX_ROWS) {
        match record {
            Ok(record) if record.iter().all(str::is_empty) => {}
            Ok(record) => match columns.row(&record, line_of(&record, bytes), base) {
                Ok(row) => rows.push(row),
                Err(found) => faults.extend(found),
            },
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                faults.push(fault(line, describe(&error)));
            }
        }
    }
    if records.next().is_some() {
        let message = format!("more than {MAX_ROWS} rows; split the manifest");
        faults.push(fault(MAX_ROWS as u64, message));
    }
    faults.extend(duplicates(&rows));
    faults.extend(contradictions(&rows));
    // Rows of unknown materials alone are enough to judge a model by; training asks for more.
    if faults.is_empty() && rows.is_empty() {
        let message = "the manifest has no rows; at least one spectrum is needed".to_owned();
        faults.push(fault(1, message));
    }
    (rows, faults)
}

/// Where the columns stand.
struct Columns {
    file: usize,
    label: usize,
    role: usize,
    group: Option<usize>,
    count: usize,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, String> {
        let names: Vec<_> = header.iter().map(str::to_ascii_lowercase).collect();
        let found = |name: &str| {
            let mut places = (0..names.len()).filter(|&i| names[i] == name);
            match (places.next(), places.next()) {
                (place, None) => Ok(place),
                _ => Err(format!("column {name:?} stands there twice")),
            }
        };
        let needed = |name: &str| {
            found(name)?.ok_or_else(|| {
                let hint = if header.len() == 1 {
                    "; columns are separated by commas"
                } else {
                    ""
                };
                format!(
                    "there is no column {name:?}; found {:?}, needed are file,label,role and \
                     optionally group{hint}",
                    header.iter().collect::<Vec<_>>().join(",")
                )
            })
        };
        Ok(Self {
            file: needed("file")?,
            label: needed("label")?,
            role: needed("role")?,
            group: found("group")?,
            count: header.len(),
        })
    }

    fn row(
        &self,
        record: &csv::StringRecord,
        line: u64,
        base: &Path,
    ) -> Result<ManifestRow, Vec<Fault>> {
        if record.len() != self.count {
            let message = format!(
                "{} fields, but the first line has {} columns; quote fields that contain commas",
                record.len(),
                self.count
            );
            return Err(vec![fault(line, message)]);
        }
        let file = match &record[self.file] {
            "" => Err("file is empty; a path relative to the manifest is needed".to_owned()),
            file if file.contains('\0') => Err(format!("file {file:?} contains a zero byte")),
            file => Ok(file),
        };
        let label = ClassLabel::new(&record[self.label]).map_err(|e| format!("label: {e}"));
        let role = match record[self.role].to_ascii_lowercase().as_str() {
            "known" => Ok(Role::Known),
            "unknown" => Ok(Role::Unknown),
            _ => Err(format!(
                "role is {:?}; allowed: known, unknown",
                &record[self.role]
            )),
        };
        match (file, label, role) {
            (Ok(file), Ok(label), Ok(role)) => Ok(ManifestRow {
                line,
                file: file.to_owned(),
                path: base.join(file),
                label,
                role,
                group: self.group(record, file),
            }),
            (file, label, role) => Err([file.err(), label.err(), role.err()]
                .into_iter()
                .flatten()
                .map(|message| fault(line, message))
                .collect()),
        }
    }

    fn group(&self, record: &csv::StringRecord, file: &str) -> String {
        match self.group.map(|column| &record[column]) {
            Some(group) if !group.is_empty() => group.to_owned(),
            _ => match Path::new(file).parent().and_then(Path::to_str) {
                None | Some("") => ".".to_owned(),
                Some(parent) => parent.to_owned(),
            },
        }
    }
}

/// The reader's own line number does not count blank lines in front of a record.
fn line_of(record: &csv::StringRecord, bytes: &[u8]) -> u64 {
    let Some(position) = record.position() else {
        return 1;
    };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let blank = bytes.get(start..).unwrap_or_default();
    let blank = blank
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + blank.filter(|&&byte| byte == b'\n').count() as u64
}

fn duplicates(rows: &[ManifestRow]) -> Vec<Fault> {
    let mut first: HashMap<PathBuf, u64> = HashMap::new();
    let mut faults = Vec::new();
    for row in rows {
        match first.get(&normal(&row.path)) {
            Some(line) => faults.push(fault(
                row.line,
                format!(
                    "file {:?} stands in line {line} already; each file only once",
                    row.file
                ),
            )),
            None => {
                first.insert(normal(&row.path), row.line);
            }
        }
    }
    faults
}

fn contradictions(rows: &[ManifestRow]) -> Vec<Fault> {
    let mut first: BTreeMap<&ClassLabel, &ManifestRow> = BTreeMap::new();
    let mut faults = Vec::new();
    for row in rows {
        let earlier = *first.entry(&row.label).or_insert(row);
        if earlier.role != row.role {
            faults.push(fault(
                row.line,
                format!(
                    "label {:?} is {} here but {} in line {}; a label has one role",
                    row.label.as_str(),
                    row.role.as_str(),
                    earlier.role.as_str(),
                    earlier.line
                ),
            ));
        }
    }
    faults
}

/// The path without `.` and with `..` resolved by name, to recognise one file named twice.
fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.file_name().is_some() => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

fn describe(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => {
            format!(
                "field {} is no UTF-8 text; save the manifest as UTF-8",
                err.field() + 1
            )
        }
        _ => format!("no comma-separated text: {error}"),
    }
}

fn fault(line: u64, message: String) -> Fault {
    Fault {
        line,
        message,
        kind: ErrorKind::InvalidArgument,
    }
}

#[cfg(test)]
mod tests;
