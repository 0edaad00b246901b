//! Rows back to manifest text.

use super::{Manifest, ManifestRow};
use crate::{PipelineError, durable};
use std::{
    io,
    path::{Path, PathBuf},
};

impl Manifest {
    /// Writes the rows as a manifest at `path`, replacing a file that stands there as a whole or
    /// not at all. Files are named relative to the new manifest where they lie below its folder,
    /// otherwise by absolute path.
    ///
    /// # Errors
    /// When the file cannot be written or a path is no UTF-8 text.
    pub fn write(&self, path: &Path) -> Result<(), PipelineError> {
        let base = absolute_parent(path).map_err(PipelineError::write(path))?;
        let text = self.text(&base).map_err(PipelineError::write(path))?;
        durable::write_file(path, &text)
    }

    fn text(&self, base: &Path) -> io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["file", "label", "role", "group"])?;
        for row in &self.rows {
            let file = named_from(base, row)?;
            let fields = [&file, row.label.as_str(), row.role.as_str(), &row.group];
            writer.write_record(fields)?;
        }
        writer.into_inner().map_err(|e| e.into_error())
    }
}

fn absolute_parent(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(path.parent().map(Path::to_path_buf).unwrap_or_default())
}

fn named_from(base: &Path, row: &ManifestRow) -> io::Result<String> {
    let path = std::path::absolute(&row.path)?;
    let named = path.strip_prefix(base).unwrap_or(&path);
    named.to_str().map(str::to_owned).ok_or_else(|| {
        let what = format!("{} is no UTF-8 text", named.display());
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_written_reads_back_from_another_folder() {
        let folder = tempfile::tempdir().unwrap();
        let spectra = folder.path().join("spe");
        fs::create_dir_all(spectra.join("a, b")).unwrap();
        fs::write(spectra.join("a, b/x.SPE"), b"").unwrap();
        fs::write(folder.path().join("y.SPE"), b"").unwrap();
        let first = folder.path().join("m.csv");
        let text =
            "file,label,role\n\"spe/a, b/x.SPE\",\"Öl \"\"A\"\"\",known\ny.SPE,Ash,unknown\n";
        fs::write(&first, text).unwrap();
        let manifest = Manifest::read(&first).unwrap();
        for second in [folder.path().join("copy.csv"), spectra.join("copy.csv")] {
            manifest.write(&second).unwrap();
            let copy = Manifest::read(&second).unwrap();
            let key = |row: &ManifestRow| {
                let path = fs::canonicalize(&row.path).unwrap();
                (path, row.label.clone(), row.role, row.group.clone())
            };
            let rows = |manifest: &Manifest| manifest.rows.iter().map(key).collect::<Vec<_>>();
            assert_eq!(rows(&copy), rows(&manifest));
        }
    }
}
